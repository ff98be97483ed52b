//! The short way for what is asked most: an open document that is finished goes out without routing, with fields
//! that were put together once. Whatever is not plainly so (tokens, deltas, HEAD, `If-Match`, a document out of date) takes the
//! long way through the routes and gets the same answer there.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::future::{Either, Ready, ready};
use hyper::body::{Frame, SizeHint};

use super::accept::{self, Coding};
use super::crowd::Work;
use super::doc::Doc;
use super::plan::Place;
use super::{Site, conditional, feeds, reply};
use crate::render::Form;

/// A body: bytes that are all there, or whatever a route makes.
pub(super) enum Out {
    /// All there.
    Bytes(Bytes),
    /// Of a refusal, before any route.
    Alone(Body),
    /// From a route, with what says that it is still being made.
    Route(Body, #[allow(dead_code, reason = "kept until the body is dropped")] Work),
}

impl HttpBody for Out {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.get_mut() {
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Alone(body) | Self::Route(body, _) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Alone(body) | Self::Route(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Alone(body) | Self::Route(body, _) => body.size_hint(),
        }
    }
}

/// An answer that is there at once, or one that a route makes.
pub(super) type Answering<F> = Either<Ready<Result<Response<Out>, Infallible>>, F>;

/// One that is there.
pub(super) fn at_once<F>(answer: Response<Out>) -> Answering<F> {
    Either::Left(ready(Ok(answer)))
}

/// What goes out with a document in one coding, but for the document: made when first wanted.
#[derive(Default)]
pub(super) struct Prepared(OnceLock<Fields>);

struct Fields {
    /// With the bytes.
    whole: HeaderMap,
    /// Where the client has them.
    unchanged: HeaderMap,
    tag: String,
}

/// The answer, where the short way leads to one.
pub(super) fn answer<B>(site: &Arc<Site>, request: &Request<B>) -> Option<Response<Out>> {
    let headers = request.headers();
    if request.method() != Method::GET || request.uri().query().is_some() || headers.contains_key("a-im") {
        return None;
    }
    let plan = site.plan.load();
    let (slot, form) = plan.open_document(request.uri().path())?;
    if reply::is_too_long(request.uri(), headers) || conditional::may_fail(headers) {
        return None;
    }
    let held = slot.at_hand(site)?;
    let finished = held.as_ref()?;
    let doc = finished.form(form);
    let wish = accept::coding(headers);
    let body = match wish {
        Coding::Identity => &doc.plain,
        wish => doc.coded_already(wish)?,
    };
    let at = Form::ALL.iter().position(|one| *one == form)?;
    let fields = finished.prepared(at, wish).0.get_or_init(|| {
        let policy = feeds::open_policy(&plan);
        let whole = reply::fields(doc, wish, policy);
        Fields::new(doc, wish, feeds::discovered(&plan, slot, form, whole))
    });
    let same = std::cell::Cell::new(false);
    let known = |tag: &str| {
        same.set(tag == fields.tag);
        doc.owns(tag)
    };
    let unchanged = conditional::not_modified(headers, known, doc.modified);
    if unchanged && headers.contains_key(header::IF_NONE_MATCH) && !same.get() {
        // It holds another variant; which one it is told is worked out the long way.
        return None;
    }
    site.metrics.short_way(matches!(slot.place, Place::Source(_)), unchanged);
    let mut answer = Response::new(Out::Bytes(if unchanged { Bytes::new() } else { body.clone() }));
    if unchanged {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        *answer.headers_mut() = fields.unchanged.clone();
    } else {
        *answer.headers_mut() = fields.whole.clone();
    }
    Some(answer)
}

impl Fields {
    fn new(doc: &Doc, coding: Coding, whole: HeaderMap) -> Self {
        let mut unchanged = whole.clone();
        unchanged.remove(header::CONTENT_TYPE);
        unchanged.remove(header::CONTENT_ENCODING);
        Self { whole, unchanged, tag: doc.tag_of(coding) }
    }
}
