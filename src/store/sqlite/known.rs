//! What the store has under the keys of one document: a handful of look-ups per entry,
//! whatever the size of the store.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::keyring::Keyring;
use super::{last, likeness, rows};
use crate::dedup::{Context, DocumentKeys, Keys, Known, KnownEntry, KnownSighting, Target, candidate_names};
use crate::model::{Article, DedupRule, Digest, Entry, EntryId};
use crate::store::StoreError;
use crate::store::state::at;

pub(super) fn known(
    db: &Connection,
    source: i64,
    context: &Context<'_>,
    entries: &[Entry],
    keys: &DocumentKeys,
) -> Result<Known, StoreError> {
    let mut known = Known::default();
    if entries.iter().all(|entry| entry.unchanged) {
        return Ok(known);
    }
    let mut lookup = Lookup::new(db, source, &keys.keys)?;
    lookup.articles = entries.iter().any(|entry| entry.article == Article::Missing);
    let titles = context.titles_within(keys.run);
    if entries.iter().any(|entry| entry.unchanged) {
        // Nothing else is asked of these.
        known.stood = last::by_digest(db, source)?;
    }
    let mut alike = likeness::Lookup::new(db, source, context.now)?;
    let blank = is_blank(db, source)?;
    let mut names: Vec<_> = keys.keys.iter().map(|keys| candidate_names(context, keys).peekable()).collect();
    let mut wanted: HashMap<EntryId, usize> = HashMap::new();
    names.iter_mut().filter_map(|names| names.peek()).for_each(|name| *wanted.entry(*name).or_default() += 1);
    if titles == Some(i64::MAX) && !blank {
        lookup.titled_ever(&mut known, entries, &keys.keys)?;
    }
    for (index, ((entry, keys), names)) in entries.iter().zip(&keys.keys).zip(&mut names).enumerate() {
        if entry.unchanged {
            continue;
        }
        if !blank {
            lookup.all_inside(&mut known, keys, titles)?;
            if let Some(former) = &keys.former {
                lookup.all_inside(&mut known, former, None)?;
            }
            lookup.by_digest(&mut known, entry, keys)?;
        }
        lookup.between(&mut known, context, keys)?;
        if let Some(former) = &keys.former {
            lookup.between(&mut known, context, former)?;
        }
        let contested = names.peek().is_some_and(|name| wanted.get(name) != Some(&1));
        for name in names {
            // Where nobody else in the document wants the first that is free, it is this one's.
            if !lookup.name(&mut known, name)? && !contested {
                break;
            }
        }
        if !keys.bands.is_empty() && !is_known(&known, entry, keys) {
            let found = alike.sharing(&keys.bands)?;
            lookup.like(&mut known, &mut alike, index, &found)?;
        }
    }
    #[cfg(test)]
    super::tests::digests::compare(db, source, entries, &known)?;
    Ok(known)
}

/// True when nothing can be known inside the source: every sighting leaves a key, and keys outlive sightings.
fn is_blank(db: &Connection, source: i64) -> Result<bool, StoreError> {
    Ok(!db.prepare_cached("SELECT 1 FROM keys WHERE scope = ?1 LIMIT 1")?.exists([source])?)
}

/// True when some key leads somewhere: what the declared rules can know is not asked about by its words.
fn is_known(known: &Known, entry: &Entry, keys: &Keys) -> bool {
    let anywhere = |key: &Digest| known.inside.contains_key(key) || known.across.contains_key(key);
    let all = [keys.guid, keys.link, keys.place, keys.body, Some(keys.story), Some(keys.twin)];
    known.by_digest.contains_key(&entry.digest) || all.iter().flatten().any(anywhere)
}

struct Lookup<'a> {
    db: &'a Connection,
    source: i64,
    /// Stored articles are wanted, too.
    articles: bool,
    digest: CachedStatement<'a>,
    ring: Keyring<'a>,
    sighting: CachedStatement<'a>,
    entry: CachedStatement<'a>,
    title: CachedStatement<'a>,
    titled: CachedStatement<'a>,
    name: CachedStatement<'a>,
}

const SIGHTING: &str = "SELECT number, entry, digest, guid, link, title, story, title_key, text_key, stated
    FROM sightings WHERE ";

