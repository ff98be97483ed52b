-- What stores made before 0.2 lack.

-- What a source says of itself as a podcast: JSON; see store/state.rs.
ALTER TABLE sources ADD COLUMN podcast TEXT;

-- Entries that wait for their time, found without a walk over all.
CREATE INDEX entries_held ON entries (hold_until) WHERE hold_until IS NOT NULL;

-- What a body's answer said of its language: part of how it is read.
ALTER TABLE bodies ADD COLUMN content_language TEXT;

-- The words of new entries are written at the end of a transaction, in the order of the index (sqlite/words.rs): in
-- any other, FTS5 makes a piece of every row. So many bytes are gathered in memory before a piece is written.
DROP TRIGGER words_of_new;
INSERT INTO words (words, rank) VALUES ('hashsize', 8388608);

-- 1: the content is the article of the entry's own page; NULL: stored before that was remembered.
ALTER TABLE entries ADD COLUMN article INTEGER;

-- The entries of one language by date: a rare language is found without a walk over all others.
CREATE INDEX entries_language ON entries (substr(language, 1, instr(language || '-', '-') - 1), published, number)
  WHERE listed = 1 AND merged_into IS NULL AND language IS NOT NULL;

-- What texts of nearly the same words share, of stories seen in the last 48 hours; empty while `similar` is off.
CREATE TABLE bands (
  key        INTEGER NOT NULL,
  entry      INTEGER NOT NULL,  -- whose text is kept; may be gone
  first_seen INTEGER NOT NULL,
  PRIMARY KEY (key, entry)
) STRICT, WITHOUT ROWID;

CREATE INDEX bands_age ON bands (first_seen);

-- Links to the same story elsewhere, for the documents.
CREATE INDEX sightings_similar ON sightings (entry) WHERE rule GLOB 'similar text*';
