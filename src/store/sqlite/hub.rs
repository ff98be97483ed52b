//! Subscribers as rows.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::Sqlite;
use crate::store::StoreError;
use crate::store::hub::{Subscriber, Subscribers};
use crate::store::state::at;

impl Subscribers for Sqlite {
    fn subscribe(&mut self, subscriber: &Subscriber) -> Result<(), StoreError> {
        let Subscriber { topic, callback, secret, expires, delivered, .. } = subscriber;
        // Who renews keeps what it has: what it missed meanwhile is still to come.
        self.db.execute(
            "INSERT INTO subscribers (topic, callback, secret, expires, delivered) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (topic, callback) DO UPDATE SET secret = excluded.secret, expires = excluded.expires,
               failures = 0, next_try = 0",
            params![topic, callback, secret, expires.timestamp(), delivered],
        )?;
        Ok(())
    }

    fn unsubscribe(&mut self, topic: &str, callback: &str) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM subscribers WHERE topic = ?1 AND callback = ?2", [topic, callback])?;
        Ok(())
    }

    fn subscribers(&mut self) -> Result<usize, StoreError> {
        let count: i64 = self.db.query_row("SELECT count(*) FROM subscribers", [], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    fn waiting(&mut self, topic: &str, tag: &str, now: DateTime<Utc>) -> Result<Vec<Subscriber>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT topic, callback, secret, expires, delivered, failures FROM subscribers
             WHERE topic = ?1 AND delivered <> ?2 AND next_try <= ?3 AND expires > ?3",
        )?;
        let found = statement.query_map(params![topic, tag, now.timestamp()], |row| {
            Ok(Subscriber {
                topic: row.get(0)?,
                callback: row.get(1)?,
                secret: row.get(2)?,
                expires: at(row.get(3)?),
                delivered: row.get(4)?,
                failures: row.get(5)?,
            })
        })?;
        found.collect::<Result<_, _>>().map_err(Into::into)
    }

    fn next_try(&mut self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let next: Option<i64> = self.db.query_row(
            "SELECT min(next_try) FROM subscribers WHERE next_try > ?1",
            [now.timestamp()],
            |row| row.get(0),
        )?;
        Ok(next.map(at))
    }

    fn delivered(&mut self, topic: &str, callback: &str, tag: &str) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE subscribers SET delivered = ?3, failures = 0, next_try = 0
             WHERE topic = ?1 AND callback = ?2",
            [topic, callback, tag],
        )?;
        Ok(())
    }

    fn refused(&mut self, topic: &str, callback: &str, again: DateTime<Utc>) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE subscribers SET failures = failures + 1, next_try = ?3 WHERE topic = ?1 AND callback = ?2",
            params![topic, callback, again.timestamp()],
        )?;
        Ok(())
    }

    fn expire(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM subscribers WHERE expires <= ?1", [now.timestamp()])?;
        Ok(())
    }
}
