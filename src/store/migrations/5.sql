-- What every poll reads and writes is small.

-- What is remembered of a source, as fields in bytes (store/state.rs); until now it was JSON.
ALTER TABLE sources ADD COLUMN remembered BLOB NOT NULL DEFAULT x'';
UPDATE sources SET remembered = fields_of_json(state);
ALTER TABLE sources DROP COLUMN state;

-- The last of its news but for moves and certificates, so that a poll that found the same need not look for it.
ALTER TABLE sources ADD COLUMN said TEXT;
UPDATE sources SET said =
  (SELECT kind FROM health WHERE source = sources.number AND kind NOT IN ('moved', 'expiring')
   ORDER BY number DESC LIMIT 1);
