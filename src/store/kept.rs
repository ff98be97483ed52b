//! The last raw body of a source, compressed as it is stored. Packing is done before the writer is asked, so that
//! nobody waits for it there.

use chrono::{DateTime, Utc};

use super::StoreError;

/// zstd's quickest but for those that save little: a twentieth larger than by its usual one, in two fifths of the time, and
/// every changed document is packed.
const LEVEL: i32 = 1;

/// The last raw body of a source, for replay.
#[derive(Clone, Debug)]
pub struct KeptBody {
    /// Compressed.
    pub packed: Vec<u8>,
    /// Where it came from.
    pub url: String,
    /// `Content-Type`, as it came.
    pub content_type: Option<String>,
    /// `Content-Language`, as it came.
    pub content_language: Option<String>,
    /// When.
    pub fetched: DateTime<Utc>,
}

/// What becomes of the body that is kept, when another document was read.
#[derive(Clone, Copy, Debug)]
pub enum Keep<'a> {
    /// It was that one.
    AsItIs,
    /// This takes its place.
    This(&'a KeptBody),
    /// It goes: an older body would be taken for the one that was read.
    Nothing,
}

impl KeptBody {
    /// Compresses a body; `None` where what comes out is larger than the limit.
    ///
    /// # Errors
    /// The compressor's, which has no memory.
    pub fn pack(body: &[u8], limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut packed = zstd::bulk::compress(body, LEVEL)
            .map_err(|error| StoreError::Failed(format!("compressing a body: {error}")))?;
        // It was made with room for a body that does not shrink, and may wait for the writer.
        packed.shrink_to_fit();
        Ok(Some(packed).filter(|packed| packed.len() as u64 <= limit))
    }

    /// The body as it came.
    ///
    /// # Errors
    /// When what is stored is damaged.
    pub fn unpack(&self) -> Result<Vec<u8>, StoreError> {
        zstd::decode_all(self.packed.as_slice())
            .map_err(|error| StoreError::Failed(format!("a kept body cannot be unpacked: {error}")))
    }
}
