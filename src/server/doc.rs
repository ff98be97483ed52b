//! A finished document: shared bytes, their tag, and their compressed variants, each made once, on a
//! blocking thread, when first wanted.

use std::io::Write as _;
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::accept::Coding;
use super::plan::hex;

/// Below so many bytes a coding costs more than it saves.
const WORTH_CODING: usize = 512;

/// One document: its bytes, what they are, and their codings.
pub(super) struct Doc {
    pub(super) content_type: &'static str,
    pub(super) plain: Bytes,
    /// Opaque tag of the plain bytes; codings add their name.
    pub(super) tag: String,
    /// Since when these bytes stand there, in whole seconds.
    pub(super) since: Option<DateTime<Utc>>,
    /// The same as readers are told it: nothing while it is still to come (RFC 9110, 8.8.2.1).
    pub(super) modified: Option<SystemTime>,
    coded: [OnceCell<Option<Bytes>>; 3],
}

impl Doc {
    pub(super) fn new(content_type: &'static str, bytes: Vec<u8>) -> Self {
        let tag = hex(&Sha256::digest(&bytes), 16);
        Self {
            content_type,
            plain: bytes.into(),
            tag,
            since: None,
            modified: None,
            coded: Default::default(),
        }
    }

    pub(super) fn stands(&mut self, since: DateTime<Utc>, now: DateTime<Utc>) {
        self.since = Some(since);
        self.modified = (since <= now).then(|| since.into());
    }

    /// The tag of a variant.
    pub(super) fn tag_of(&self, coding: Coding) -> String {
        match coding {
            Coding::Identity => self.tag.clone(),
            coding => format!("{}-{}", self.tag, coding.name()),
        }
    }

    /// True for the tag of any variant.
    pub(super) fn owns(&self, tag: &str) -> bool {
        Self::is_of(tag, &self.tag)
    }

    /// True when `tag` is that of a variant of the document whose plain tag is `base`.
    pub(super) fn is_of(tag: &str, base: &str) -> bool {
        tag.strip_prefix(base).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix('-')
                    .is_some_and(|name| Coding::COMPRESSED.iter().any(|c| c.name() == name))
        })
    }

    fn cell(&self, coding: Coding) -> Option<&OnceCell<Option<Bytes>>> {
        let at = Coding::COMPRESSED.iter().position(|known| *known == coding)?;
        self.coded.get(at)
    }

    /// The bytes in that coding, where they were made already.
    pub(super) fn coded_already(&self, coding: Coding) -> Option<&Bytes> {
        self.cell(coding)?.get()?.as_ref()
    }

    /// The bytes in that coding; `None` where plain ones are as good.
    pub(super) async fn coded(&self, coding: Coding) -> Option<Bytes> {
        if self.plain.len() < WORTH_CODING {
            return None;
        }
        let make = || async {
            let plain = self.plain.clone();
            let coded = tokio::task::spawn_blocking(move || compress(&plain, coding)).await.ok().flatten()?;
            (coded.len() < self.plain.len()).then(|| Bytes::from(coded))
        };
        self.cell(coding)?.get_or_init(make).await.clone()
    }

    /// Makes the codings that were wanted of the document before this one.
    pub(super) async fn prepare(&self, before: &Self) {
        for coding in Coding::COMPRESSED {
            if before.cell(coding).is_some_and(OnceCell::initialized) {
                self.coded(coding).await;
            }
        }
    }
}

fn compress(plain: &[u8], coding: Coding) -> Option<Vec<u8>> {
    match coding {
        Coding::Identity => None,
        Coding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(plain).ok()?;
            encoder.finish().ok()
        }
        Coding::Zstd => zstd::bulk::compress(plain, 6).ok(),
        Coding::Br => {
            let params =
                brotli::enc::BrotliEncoderParams { quality: 6, size_hint: plain.len(), ..Default::default() };
            let mut out = Vec::new();
            brotli::BrotliCompress(&mut &plain[..], &mut out, &params).ok()?;
            Some(out)
        }
    }
}
