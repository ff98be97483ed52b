//! Messages to addresses that strangers name: call-backs and hubs. Guarded like every address that is dialled,
//! never redirected, with short answers and a deadline.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, USER_AGENT};
use http_body_util::{BodyExt, Full};
use url::Url;

use super::{Http, words};

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
        self.wire.dialler().check(url).map_err(|refused| refused.to_string())
    }

    /// Sends a message; the status and the first bytes of the answer.
    ///
    /// # Errors
    /// Why there was no answer, in words.
    pub async fn send(&self, message: Message) -> Result<(u16, Bytes), String> {
        self.may_dial(&message.url)?;
        let shown = words::shown(&message.url);
        let method = if message.body.is_some() { http::Method::POST } else { http::Method::GET };
        let mut request = http::Request::new(Full::new(message.body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.headers_mut() = message.headers;
        request.headers_mut().insert(USER_AGENT, HeaderValue::clone(&self.agent));
        let request = super::sent(&message.url, self.proxy.as_ref(), request)?;
        let exchange = async {
            let asked = self.wire.ask(&message.url, self.proxy.as_ref(), request).await;
            let answered = asked.map_err(|error| words::of_wire(&error, &message.url))?;
            let (response, _) = answered.split();
            let status = response.status().as_u16();
            let (mut incoming, mut bytes) = (response.into_body(), Vec::new());
            while let Some(frame) = incoming.frame().await {
                let frame =
                    frame.map_err(|error| words::of_body(&error, &message.url, bytes.len() as u64))?;
                bytes.extend_from_slice(&frame.into_data().unwrap_or_default());
                if bytes.len() > ANSWER {
                    break;
                }
            }
            bytes.truncate(ANSWER);
            Ok((status, Bytes::from(bytes)))
        };
        tokio::time::timeout(DEADLINE, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("{shown} did not answer within {} s", DEADLINE.as_secs())))
    }
}
