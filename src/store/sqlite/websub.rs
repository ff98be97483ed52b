//! Our subscriptions as rows.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::Sqlite;
use crate::model::{Hub, SourceId};
use crate::store::StoreError;
use crate::store::state::{self, at};
use crate::store::websub::{Subscription, Subscriptions};

/// What [`read`] reads, of `subscriptions p`.
pub(super) const COLUMNS: &str = "p.token, p.callback, p.secret, p.hub, p.topic, p.asked, p.expires, \
     p.next_try, p.failures, p.words, p.pushed, p.announced, p.pushes, p.refused, p.leaving";

/// The subscription that stands in a row from a column on, if there is one.
pub(super) fn read(row: &Row<'_>, first: usize, source: &SourceId) -> rusqlite::Result<Option<Subscription>> {
    let Some(token) = row.get::<_, Option<String>>(first)? else { return Ok(None) };
    let time = |column: usize| row.get::<_, Option<i64>>(first + column).map(|seconds| seconds.map(at));
    let count = |column: usize| row.get::<_, i64>(first + column).map(|n| u64::try_from(n).unwrap_or(0));
    Ok(Some(Subscription {
        source: source.clone(),
        token,
        callback: row.get(first + 1)?,
        secret: row.get(first + 2)?,
        hub: Hub { url: row.get(first + 3)?, topic: row.get(first + 4)? },
        asked: time(5)?,
        expires: time(6)?,
        next_try: at(row.get(first + 7)?),
        failures: row.get(first + 8)?,
        words: row.get(first + 9)?,
        pushed: time(10)?,
        announced: time(11)?,
        pushes: count(12)?,
        refused: count(13)?,
        leaving: row.get(first + 14)?,
    }))
}

/// The same, with the source's id before it.
fn whole(row: &Row<'_>) -> rusqlite::Result<Option<Subscription>> {
    let id: String = row.get(0)?;
    read(row, 1, &SourceId::new(id))
}

fn listed(
    found: impl Iterator<Item = rusqlite::Result<Option<Subscription>>>,
) -> Result<Vec<Subscription>, StoreError> {
    found.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(Into::into)
}

impl Subscriptions for Sqlite {
    fn subscription(&mut self, token: &str) -> Result<Option<Subscription>, StoreError> {
        let sql = format!(
            "SELECT s.id, {COLUMNS} FROM subscriptions p JOIN sources s ON s.number = p.source
             WHERE p.token = ?1"
        );
        Ok(self.db.prepare_cached(&sql)?.query_row([token], whole).optional()?.flatten())
    }

    fn subscriptions(&mut self) -> Result<Vec<Subscription>, StoreError> {
        let sql = format!(
            "SELECT s.id, {COLUMNS} FROM subscriptions p JOIN sources s ON s.number = p.source ORDER BY s.id"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let found = statement.query_map([], whole)?;
        listed(found)
    }

    fn due_subscriptions(
        &mut self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Subscription>, StoreError> {
        let sql = format!(
            "SELECT s.id, {COLUMNS} FROM subscriptions p JOIN sources s ON s.number = p.source
             WHERE p.next_try <= ?1 ORDER BY p.next_try LIMIT ?2"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = statement.query_map(params![now.timestamp(), limit], whole)?;
        listed(found)
    }

    fn keep_subscription(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        let Subscription { token, callback, secret, hub, failures, words, leaving, .. } = subscription;
        let time = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp());
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO subscriptions (source, token, callback, secret, hub, topic, asked, expires,
                   next_try, failures, words, pushed, announced, pushes, refused, leaving)
                 SELECT number, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16
                 FROM sources WHERE id = ?1",
            )?
            .execute(params![
                subscription.source.as_str(),
                token,
                callback,
                secret,
                hub.url,
                hub.topic,
                time(subscription.asked),
                time(subscription.expires),
                subscription.next_try.timestamp(),
                failures,
                words,
                time(subscription.pushed),
                time(subscription.announced),
                count(subscription.pushes),
                count(subscription.refused),
                leaving,
            ])?;
        Ok(())
    }

    fn drop_subscription(&mut self, token: &str) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM subscriptions WHERE token = ?1")?.execute([token])?;
        Ok(())
    }

    fn hasten(&mut self, source: &SourceId, by: DateTime<Utc>, reason: &str) -> Result<(), StoreError> {
        let number = self.source_number(source)?;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let read = |row: &Row<'_>| Ok(state::read(row.get_ref(0)?.as_blob()?));
        let mut state = transaction
            .prepare_cached("SELECT remembered FROM sources WHERE number = ?1")?
            .query_row([number], read)?;
        if state.next_poll.is_some_and(|next| next > by) {
            (state.next_poll, state.next_poll_reason) = (Some(by), reason.to_owned());
            transaction
                .prepare_cached("UPDATE sources SET remembered = ?2 WHERE number = ?1")?
                .execute(params![number, state::write(&state)])?;
        }
        Ok(transaction.commit()?)
    }
}
