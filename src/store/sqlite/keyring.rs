//! Which keys lead to which entry. Keys are never taken away: they outlive what they lead to, so that what
//! retention removed does not return.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::dedup::{Keys, leads_to, mark};
use crate::model::{DedupRule, Digest};
use crate::store::StoreError;

/// Writes keys: a handful for every entry, so its statement is held.
pub(super) struct Keyring<'a> {
    db: &'a Connection,
    source: i64,
    write: CachedStatement<'a>,
}

impl<'a> Keyring<'a> {
    pub(super) fn new(db: &'a Connection, source: i64) -> Result<Self, StoreError> {
        let write = db.prepare_cached(
            "INSERT INTO keys (scope, key, target) VALUES (?1, ?2, ?3)
             ON CONFLICT (scope, key) DO UPDATE SET target = excluded.target
             WHERE scope > 0 AND EXISTS
               (SELECT 1 FROM sightings WHERE number = keys.target AND entry IS NULL)",
        )?;
        Ok(Self { db, source, write })
    }

    /// Keys inside the source. A story key that another entry holds is made single by link or guid.
    pub(super) fn inside(&mut self, keys: &Keys, sighting: i64) -> Result<(), StoreError> {
        let source = self.source;
        for key in [keys.guid, keys.link, keys.place].into_iter().flatten() {
            if let Some(holder) = self.register(source, key, sighting)? {
                take_over(self.db, source, key, sighting, holder)?;
            }
        }
        if let Some(key) = keys.body {
            self.register(source, key, sighting)?;
        }
        if let Some(holder) = self.register(source, keys.story, sighting)? {
            self.register(source, keys.twin, sighting)?;
            if of_another_story(self.db, holder, sighting)? {
                self.register(source, mark(keys.story), sighting)?;
            }
        }
        for mark in &keys.marks {
            self.register(source, *mark, sighting)?;
        }
        Ok(())
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
        for key in [keys.guid.filter(|_| keys.guid_global), keys.link].into_iter().flatten() {
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
        if self.write.execute(params![scope, key.0, target])? > 0 {
            return Ok(None);
        }
        let holder: i64 = self
            .db
            .prepare_cached("SELECT target FROM keys WHERE scope = ?1 AND key = ?2")?
            .query_row(params![scope, key.0], |row| row.get(0))?;
        Ok((holder != target).then_some(holder))
    }
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

/// A guid or link that its holder has given up leads to who has it now.
fn take_over(
    db: &Connection,
    source: i64,
    key: Digest,
    sighting: i64,
    holder: i64,
) -> Result<(), StoreError> {
    let held: Option<(Option<String>, Option<String>)> = db
        .prepare_cached("SELECT guid, link FROM sightings WHERE number = ?1")?
        .query_row([holder], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if held.is_some_and(|(guid, link)| !leads_to(guid.as_deref(), link.as_deref(), key)) {
        db.prepare_cached("UPDATE keys SET target = ?3 WHERE scope = ?1 AND key = ?2")?
            .execute(params![source, key.0, sighting])?;
    }
    Ok(())
}
