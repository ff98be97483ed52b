//! Which keys lead to which entry. Keys are never taken away: they outlive what they lead to, so that what
//! retention removed does not return.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::dedup::{Keys, keys_between, leads_to, mark};
use crate::model::{DedupRule, Digest};
use crate::store::StoreError;

/// Reads and writes keys: a handful for every entry, so its statements are held.
pub(super) struct Keyring<'a> {
    db: &'a Connection,
    source: i64,
    read: CachedStatement<'a>,
    write: CachedStatement<'a>,
    has: Has,
    /// Where guids and links of the document stand.
    places: HashMap<Digest, [u8; 2]>,
}

/// What there is among the keys of this store.
struct Has {
    older: Older,
    /// Guids between sources.
    guids: bool,
    /// Links between sources.
    links: bool,
}

/// Which keys may stand elsewhere, too, since they were made by an older version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Older {
    None,
    /// Guids and links: before they stood by their numbers.
    Addresses,
    /// All: before those of one day stood together.
    All,
}

impl<'a> Keyring<'a> {
    /// For a document with these keys.
    pub(super) fn new(db: &'a Connection, source: i64, keys: &[Keys]) -> Result<Self, StoreError> {
        let read = db.prepare_cached("SELECT target FROM keys WHERE scope = ?1 AND key = ?2")?;
        let write = db.prepare_cached(
            "INSERT INTO keys (scope, key, target) VALUES (?1, ?2, ?3)
             ON CONFLICT (scope, key) DO UPDATE SET target = excluded.target
             WHERE scope > 0 AND EXISTS
               (SELECT 1 FROM sightings WHERE number = keys.target AND entry IS NULL)",
        )?;
        let has = db
            .prepare_cached("SELECT older_keys, guids_meet, links_meet, unplaced_keys FROM installation")?
            .query_row([], |row| {
                let older = match (row.get(0)?, row.get(3)?) {
                    (true, _) => Older::All,
                    (false, true) => Older::Addresses,
                    (false, false) => Older::None,
                };
                Ok(Has { older, guids: row.get(1)?, links: row.get(2)? })
            })?;
        let all = keys.iter().chain(keys.iter().filter_map(|keys| keys.former.as_deref()));
        let places = all.flat_map(|keys| keys.stands.iter().copied()).collect();
        Ok(Self { db, source, read, write, has, places })
    }

    /// What a key leads to.
    pub(super) fn target(&mut self, scope: i64, key: Digest) -> Result<Option<i64>, StoreError> {
        self.find(scope, key, self.places.get(&key).copied())
    }

    /// True when the key has been that of several stories of the source.
    pub(super) fn is_marked(&mut self, key: Digest) -> Result<bool, StoreError> {
        let place = self.places.get(&key).copied();
        Ok(self.find(self.source, mark(key), place)?.is_some())
    }

    fn find(&mut self, scope: i64, key: Digest, place: Option<[u8; 2]>) -> Result<Option<i64>, StoreError> {
        let target = self.read(scope, standing(key, place))?;
        if target.is_some() { Ok(target) } else { self.find_older(scope, key, place) }
    }

    /// What the key leads to where it stood in older stores.
    fn find_older(
        &mut self,
        scope: i64,
        key: Digest,
        place: Option<[u8; 2]>,
    ) -> Result<Option<i64>, StoreError> {
        let mut target = None;
        if self.has.older != Older::None && place.is_some() {
            target = self.read(scope, key)?;
        }
        if target.is_none() && self.has.older == Older::All { self.older(scope, key) } else { Ok(target) }
    }

    fn read(&mut self, scope: i64, key: Digest) -> Result<Option<i64>, StoreError> {
        Ok(self.read.query_row(params![scope, key.0], |row| row.get(0)).optional()?)
    }

    /// What the key leads to in the form that it had before its day stood in front: its first bytes were others, which
    /// nobody knows any more, and at the end were two that the new form has not.
    fn older(&self, scope: i64, key: Digest) -> Result<Option<i64>, StoreError> {
        let [_, _, rest @ ..] = key.0;
        let ends = [[0; 2], [u8::MAX; 2]].map(|end| [rest.as_slice(), &end].concat());
        Ok(self
            .db
            .prepare_cached("SELECT target FROM keys WHERE scope = ?1 AND key BETWEEN ?2 AND ?3 LIMIT 1")?
            .query_row(params![scope, ends[0], ends[1]], |row| row.get(0))
            .optional()?)
    }

    /// Keys inside the source. A story key that another entry holds is made single by link or guid.
    /// True when the guid or the link leads to this sighting.
    pub(super) fn inside(&mut self, keys: &Keys, sighting: i64) -> Result<bool, StoreError> {
        let source = self.source;
        let mut reached = false;
        for key in [keys.guid, keys.link, keys.place].into_iter().flatten() {
            reached |= match self.register(source, key, sighting)? {
                Some(holder) => self.take_over(key, sighting, holder)?,
                None => true,
            };
        }
        if let Some(key) = keys.body {
            self.register(source, key, sighting)?;
        }
        if let Some(holder) = self.register(source, keys.story, sighting)? {
            self.register(source, keys.twin, sighting)?;
            if of_another_story(self.db, holder, sighting)? {
                self.mark(keys.story, sighting)?;
            }
        }
        for key in &keys.marks {
            self.mark(*key, sighting)?;
        }
        Ok(reached)
    }

