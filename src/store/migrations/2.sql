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

-- Our subscriptions to sources' hubs. A row whose lease has not ended is in force.
CREATE TABLE subscriptions (
  source    INTEGER PRIMARY KEY REFERENCES sources (number) ON DELETE CASCADE,
  token     TEXT NOT NULL UNIQUE,          -- the last part of its call-back's address
  callback  TEXT NOT NULL,
  secret    TEXT NOT NULL,                 -- what its deliveries are signed with
  hub       TEXT NOT NULL,
  topic     TEXT NOT NULL,
  asked     INTEGER,                       -- when the hub was asked; it has not come back yet
  expires   INTEGER,                       -- end of the lease
  next_try  INTEGER NOT NULL,              -- when the hub is asked next
  failures  INTEGER NOT NULL DEFAULT 0,    -- in a row
  words     TEXT,                          -- why the last request came to nothing
  pushed    INTEGER,                       -- last delivery, while the hub is relied on
  announced INTEGER,                       -- last delivery that only said that there are news
  pushes    INTEGER NOT NULL DEFAULT 0,    -- deliveries, ever
  refused   INTEGER NOT NULL DEFAULT 0,    -- deliveries with a wrong signature, ever
  leaving   INTEGER NOT NULL DEFAULT 0     -- 1: to be given up
) STRICT;

CREATE INDEX subscriptions_next ON subscriptions (next_try);

-- What was asked of each host, by day (Unix days, UTC).
CREATE TABLE ledger (
  day          INTEGER NOT NULL,
  host         TEXT NOT NULL,              -- name and port
  requests     INTEGER NOT NULL,
  not_modified INTEGER NOT NULL,
  documents    INTEGER NOT NULL,           -- 200 and 226
  throttled    INTEGER NOT NULL,           -- 429 and 503
  failed       INTEGER NOT NULL,           -- other statuses, and no answer at all
  bytes        INTEGER NOT NULL,           -- of bodies, as they came
  saved        INTEGER NOT NULL,           -- bytes of the bodies that a 304 spared
  PRIMARY KEY (day, host)
) STRICT, WITHOUT ROWID;