impl<'a> Lookup<'a> {
    fn new(db: &'a Connection, source: i64, keys: &[Keys]) -> Result<Self, StoreError> {
        Ok(Self {
            db,
            source,
            articles: false,
            digest: db.prepare_cached(
                "SELECT min(number) FROM sightings INDEXED BY sightings_digest
                 WHERE source = ?1 AND digest = ?2 AND reached IS NULL",
            )?,
            ring: Keyring::new(db, source, keys)?,
            sighting: db.prepare_cached(&format!("{SIGHTING} number = ?1"))?,
            entry: db.prepare_cached(
                "SELECT e.number, e.merged_into, e.source, s.rule, e.substance, e.published, e.updated,
                   e.hold_until, e.link, e.reading, CASE WHEN ?2 AND e.article IS NOT 0 THEN e.content END
                 FROM entries e JOIN sources s ON s.number = e.source WHERE e.number = ?1",
            )?,
            title: db.prepare_cached(
                "WITH RECURSIVE days (day) AS
                   (VALUES (?2 / 86400) UNION ALL SELECT day + 1 FROM days WHERE day < ?3 / 86400)
                 SELECT e.stated, coalesce(e.merged_into, e.number)
                 FROM days CROSS JOIN entries e ON e.stated / 86400 = day AND e.title_key = ?1
                 WHERE e.stated IS NOT NULL AND e.stated BETWEEN ?2 AND ?3",
            )?,
            titled: db.prepare_cached(
                "WITH RECURSIVE days (day) AS
                   (VALUES (?2 / 86400) UNION ALL SELECT day + 1 FROM days WHERE day < ?3 / 86400)
                 SELECT x.number
                 FROM days CROSS JOIN sightings x ON x.source = ?4 AND x.stated / 86400 = day AND x.title_key = ?1
                 WHERE x.entry IS NOT NULL AND x.stated IS NOT NULL AND x.stated BETWEEN ?2 AND ?3 LIMIT 2",
            )?,
            name: db.prepare_cached(
                "SELECT 1 FROM entries WHERE id = ?1
                 UNION ALL SELECT 1 FROM keys WHERE scope = -1 AND key = ?1",
            )?,
        })
    }

    /// The first sighting of the same bytes: its guid or its link leads to it, or it has its digest for that, which it
    /// can have only where there is no guid, or guid or link led elsewhere or nowhere when it was written.
    fn by_digest(&mut self, known: &mut Known, entry: &Entry, keys: &Keys) -> Result<(), StoreError> {
        let own = [keys.guid, keys.link, keys.place];
        let leads = |key: &Digest| known.inside.contains_key(key) || known.plural.contains(key);
        let mut rows: Vec<i64> = Vec::new();
        if entry.guid.is_none() || !keys.spare.is_empty() || own.iter().flatten().any(leads) {
            let found: Option<i64> =
                self.digest.query_row(params![self.source, entry.digest.0], |row| row.get(0))?;
            rows.extend(found);
        }
        for key in own.iter().flatten() {
            if let Some(Target::Row(row)) = known.inside.get(key) {
                rows.push(*row);
            }
        }
        for key in &keys.spare {
            rows.extend(self.target(self.source, *key)?);
        }
        rows.sort_unstable();
        for row in rows {
            if self.load(known, row)? && known.sightings.get(&row).map(|one| one.digest) == Some(entry.digest)
            {
                known.by_digest.insert(entry.digest, row);
                break;
            }
        }
        Ok(())
    }

    /// Everything that the polled source itself may know an entry by, but its digest.
    fn all_inside(&mut self, known: &mut Known, keys: &Keys, titles: Option<i64>) -> Result<(), StoreError> {
        let guid_link_body = [keys.guid, keys.link, keys.place, keys.body];
        for key in guid_link_body.into_iter().chain([Some(keys.story)]).flatten() {
            self.inside(known, key)?;
            self.plural(known, key)?;
        }
        self.inside(known, keys.twin)?;
        if let Some(within) = titles.filter(|within| *within < i64::MAX) {
            self.titled(known, keys, within)?;
        }
        Ok(())
    }

    fn inside(&mut self, known: &mut Known, key: Digest) -> Result<(), StoreError> {
        let Some(number) = self.target(self.source, key)? else { return Ok(()) };
        let target = if self.load(known, number)? { Target::Row(number) } else { Target::Pruned };
        known.inside.insert(key, target);
        Ok(())
    }

    /// Loads a sighting, with its story; false when it is gone.
    fn load(&mut self, known: &mut Known, number: i64) -> Result<bool, StoreError> {
        if known.sightings.contains_key(&number) {
            return Ok(true);
        }
        let Some(mut found) = self.sighting.query_row([number], sighting).optional()? else {
            return Ok(false);
        };
        if let Some(story) = found.entry {
            found.entry = self.entry(known, story)?;
        }
        known.sightings.insert(number, found);
        Ok(true)
    }

    fn plural(&mut self, known: &mut Known, key: Digest) -> Result<(), StoreError> {
        if self.ring.is_marked(key)? {
            known.plural.insert(key);
        }
        Ok(())
    }

