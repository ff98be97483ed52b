//! Messages to addresses that strangers name: call-backs and hubs. Guarded like every address that is dialled,
//! with short answers and a deadline. Only hubs may name another address.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use tokio::time::Instant;
use url::Url;

use super::{Connection, Http, headers, host_and_port, words};
use crate::units::Span;

/// One message, all of it within this time.
const DEADLINE: Duration = Duration::from_secs(10);
/// A hub may name another, and that one another, so often.
const HUBS: usize = 3;
/// A host that wants to be left alone without saying for how long, is for so long.
const UNSAID: Duration = Duration::from_mins(5);
/// Longest answer that is read, in bytes.
const ANSWER: usize = 4 << 10;

/// What is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where to.
    pub url: Url,
    /// Sent as they are.
    pub headers: HeaderMap,
    /// `None` is a GET.
    pub body: Option<Bytes>,
}

impl Http {
    /// Sends a form, as hubs want to be spoken to, when it is its host's turn, by way of a proxy (else of the common one,
    /// if there is one); the status and the beginning of the answer. A hub may name another that is to be asked instead (WebSub 5.1.2).
    ///
    /// # Errors
    /// As [`Http::send`]; and when the host asked to be left alone.
    pub async fn post_form(
        &self,
        mut url: Url,
        form: Bytes,
        proxy: Option<&Url>,
        now: DateTime<Utc>,
    ) -> Result<(u16, Bytes), String> {
        let mut hubs = 1;
        loop {
            self.may_dial(&url)?;
            let turn = self.gate.enter(&url).await;
            let _turn = turn.map_err(|held| format!("its host asked to wait {}", Span(held.wait)))?;
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            let message = Message { url: url.clone(), headers, body: Some(form.clone()) };
            let (status, head, answer) = self.exchange(message, proxy).await?;
            match status {
                307 | 308 if hubs < HUBS => {
                    url = headers::location(&head, &url).map_err(|why| format!("it {why}"))?;
                    hubs += 1;
                }
                429 => {
                    let wait = headers::freshness(&head, now).retry_after.unwrap_or(UNSAID);
                    self.gate.hold_for(&url, wait.min(self.max_hold));
                    return Ok((status, answer));
                }
                _ => return Ok((status, answer)),
            }
        }
    }

    /// Refuses an address that could never be dialled. Names pass: what they lead to is checked when it is.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn may_dial(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err("only http and https addresses are asked".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address with a user name in it is not asked".to_owned());
        }
        self.guard.check(url).map_err(|refused| refused.to_string())
    }

    /// Sends a message; the status and the first bytes of the answer.
    ///
    /// # Errors
    /// Why there was no answer, in words.
    pub async fn send(&self, message: Message) -> Result<(u16, Bytes), String> {
        self.exchange(message, None).await.map(|(status, _, answer)| (status, answer))
    }

    async fn exchange(
        &self,
        message: Message,
        proxy: Option<&Url>,
    ) -> Result<(u16, HeaderMap, Bytes), String> {
        self.may_dial(&message.url)?;
        self.gate.note(&message.url, |tally| tally.requests += 1);
        let connection = self.standing.connection(&host_and_port(&message.url), Instant::now());
        let client = self.client(proxy, connection != Connection::Once)?;
        // Without its query: there stand others' secrets, and a topic with the key that opens it.
        let mut place = message.url.clone();
        place.set_query(None);
        let shown = words::shown(&place);
        let mut headers = message.headers;
        headers.insert(USER_AGENT, HeaderValue::clone(&self.agent));
        let request = match message.body {
            None => client.get(message.url),
            Some(body) => client.post(message.url).body(body),
        };
        let exchange = async {
            let failed = |error: reqwest::Error| format!("{shown}: {}", error.without_url());
            let mut response = request.headers(headers).send().await.map_err(failed)?;
            let mut bytes = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > ANSWER {
                    break;
                }
            }
            bytes.truncate(ANSWER);
            Ok((response.status().as_u16(), std::mem::take(response.headers_mut()), Bytes::from(bytes)))
        };
        tokio::time::timeout(DEADLINE, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("{shown} did not answer within {} s", DEADLINE.as_secs())))
    }
}
