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

-- What was found by a long way is kept, with the place up to which it is true; then only what happened since is looked at.

-- Stories to which something happened, in this order. Those that are new, or stand in one more source, are told of by
-- their sightings. The newest row is never removed, so that no number comes twice.
CREATE TABLE changes (
  number INTEGER PRIMARY KEY,
  entry  INTEGER               -- may be gone; NULL: something happened to any number of them
) STRICT;

-- What stood in outputs whose filters few entries pass, and where their history goes on; see sqlite/found.rs.
CREATE TABLE found (
  output TEXT PRIMARY KEY,
  rules  BLOB NOT NULL,        -- digest of what decides it
  look   TEXT,                 -- JSON
  tail   TEXT                  -- JSON
) STRICT, WITHOUT ROWID;
