-- What stores made before 0.2 lack.

-- What a source says of itself as a podcast: JSON; see store/state.rs.
ALTER TABLE sources ADD COLUMN podcast TEXT;
