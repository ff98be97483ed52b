-- What a poll writes for a new entry stands with what it wrote last, not at a place of chance in an index of the whole.

-- Guids and links of a source stand by their numbers (dedup/keys.rs). 1: there are some that do not; both are looked up.
ALTER TABLE installation ADD COLUMN unplaced_keys INTEGER NOT NULL DEFAULT 0;
UPDATE installation SET unplaced_keys = EXISTS (SELECT 1 FROM keys WHERE scope >= 0);

-- What stood in each source's last document; see sqlite/last.rs.
CREATE TABLE last_documents (
  source  INTEGER PRIMARY KEY REFERENCES sources (number) ON DELETE CASCADE,
  rules   BLOB NOT NULL,  -- digest of the rules it was read under
  entries BLOB NOT NULL   -- a record for each of its entries
) STRICT;

-- Until now: digest of the rules, then of each entry.
INSERT INTO last_documents (source, rules, entries)
WITH RECURSIVE each_entry (source, seen, place) AS (
  SELECT number, seen, 17 FROM sources WHERE length(seen) >= 16
  UNION ALL
  SELECT source, seen, place + 16 FROM each_entry WHERE place + 16 <= length(seen)
)
SELECT e.source, substr(e.seen, 1, 16), unhex(coalesce(group_concat(
    CASE WHEN e.place + 15 <= length(e.seen) THEN
      hex(substr(e.seen, e.place, 16)) || hex(coalesce(x.story, zeroblob(16)))
      || printf('%016X%016X%016X', coalesce(x.number, 0), coalesce(x.entry, 0), coalesce(x.text_key, 0))
    END, '' ORDER BY e.place), ''))
FROM each_entry e
LEFT JOIN sightings x ON x.number =
  (SELECT min(number) FROM sightings WHERE source = e.source AND digest = substr(e.seen, e.place, 16))
GROUP BY e.source;

ALTER TABLE sources DROP COLUMN seen;

-- 1: its guid or its link leads to it, so that the same bytes are found by these; NULL: by their digest.
ALTER TABLE sightings ADD COLUMN reached INTEGER;
DROP INDEX sightings_digest;
CREATE INDEX sightings_digest ON sightings (source, digest) WHERE reached IS NULL;

-- By day, as entries_title.
DROP INDEX sightings_title;
CREATE INDEX sightings_title ON sightings (source, stated / 86400, title_key)
  WHERE title_key IS NOT NULL AND stated IS NOT NULL AND entry IS NOT NULL;
