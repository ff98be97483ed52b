//! Answers: the fields every one of them has, conditions, codings, words for what went wrong.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use askama::Template as _;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use axum::middleware::Next;
use bytes::Bytes;

use super::accept::{self, Coding};
use super::access;
use super::conditional::{fails, not_modified};
use super::doc::Doc;
use super::plan::{Plan, Reader};
use crate::render::html::{AskKey, Frame, Message};

/// An answer.
pub(super) type Answer = Response<Body>;

const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How a document may be kept and by whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) max_age: Duration,
    /// It was opened by a token: no shared cache may keep it.
    pub(super) private: bool,
    /// Other sites' scripts may read it.
    pub(super) shared: bool,
    /// It was chosen by `Accept`.
    pub(super) negotiated: bool,
}

impl Policy {
    /// As the settings say, for this address alone.
    pub(super) fn of(plan: &Plan, private: bool) -> Self {
        Self { max_age: plan.settings.max_age, private, shared: false, negotiated: false }
    }

    /// Scripts of other sites may read it.
    pub(super) fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    /// The fields of a request that what is answered depends on.
    pub(super) fn vary(self) -> HeaderValue {
        HeaderValue::from_static(match (self.negotiated, self.private) {
            (true, true) => "Accept, Accept-Encoding, Authorization",
            (true, false) => "Accept, Accept-Encoding",
            (false, true) => "Accept-Encoding, Authorization",
            (false, false) => "Accept-Encoding",
        })
    }
}

/// A document, as this client wants it: 304, coded or plain; 412 where it wants another.
pub(super) async fn document(headers: &HeaderMap, doc: &Arc<Doc>, policy: Policy) -> Answer {
    if fails(headers, |tag| doc.owns(tag), doc.modified) {
        let words = "What stands here now is not what the request asks for.";
        let mut answer = text(StatusCode::PRECONDITION_FAILED, words);
        if policy.shared {
            share(answer.headers_mut());
        }
        return answer;
    }
    // Which variant the client holds: it may be any of ours, and its tag is what we confirm.
    let held = std::cell::RefCell::new(None);
    let known = |tag: &str| {
        let owned = doc.owns(tag);
        if owned {
            *held.borrow_mut() = Some(tag.to_owned());
        }
        owned
    };
    let good = not_modified(headers, known, doc.modified);
    let held = held.into_inner();
    let coding = accept::coding(headers);
    let coded = match coding {
        Coding::Identity => None,
        coding => doc.coded(coding).await,
    };
    let coding = if coded.is_some() { coding } else { Coding::Identity };
    let tag = held.filter(|_| good).unwrap_or_else(|| doc.tag_of(coding));
    let (status, body) = if good {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(coded.unwrap_or_else(|| doc.plain.clone())))
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let mut all = fields(doc, coding, policy);
    if good {
        all.remove(header::CONTENT_TYPE);
        all.remove(header::CONTENT_ENCODING);
        set(&mut all, header::ETAG, &format!("\"{tag}\""));
    }
    *answer.headers_mut() = all;
    answer
}

/// What a document goes out with, whole and in that coding.
pub(super) fn fields(doc: &Doc, coding: Coding, policy: Policy) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(16);
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(doc.content_type));
    if coding != Coding::Identity {
        fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    set(&mut fields, header::ETAG, &format!("\"{}\"", doc.tag_of(coding)));
    if let Some(modified) = doc.modified {
        set(&mut fields, header::LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    }
    fields.insert(header::VARY, policy.vary());
    let whose = if policy.private { "private" } else { "public" };
    set(&mut fields, header::CACHE_CONTROL, &format!("{whose}, max-age={}", policy.max_age.as_secs()));
    if policy.shared {
        share(&mut fields);
    }
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if doc.content_type.starts_with("text/") {
        guard(&mut fields);
    }
    fields
}

/// Lets scripts of other sites read an answer.
pub(super) fn share(fields: &mut HeaderMap) {
    fields.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    fields.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("ETag, Last-Modified, Content-Location, IM, Link"),
    );
}

/// Bytes of a request head. hyper stops reading soon after so many; this is exact.
pub(super) const HEAD_BYTES: usize = 32 << 10;

/// True for a request head over the limit.
pub(super) fn is_too_long(uri: &Uri, headers: &HeaderMap) -> bool {
    let fields = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    uri.path_and_query().map_or(0, |at| at.as_str().len()) + fields.sum::<usize>() > HEAD_BYTES
}

/// Refuses a request whose head is too long.
pub(super) async fn bounded(request: Request, next: Next) -> Answer {
    if is_too_long(request.uri(), request.headers()) {
        let words = "A request head has at most 32 KiB.";
        return text(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, words);
    }
    next.run(request).await
}

