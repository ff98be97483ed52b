//! Subscribers as rows. The key that one named stands behind the document's name: `feeds/all.atom?key=…`.

use chrono::{DateTime, Utc};
use rusqlite::params;
use url::Url;

use super::Sqlite;
use crate::store::StoreError;
use crate::store::hub::{Dropped, Standing, Subscriber, Subscribers};
use crate::store::state::at;

/// Rows of the document that is the first parameter, under whatever key.
macro_rules! of_document {
    () => {
        "(topic = ?1 OR topic >= ?1 || '?key=' AND topic < ?1 || '?key>')"
    };
}

impl Subscribers for Sqlite {
    fn subscribe(&mut self, subscriber: &Subscriber) -> Result<(), StoreError> {
        let Subscriber { topic, key, callback, secret, expires, delivered, .. } = subscriber;
        let named = key.as_ref().map_or_else(|| topic.clone(), |key| format!("{topic}?key={key}"));
        // Who renews keeps what it has: what it missed meanwhile is still to come.
        let renewed = self.db.execute(
            concat!(
                "UPDATE subscribers SET topic = ?3, secret = ?4, expires = ?5, failures = 0, next_try = 0
                 WHERE ",
                of_document!(),
                " AND callback = ?2"
            ),
            params![topic, callback, named, secret, expires.timestamp()],
        )?;
        if renewed == 0 {
            self.db.execute(
                "INSERT INTO subscribers (topic, callback, secret, expires, delivered)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![named, callback, secret, expires.timestamp(), delivered],
            )?;
        }
        Ok(())
    }

    fn unsubscribe(&mut self, topic: &str, callback: &str) -> Result<(), StoreError> {
        let statement = concat!("DELETE FROM subscribers WHERE ", of_document!(), " AND callback = ?2");
        self.db.execute(statement, [topic, callback])?;
        Ok(())
    }

    fn subscribers(&mut self) -> Result<usize, StoreError> {
        let count: i64 = self.db.query_row("SELECT count(*) FROM subscribers", [], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    fn standing(&mut self, topic: &str, callback: &str) -> Result<Standing, StoreError> {
        // Behind the scheme stands the host (no user name is taken), and behind that a port or a path.
        let url = Url::parse(callback).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let counts =
            "SELECT count(*), coalesce(sum(substr(callback, instr(callback, '://') + 3, length(?1) + 1)
                             IN (?1 || '/', ?1 || ':')), 0) FROM subscribers";
        let (all, of_host): (i64, i64) =
            self.db.query_row(counts, [host], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let known = concat!("SELECT count(*) FROM subscribers WHERE ", of_document!(), " AND callback = ?2");
        let known: i64 = self.db.query_row(known, [topic, callback], |row| row.get(0))?;
        let count = |count| usize::try_from(count).unwrap_or_default();
        Ok(Standing { all: count(all), of_host: count(of_host), is_known: known > 0 })
    }

    fn waiting(&mut self, topic: &str, tag: &str, now: DateTime<Utc>) -> Result<Vec<Subscriber>, StoreError> {
        let mut statement = self.db.prepare_cached(concat!(
            "SELECT substr(topic, length(?1) + length('?key=') + 1), callback, secret, expires, delivered, failures
             FROM subscribers WHERE ",
            of_document!(),
            " AND delivered <> ?2 AND next_try <= ?3 AND expires > ?3"
        ))?;
        let found = statement.query_map(params![topic, tag, now.timestamp()], |row| {
            let key: String = row.get(0)?;
            Ok(Subscriber {
                topic: topic.to_owned(),
                key: Some(key).filter(|key| !key.is_empty()),
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
            concat!(
                "UPDATE subscribers SET delivered = ?3, failures = 0, next_try = 0 WHERE ",
                of_document!(),
                " AND callback = ?2"
            ),
            [topic, callback, tag],
        )?;
        Ok(())
    }

    fn refused(&mut self, topic: &str, callback: &str, again: DateTime<Utc>) -> Result<(), StoreError> {
        self.db.execute(
            concat!(
                "UPDATE subscribers SET failures = failures + 1, next_try = ?3 WHERE ",
                of_document!(),
                " AND callback = ?2"
            ),
            params![topic, callback, again.timestamp()],
        )?;
        Ok(())
    }

    fn expire(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM subscribers WHERE expires <= ?1", [now.timestamp()])?;
        Ok(())
    }

    fn drop_others(&mut self, topics: &[String]) -> Result<Vec<Dropped>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "DELETE FROM subscribers
             WHERE substr(topic, 1, instr(topic || '?key=', '?key=') - 1) NOT IN (SELECT value FROM json_each(?1))
             RETURNING substr(topic, 1, instr(topic || '?key=', '?key=') - 1), callback",
        )?;
        let dropped = statement.query_map([serde_json::json!(topics).to_string()], |row| {
            Ok(Dropped { topic: row.get(0)?, callback: row.get(1)? })
        })?;
        dropped.collect::<Result<_, _>>().map_err(Into::into)
    }
}
