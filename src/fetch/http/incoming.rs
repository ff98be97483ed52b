//! A body on its way in, up to where it needs a place among the large ones, and from there to its end.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName};
use reqwest::{Response, StatusCode};
use tokio::sync::OwnedSemaphorePermit;

use super::{Trip, body, headers, words};
use crate::fetch::body::Intake;
use crate::fetch::{Body, FetchError, Fetched};

/// The most that goes into one allocation on the word of a server.
const MAX_FORESIGHT: u64 = 1 << 18;
/// A body may grow so far (bytes, decoded) without a place among the large ones.
const SMALL_BODY: usize = 1 << 18;

/// An answer whose body is being read.
pub(super) struct Incoming {
    response: Response,
    head: HeaderMap,
    intake: Intake,
    /// Its place among the large ones.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

impl Incoming {
    /// A body that begins.
    ///
    /// # Errors
    /// One that will not be read: too large by its own word, or in a coding we did not ask for.
    pub(super) fn new(
        response: Response,
        head: HeaderMap,
        limit: u64,
        trip: &mut Trip,
    ) -> Result<Self, FetchError> {
        trip.stage = "reading its body";
        let said = |why: String| trip.broken(format!("{} {why}", words::shown(&trip.url)));
        let foreseen = response.content_length().unwrap_or_default();
        if foreseen > limit {
            return Err(said(body::too_large(limit)));
        }
        let codings: Vec<&str> =
            head.get_all(CONTENT_ENCODING).iter().filter_map(|line| line.to_str().ok()).collect();
        let intake = Intake::new(&codings.join(","), limit, foreseen.min(MAX_FORESIGHT)).map_err(said)?;
        Ok(Self { response, head, intake, place: None })
    }

    /// Reads on: to its end, which is true, or to where it needs a place, and has none.
    ///
    /// # Errors
    /// A body that is cut off, broken or too large.
    pub(super) async fn read(&mut self, trip: &mut Trip) -> Result<bool, FetchError> {
        while self.place.is_some() || self.intake.held() <= SMALL_BODY {
            match self.response.chunk().await {
                Ok(Some(chunk)) => {
                    trip.bytes += chunk.len() as u64;
                    let taken = self.intake.push(&chunk);
                    taken.map_err(|why| trip.broken(format!("{} {why}", words::shown(&trip.url))))?;
                }
                Ok(None) => return Ok(true),
                Err(error) => {
                    return Err(trip.broken(words::of_body(&error, &trip.url, self.intake.raw())));
                }
            }
        }
        Ok(false)
    }

    /// The whole of it.
    ///
    /// # Errors
    /// One that is not whole.
    pub(super) fn whole(self, now: DateTime<Utc>, trip: &Trip) -> Result<Fetched, FetchError> {
        let Self { response, head, intake, place } = self;
        let bytes =
            intake.finish().map_err(|why| trip.broken(format!("{} {why}", words::shown(&trip.url))))?;
        let field = |name: HeaderName| {
            head.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let status = response.status();
        let body = Body {
            bytes: bytes.into(),
            content_type: field(CONTENT_TYPE),
            content_language: field(CONTENT_LANGUAGE),
            url: headers::base(&head, &trip.url),
            delta: status == StatusCode::IM_USED,
            place: place.map(Arc::new),
        };
        Ok(Fetched::Body(trip.answer(status, &head, now), body))
    }
}