    fn titled(&mut self, known: &mut Known, keys: &Keys, within: i64) -> Result<(), StoreError> {
        let (Some(title), Some(at)) = (keys.title, keys.stated) else { return Ok(()) };
        let (from, to) = (at.timestamp().saturating_sub(within), at.timestamp().saturating_add(within));
        let found: Vec<i64> = self
            .titled
            .query_map(params![title, from, to, self.source], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for number in &found {
            self.load(known, *number)?;
        }
        known.titled.insert(title, found);
        Ok(())
    }

    /// Whenever it was. One walk along the source's titles for all of the document: most of it stands under one time,
    /// which happens to a site when it is rebuilt.
    fn titled_ever(&mut self, known: &mut Known, entries: &[Entry], keys: &[Keys]) -> Result<(), StoreError> {
        let read = entries.iter().zip(keys).filter(|(entry, keys)| !entry.unchanged && keys.stated.is_some());
        known.titled = read.filter_map(|(_, keys)| Some((keys.title?, Vec::new()))).collect();
        let mut walk = self.db.prepare_cached(
            "SELECT title_key, number FROM sightings INDEXED BY sightings_title
             WHERE source = ?1 AND title_key IS NOT NULL AND stated IS NOT NULL AND entry IS NOT NULL",
        )?;
        let mut rows = walk.query([self.source])?;
        let mut found: Vec<i64> = Vec::new();
        while let Some(row) = rows.next()? {
            if let Some(of_title) = known.titled.get_mut(&row.get(0)?).filter(|of_title| of_title.len() < 2) {
                of_title.push(row.get(1)?);
                found.push(row.get(1)?);
            }
        }
        for number in found {
            self.load(known, number)?;
        }
        Ok(())
    }

    fn between(&mut self, known: &mut Known, context: &Context<'_>, keys: &Keys) -> Result<(), StoreError> {
        let asked: &[Option<Digest>] = match context.rule {
            DedupRule::None => &[],
            DedupRule::Guid => &[keys.guid],
            DedupRule::Link => &[keys.link],
            DedupRule::TimestampTitle => &[Some(keys.story), Some(keys.twin)],
        };
        for key in asked.iter().copied().flatten() {
            let Some(number) = self.target(0, key)? else { continue };
            let target = self.entry(known, number)?.map_or(Target::Pruned, Target::Row);
            known.across.insert(key, target);
        }
        let window = context.rules.window;
        if window > 0
            && context.rule == DedupRule::TimestampTitle
            && let (Some(title), Some(at_time)) = (keys.title, keys.stated)
        {
            let at_time = at_time.timestamp();
            let near: Vec<(i64, i64)> = self
                .title
                .query_map(
                    params![title, at_time.saturating_sub(window), at_time.saturating_add(window)],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?
                .collect::<Result<_, _>>()?;
            for (stamp, number) in near {
                if let Some(number) = self.entry(known, number)? {
                    let stories = known.titles.entry(title).or_default();
                    if !stories.contains(&(at(stamp), number)) {
                        stories.push((at(stamp), number));
                    }
                }
            }
        }
        Ok(())
    }

    /// Stories that share bands with an entry, with what they say.
    fn like(
        &mut self,
        known: &mut Known,
        alike: &mut likeness::Lookup<'_>,
        index: usize,
        found: &[i64],
    ) -> Result<(), StoreError> {
        for number in found {
            if let Slot::Vacant(slot) = known.kept.entry(*number) {
                let Some(kept) = alike.kept(*number)? else { continue };
                slot.insert(kept);
                self.entry(known, *number)?;
            }
            known.like.entry(index).or_default().push(*number);
        }
        Ok(())
    }

    /// True when the name is taken.
    fn name(&mut self, known: &mut Known, name: EntryId) -> Result<bool, StoreError> {
        let taken = self.name.exists([name.0.as_bytes()])?;
        if taken {
            known.taken.insert(name);
        }
        Ok(taken)
    }

    fn target(&mut self, scope: i64, key: Digest) -> Result<Option<i64>, StoreError> {
        self.ring.target(scope, key)
    }

    /// Loads a story; one that became one with an older gives the older. `None`: pruned.
    fn entry(&mut self, known: &mut Known, number: i64) -> Result<Option<i64>, StoreError> {
        let mut wanted = number;
        // A merge always leads to an older number, so this ends.
        loop {
            let Slot::Vacant(slot) = known.entries.entry(wanted) else { return Ok(Some(wanted)) };
            let row = self
                .entry
                .query_row(params![wanted, self.articles], |row| {
                    let entry = KnownEntry {
                        number: row.get(0)?,
                        own: row.get::<_, i64>(2)? == self.source,
                        rule: rows::rule(&row.get::<_, String>(3)?),
                        substance: rows::digest(row, 4)?,
                        published: at(row.get(5)?),
                        updated: at(row.get(6)?),
                        hold_until: row.get::<_, Option<i64>>(7)?.map(at),
                        link: row.get(8)?,
                        reading: row.get(9)?,
                        article: row.get(10)?,
                    };
                    Ok((row.get::<_, Option<i64>>(1)?, entry))
                })
                .optional()?;
            match row {
                None => return Ok(None),
                Some((Some(older), _)) if older < wanted => wanted = older,
                Some((_, entry)) => {
                    slot.insert(entry);
                    return Ok(Some(wanted));
                }
            }
        }
    }
}

fn sighting(row: &Row<'_>) -> rusqlite::Result<KnownSighting> {
    Ok(KnownSighting {
        number: row.get(0)?,
        entry: row.get(1)?,
        digest: rows::digest(row, 2)?,
        guid: row.get(3)?,
        link: row.get(4)?,
        title: row.get(5)?,
        story: rows::digest(row, 6)?,
        title_key: row.get(7)?,
        text: row.get(8)?,
        stated: row.get::<_, Option<i64>>(9)?.map(at),
    })
}