/// The body of a request, of so many bytes at most and within that time; else what is answered.
pub(super) async fn whole(body: Body, most: usize, time: Duration) -> Result<Bytes, Answer> {
    match tokio::time::timeout(time, to_bytes(body, most)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(text(StatusCode::REQUEST_TIMEOUT, "That took too long.")),
    }
}

pub(super) fn too_large() -> Answer {
    text(StatusCode::PAYLOAD_TOO_LARGE, "That is larger than is read here.")
}

/// A short plain text that nobody keeps.
pub(super) fn text(status: StatusCode, words: &str) -> Answer {
    let mut answer = Response::new(Body::from(format!("{words}\n")));
    *answer.status_mut() = status;
    let fields = answer.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    guard(fields);
    answer
}

/// What stands at another address, for good.
pub(super) fn moved(address: &str) -> Answer {
    let mut answer = text(StatusCode::PERMANENT_REDIRECT, "It is at another address.");
    set(answer.headers_mut(), header::LOCATION, address);
    answer
}

/// What went wrong: a page for browsers, words for everybody else.
pub(super) fn message(
    plan: &Plan,
    (uri, headers): (&Uri, &HeaderMap),
    status: StatusCode,
    title: &str,
    words: &str,
) -> Answer {
    told(headers, status, title, words, || (plan.frame(&plan.reader(uri, headers)), None))
}

fn told(
    headers: &HeaderMap,
    status: StatusCode,
    title: &str,
    words: &str,
    around: impl FnOnce() -> (Frame, Option<AskKey>),
) -> Answer {
    let browser = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if browser.is_some_and(|accept| accept.contains("text/html")) {
        let (frame, ask) = around();
        // Who has a form need not know how addresses are made.
        let words =
            ask.as_ref().map_or(words, |_| "Give it here. Feed readers have it in the address, as ?key=…");
        let page = Message { frame, title: title.to_owned(), text: words.to_owned(), ask };
        if let Ok(html) = page.render() {
            let mut answer = text(status, "");
            *answer.body_mut() = Body::from(html);
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(super::pages::HTML));
            return answer;
        }
    }
    text(status, &format!("{title}. {words}"))
}

/// A token is asked for, and none was presented, or another.
pub(super) fn locked(plan: &Plan, uri: &Uri, headers: &HeaderMap) -> Answer {
    let words = "Add ?key=… to the address, or send it as a Bearer token.";
    refused((uri, headers), words, || {
        let frame = plan.frame(&Reader { key: None, ..plan.reader(uri, headers) });
        let action = format!("{}{}", frame.prefix, uri.path().trim_start_matches('/'));
        let query = uri.query().unwrap_or_default();
        let rest = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "key");
        let shown = |text: &str| crate::text::clean(text).into_owned();
        let fields = rest.map(|(name, value)| (shown(&name), shown(&value))).collect();
        (frame, Some(AskKey { action, fields }))
    })
}

/// The same, with words about the key. A key is right or wrong here; what else it may open is not told.
pub(super) fn locked_by(plan: &Plan, asked: (&Uri, &HeaderMap), words: &str) -> Answer {
    refused(asked, words, || (plan.frame(&plan.reader(asked.0, asked.1)), None))
}

fn refused(
    (uri, headers): (&Uri, &HeaderMap),
    words: &str,
    around: impl FnOnce() -> (Frame, Option<AskKey>),
) -> Answer {
    let title = if access::shown(uri, headers) { "This key opens nothing here" } else { "This needs a key" };
    let mut answer = told(headers, StatusCode::UNAUTHORIZED, title, words, around);
    let fields = answer.headers_mut();
    fields.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"riverine\""));
    // To a reader in a browser, an answer that it may not see is a broken network.
    fields.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}

/// The store could not be asked.
pub(super) fn unavailable(plan: &Plan, headers: &HeaderMap) -> Answer {
    let words = "The store cannot be read at the moment; the log says why.";
    later(plan, headers, "Not available", words)
}

/// There are too many of this kind at the moment.
pub(super) fn busy(plan: &Plan, headers: &HeaderMap, words: &str) -> Answer {
    later(plan, headers, "Busy", words)
}

fn later(plan: &Plan, headers: &HeaderMap, title: &str, words: &str) -> Answer {
    let mut answer = message(plan, (&Uri::default(), headers), StatusCode::SERVICE_UNAVAILABLE, title, words);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    answer
}

/// A defect: the connection goes on, the others notice nothing.
#[allow(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Answer {
    text(StatusCode::INTERNAL_SERVER_ERROR, "Something is wrong in riverine itself.")
}

fn guard(fields: &mut HeaderMap) {
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    fields.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// Sets a field to a value made of our own characters.
pub(super) fn set(fields: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        fields.insert(name, value);
    }
}
