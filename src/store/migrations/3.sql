-- Keys of one day stand beside each other (dedup/keys.rs), and so must what is looked up by title and time.

-- older_keys, 1: there are keys that were made before, when those of a time began as any other; a key is looked up in
-- that form, too. guids_meet, links_meet, 1: these are keys between sources, which they are once some source goes by them.
ALTER TABLE installation ADD COLUMN older_keys INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN guids_meet INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN links_meet INTEGER NOT NULL DEFAULT 0;

UPDATE installation SET (older_keys, guids_meet, links_meet) =
  (SELECT found, found, found FROM (SELECT EXISTS (SELECT 1 FROM keys) AS found));

UPDATE sightings
SET story = unhex(printf('%04X', max(0, min(65535, stated / 86400))) || hex(substr(story, 1, 14)))
WHERE title_key IS NOT NULL AND stated IS NOT NULL;

DROP INDEX entries_title;
CREATE INDEX entries_title ON entries (stated / 86400, title_key)
  WHERE title_key IS NOT NULL AND stated IS NOT NULL;

-- What a source is known by where its dates say nothing.
CREATE INDEX sightings_title ON sightings (source, title_key) WHERE title_key IS NOT NULL;
