-- What stores made before 0.2 lack.

-- What a source says of itself as a podcast: JSON; see store/state.rs.
ALTER TABLE sources ADD COLUMN podcast TEXT;

-- Entries that wait for their time, found without a walk over all.
CREATE INDEX entries_held ON entries (hold_until) WHERE hold_until IS NOT NULL;

-- What a body's answer said of its language: part of how it is read.
ALTER TABLE bodies ADD COLUMN content_language TEXT;
