-- Times are Unix seconds. Keys and digests are 16 bytes. Numbers are never reused.

CREATE TABLE sources (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  url         TEXT NOT NULL,               -- as configured, credentials masked
  name        TEXT,                        -- as configured
  rule        TEXT NOT NULL,               -- how its entries meet others
  configured  INTEGER NOT NULL,            -- 0: no longer in the config; its entries stay
  title       TEXT,                        -- of its last document
  link        TEXT,                        -- of its last document
  stories     INTEGER NOT NULL DEFAULT 0,  -- entries with a sighting here
  state       TEXT NOT NULL,               -- JSON; see store/state.rs
  seen        BLOB                         -- digest of the rules in force, then of each entry of the last document
) STRICT;

CREATE TABLE entries (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of publication
  id          BLOB NOT NULL UNIQUE,               -- published name, for ever
  source      INTEGER NOT NULL REFERENCES sources (number),
  published   INTEGER NOT NULL,                   -- as shown, fixed at intake
  updated     INTEGER NOT NULL,                   -- as shown
  first_seen  INTEGER NOT NULL,
  modified    INTEGER NOT NULL,                   -- when this row last changed
  hold_until  INTEGER,                            -- not served before
  listed      INTEGER NOT NULL,                   -- 0: backlog, only in the archive
  merged_into INTEGER REFERENCES entries (number) ON DELETE CASCADE,  -- a correction made it an older one
  stated      INTEGER,                            -- timestamp of its identity
  title_key   INTEGER,                            -- hash of the folded title
  guid        TEXT,
  title       TEXT NOT NULL,
  link        TEXT,
  language    TEXT,
  stated_published INTEGER,
  stated_updated   INTEGER,
  summary     TEXT,
  content     TEXT,
  more        TEXT NOT NULL,                      -- JSON: people, subjects, files, image, duration
  digest      BLOB NOT NULL,
  substance   BLOB NOT NULL,
  reading     INTEGER NOT NULL                    -- version of our reading that made the text
) STRICT;

CREATE INDEX entries_river ON entries (published, number) WHERE listed = 1 AND merged_into IS NULL;
CREATE INDEX entries_title ON entries (title_key, stated) WHERE title_key IS NOT NULL AND stated IS NOT NULL;
CREATE INDEX entries_source ON entries (source, number);
CREATE INDEX entries_age ON entries (first_seen);
CREATE INDEX entries_merged ON entries (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE sightings (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  source      INTEGER NOT NULL REFERENCES sources (number) ON DELETE CASCADE,
  entry       INTEGER REFERENCES entries (number) ON DELETE CASCADE,  -- NULL: held back by a filter
  published   INTEGER NOT NULL,             -- of the entry, so that a source's river is one index walk
  digest      BLOB NOT NULL,
  story       BLOB NOT NULL,
  title_key   INTEGER,
  text_key    INTEGER,                      -- hash of the folded text
  guid        TEXT,
  link        TEXT,
  title       TEXT NOT NULL,
  stated      INTEGER,
  first_seen  INTEGER NOT NULL,
  rule        TEXT NOT NULL                 -- what brought it here, in words
) STRICT;

CREATE INDEX sightings_digest ON sightings (source, digest);
CREATE INDEX sightings_entry ON sightings (entry);
CREATE INDEX sightings_river ON sightings (source, published, entry);
CREATE INDEX sightings_filtered ON sightings (first_seen) WHERE entry IS NULL;

-- What an entry may be known by. scope: a source's number, target a sighting; or scope 0: across
-- sources, target an entry. A target that is gone was pruned: its key keeps it from returning.
-- scope -1: names that retention removed, target when.
CREATE TABLE keys (
  scope  INTEGER NOT NULL,
  key    BLOB NOT NULL,
  target INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- The last raw body of each source, compressed.
CREATE TABLE bodies (
  source       INTEGER PRIMARY KEY REFERENCES sources (number) ON DELETE CASCADE,
  fetched      INTEGER NOT NULL,
  url          TEXT NOT NULL,
  content_type TEXT,
  body         BLOB NOT NULL
) STRICT;

-- What tells this river from every other: made with the store, comes along with a backup.
CREATE TABLE installation (
  id BLOB NOT NULL
) STRICT;

INSERT INTO installation (id) VALUES (randomblob(16));

-- When the bytes of a published document last changed.
CREATE TABLE documents (
  name     TEXT PRIMARY KEY,
  etag     TEXT NOT NULL,
  modified INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The words of each entry, folded by query/words.rs; kept by triggers, so in the transaction of every change.
-- Rows are numbered by date, then by entry, so that the newest match comes first without sorting.
CREATE VIRTUAL TABLE words USING fts5 (title, body, content = '', contentless_delete = 1, tokenize = 'ascii');

CREATE TRIGGER words_of_new AFTER INSERT ON entries BEGIN
  INSERT INTO words (rowid, title, body)
  VALUES (river_place(new.published, new.number), river_words(new.title),
    river_text(new.summary, new.content, new.more));
END;

CREATE TRIGGER words_of_changed AFTER UPDATE OF published, title, summary, content, more ON entries BEGIN
  DELETE FROM words WHERE rowid = river_place(old.published, old.number);
  INSERT INTO words (rowid, title, body)
  VALUES (river_place(new.published, new.number), river_words(new.title),
    river_text(new.summary, new.content, new.more));
END;

CREATE TRIGGER words_of_gone AFTER DELETE ON entries BEGIN
  DELETE FROM words WHERE rowid = river_place(old.published, old.number);
END;

-- How the stories of each output are cut into archive documents. Never cut anew: what a reader holds stays true.
CREATE TABLE archives (
  output  TEXT PRIMARY KEY,
  rules   BLOB NOT NULL,     -- digest of what its stories are chosen by; other rules, another archive
  counted INTEGER NOT NULL,  -- place of the last story that was counted
  open    INTEGER NOT NULL   -- stories after the last end
) STRICT, WITHOUT ROWID;

CREATE TABLE archive_ends (
  output TEXT NOT NULL REFERENCES archives (output) ON DELETE CASCADE,
  n      INTEGER NOT NULL,
  place  INTEGER NOT NULL,   -- of the last story in it
  PRIMARY KEY (output, n)
) STRICT, WITHOUT ROWID;

-- The daemon's own news: one row per change of a source's state.
CREATE TABLE health (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  source INTEGER NOT NULL REFERENCES sources (number) ON DELETE CASCADE,
  at     INTEGER NOT NULL,
  kind   TEXT NOT NULL,      -- broken, recovered, gone, drifted, moved
  words  TEXT NOT NULL
) STRICT;

CREATE INDEX health_source ON health (source, number);

-- Whom the hub inside tells of changes.
CREATE TABLE subscribers (
  topic     TEXT NOT NULL,               -- a document's name, "feeds/all.atom"
  callback  TEXT NOT NULL,
  secret    TEXT,
  expires   INTEGER NOT NULL,
  delivered TEXT NOT NULL,               -- tag of the bytes it has
  failures  INTEGER NOT NULL DEFAULT 0,  -- in a row
  next_try  INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, callback)
) STRICT, WITHOUT ROWID;