    /// Keys across sources. Only the source whose text is kept says under which timestamp and title
    /// a story is met: a window must not chain.
    pub(super) fn across(
        &mut self,
        rule: DedupRule,
        keys: &Keys,
        number: i64,
        own: bool,
    ) -> Result<(), StoreError> {
        if rule == DedupRule::None {
            return Ok(());
        }
        let guid = keys.guid.filter(|_| keys.guid_global && self.has.guids);
        for key in [guid, keys.link.filter(|_| self.has.links)].into_iter().flatten() {
            self.register(0, key, number)?;
        }
        if own && self.register(0, keys.story, number)?.is_some() {
            self.register(0, keys.twin, number)?;
        }
        Ok(())
    }

    /// Makes a key lead to the target; the other that it leads to already, if there is one. A key that another
    /// holds stays with it, unless that other is only the record of a filtered entry.
    fn register(&mut self, scope: i64, key: Digest, target: i64) -> Result<Option<i64>, StoreError> {
        self.enter(scope, key, self.places.get(&key).copied(), target)
    }

    fn mark(&mut self, key: Digest, sighting: i64) -> Result<(), StoreError> {
        let place = self.places.get(&key).copied();
        self.enter(self.source, mark(key), place, sighting)?;
        Ok(())
    }

    fn enter(
        &mut self,
        scope: i64,
        key: Digest,
        place: Option<[u8; 2]>,
        target: i64,
    ) -> Result<Option<i64>, StoreError> {
        if let Some(holder) = self.find_older(scope, key, place)?
            && holder != target
        {
            return Ok(Some(holder));
        }
        let stands = standing(key, place);
        if self.write.execute(params![scope, stands.0, target])? > 0 {
            return Ok(None);
        }
        Ok(self.read(scope, stands)?.filter(|holder| *holder != target))
    }

    /// A guid or link that its holder has given up leads to who has it now; true when it did.
    fn take_over(&self, key: Digest, sighting: i64, holder: i64) -> Result<bool, StoreError> {
        let held: Option<(Option<String>, Option<String>)> = self
            .db
            .prepare_cached("SELECT guid, link FROM sightings WHERE number = ?1")?
            .query_row([holder], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if held.is_none_or(|(guid, link)| leads_to(guid.as_deref(), link.as_deref(), key)) {
            return Ok(false);
        }
        let stands = standing(key, self.places.get(&key).copied());
        let taken = self
            .db
            .prepare_cached("UPDATE keys SET target = ?4 WHERE scope = ?1 AND key IN (?2, ?3)")?
            .execute(params![self.source, stands.0, key.0, sighting])?;
        Ok(taken > 0)
    }
}

/// A key as it stands in the tree.
fn standing(key: Digest, place: Option<[u8; 2]>) -> Digest {
    place.map_or(key, |place| key.at(place))
}

/// Makes guids or links keys between sources, of all that is stored, once the first source goes by them: until then
/// nobody asks, and every key costs its place in the tree.
pub(super) fn begin_to_meet(db: &Connection, rule: DedupRule) -> Result<(), StoreError> {
    let (begun, begin) = match rule {
        DedupRule::Guid => ("SELECT guids_meet FROM installation", "UPDATE installation SET guids_meet = 1"),
        DedupRule::Link => ("SELECT links_meet FROM installation", "UPDATE installation SET links_meet = 1"),
        DedupRule::TimestampTitle | DedupRule::None => return Ok(()),
    };
    if db.query_row(begun, [], |row| row.get(0))? {
        return Ok(());
    }
    let mut all = db.prepare(
        "SELECT x.source, x.number, x.entry, x.guid, x.link FROM sightings x JOIN sources s ON s.number = x.source
         WHERE x.entry IS NOT NULL AND s.rule <> 'none' ORDER BY x.number",
    )?;
    // Only what identifies its entry in its own source.
    let mut write = db.prepare(
        "INSERT OR IGNORE INTO keys (scope, key, target)
         SELECT 0, key, ?4 FROM keys WHERE scope = ?1 AND key = ?2 AND target = ?3",
    )?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let (source, sighting, entry): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (guid, link): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
        for key in keys_between(rule, guid.as_deref(), link.as_deref()) {
            write.execute(params![source, key.0, sighting, entry])?;
        }
    }
    db.execute(begin, [])?;
    Ok(())
}

/// Makes all keys of one sighting lead to another. Walks the source's keys, for there is no index of what they lead
/// to: only where a filter was changed.
pub(super) fn hand_over(db: &Connection, source: i64, from: i64, to: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE keys SET target = ?3 WHERE scope = ?1 AND target = ?2")?
        .execute([source, from, to])?;
    Ok(())
}

fn of_another_story(db: &Connection, holder: i64, sighting: i64) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM sightings a, sightings b
             WHERE a.number = ?1 AND b.number = ?2 AND a.entry IS NOT b.entry",
        )?
        .exists([holder, sighting])?)
}
