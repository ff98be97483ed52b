//! Messages to addresses that strangers name: call-backs and hubs. Guarded like every address that is dialled,
//! never redirected, with short answers and a deadline.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use tokio::time::Instant;
use url::Url;

use super::{Http, host_and_port, words};
use crate::units::Span;

/// One message, all of it within this time.
const DEADLINE: Duration = Duration::from_secs(10);
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
    /// Sends a form, as hubs want to be spoken to, when it is its host's turn; the status and the beginning of the
    /// answer.
    ///
    /// # Errors
    /// As [`Http::send`]; and when the host asked to be left alone.
    pub async fn post_form(&self, url: Url, form: Bytes) -> Result<(u16, Bytes), String> {
        self.may_dial(&url)?;
        let turn = self.gate.enter(&url).await;
        let _turn = turn.map_err(|held| format!("its host asked to wait {}", Span(held.wait)))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.send(Message { url, headers, body: Some(form) }).await
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
        self.may_dial(&message.url)?;
        self.gate.note(&message.url, |tally| tally.requests += 1);
        let stays_open = self.standing.has_room_for(&host_and_port(&message.url), Instant::now());
        let client = self.client(None, stays_open)?;
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
            Ok((response.status().as_u16(), Bytes::from(bytes)))
        };
        tokio::time::timeout(DEADLINE, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("{shown} did not answer within {} s", DEADLINE.as_secs())))
    }
}
