//! A body as it streams in: counted, decompressed, counted again. A cut stream, rubbish after its end,
//! or a limit passed is an error. It stops where the room it is given ends. Never touches the network.

use std::io::{self, Write};

use flate2::write::GzDecoder;
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use crate::units::Size;

#[cfg(test)]
mod tests;

/// What we ask for, and all we take.
pub(super) const ACCEPT_ENCODING: &str = "gzip, br, zstd";

/// RFC 9659: no more than 8 MiB of window over HTTP.
const ZSTD_WINDOW_LOG: u32 = 23;
const STEP: usize = 32 << 10;
/// So many bytes of a gzip stream become at most about 33 KiB.
const BITE: usize = 32;
const MOST_OF_A_BITE: usize = 34 << 10;

/// Takes a body in and keeps it decoded.
pub(super) struct Intake {
    decoder: Decoder,
    raw: u64,
    limit: u64,
}

/// Brotli and Zstandard are decoded when all has come: their windows are megabytes that a slow server would
/// occupy for as long as it likes.
enum Decoder {
    Plain(Sink),
    Gzip(Box<GzDecoder<Sink>>),
    Brotli(Vec<u8>),
    Zstd(Vec<u8>),
}

/// Decoded bytes up to a limit.
struct Sink {
    bytes: Vec<u8>,
    limit: u64,
    full: bool,
}

impl Sink {
    fn new(room: usize, limit: u64) -> Self {
        Self { bytes: Vec::with_capacity(room), limit, full: false }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + bytes.len()) as u64 > self.limit {
            self.full = true;
            return Err(io::Error::other("limit"));
        }
        if self.bytes.capacity() - self.bytes.len() < bytes.len() {
            // Doubled, but never past the limit.
            let wanted = (2 * self.bytes.capacity()).max(self.bytes.len() + bytes.len());
            let wanted = wanted.min(usize::try_from(self.limit).unwrap_or(usize::MAX));
            self.bytes.reserve_exact(wanted.saturating_sub(self.bytes.len()));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Intake {
    /// For a body with this `Content-Encoding`, of at most `limit` bytes raw and decoded, `foreseen` of them announced.
    ///
    /// # Errors
    /// A coding we did not ask for, or several.
    pub(super) fn new(coding: &str, limit: u64, foreseen: u64) -> Result<Self, String> {
        let room = usize::try_from(foreseen).unwrap_or_default();
        let decoder = match coding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Decoder::Plain(Sink::new(room, limit)),
            "gzip" | "x-gzip" => Decoder::Gzip(Box::new(GzDecoder::new(Sink::new(room, limit)))),
            "br" => Decoder::Brotli(Vec::with_capacity(room)),
            "zstd" => Decoder::Zstd(Vec::with_capacity(room)),
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(format!("has the content coding {other:?}, which was not asked for"));
            }
        };
        Ok(Self { decoder, raw: 0, limit })
    }

    /// Bytes that came so far, as they came.
    pub(super) fn raw(&self) -> u64 {
        self.raw
    }

    /// True when [`Intake::finish`] unpacks the whole body, with a window of megabytes.
    pub(super) fn is_packed(&self) -> bool {
        matches!(self.decoder, Decoder::Brotli(_) | Decoder::Zstd(_))
    }

    /// The room it needs to go on, in bytes.
    pub(super) fn wants(&mut self, next: &[u8]) -> u64 {
        let (kept, next) = match &mut self.decoder {
            Decoder::Plain(sink) => (sink.bytes.len(), next.len()),
            Decoder::Gzip(decoder) => (decoder.get_mut().bytes.len(), MOST_OF_A_BITE),
            Decoder::Brotli(raw) | Decoder::Zstd(raw) => (raw.len(), next.len()),
        };
        (kept + next) as u64
    }

    /// Takes the next bytes, as far as there is room; what is left comes again.
    ///
    /// # Errors
    /// A limit, or a stream that cannot be decoded; in words that follow the name of the document.
    pub(super) fn push<'a>(&mut self, chunk: &'a [u8], room: u64) -> Result<&'a [u8], String> {
        if self.raw + chunk.len() as u64 > self.limit {
            return Err(too_large(self.limit));
        }
        let mut rest = chunk;
        while !rest.is_empty() && self.wants(rest) <= room {
            let (bite, after) = match self.decoder {
                Decoder::Gzip(_) => rest.split_at(BITE.min(rest.len())),
                _ => rest.split_at(rest.len()),
            };
            let result = match &mut self.decoder {
                Decoder::Plain(sink) => sink.write_all(bite),
                Decoder::Gzip(decoder) => gunzip(decoder, bite),
                Decoder::Brotli(raw) | Decoder::Zstd(raw) => {
                    raw.extend_from_slice(bite);
                    Ok(())
                }
            };
            result.map_err(|error| if self.full() { too_large(self.limit) } else { self.broken(&error) })?;
            self.raw += bite.len() as u64;
            rest = after;
        }
        Ok(rest)
    }

    /// The whole body, decoded.
    ///
    /// # Errors
    /// When the stream is not complete, or too large.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, String> {
        if self.raw == 0 {
            // An empty body is empty in every coding.
            return Ok(Vec::new());
        }
        let mut sink = Sink::new(0, self.limit);
        let result = match &mut self.decoder {
            Decoder::Plain(plain) => {
                std::mem::swap(&mut sink, plain);
                Ok(())
            }
            Decoder::Gzip(decoder) => {
                decoder.try_finish().inspect(|()| std::mem::swap(&mut sink, decoder.get_mut()))
            }
            Decoder::Brotli(raw) => unbrotli(raw, &mut sink),
            Decoder::Zstd(raw) => unzstd(raw, &mut sink),
        };
        if let Err(error) = result {
            let full = sink.full || self.full();
            return Err(if full { too_large(self.limit) } else { self.cut(&error) });
        }
        Ok(std::mem::take(&mut sink.bytes))
    }

    fn full(&mut self) -> bool {
        match &mut self.decoder {
            Decoder::Plain(sink) => sink.full,
            Decoder::Gzip(decoder) => decoder.get_mut().full,
            Decoder::Brotli(_) | Decoder::Zstd(_) => false,
        }
    }

    fn broken(&self, error: &io::Error) -> String {
        format!("has a broken {} body: {error}", self.name())
    }

    fn cut(&self, error: &io::Error) -> String {
        format!("has a {} body that is cut off or broken at its end: {error}", self.name())
    }

    fn name(&self) -> &'static str {
        match self.decoder {
            Decoder::Plain(_) => "plain",
            Decoder::Gzip(_) => "gzip",
            Decoder::Brotli(_) => "brotli",
            Decoder::Zstd(_) => "zstd",
        }
    }
}

/// The words for a body past `max_body`.
pub(super) fn too_large(limit: u64) -> String {
    format!("is larger than max_body ({})", Size(limit))
}

fn rubbish() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "bytes after its end")
}

fn gunzip(decoder: &mut GzDecoder<Sink>, mut chunk: &[u8]) -> io::Result<()> {
    while !chunk.is_empty() {
        match decoder.write(chunk)? {
            0 => {
                // This member is complete. RFC 1952 2.2: another may follow; anything else fails as a header.
                if !chunk.starts_with(&[0x1f]) {
                    return Err(rubbish());
                }
                decoder.try_finish()?;
                let sink = decoder.get_mut();
                let empty = Sink::new(0, 0);
                *decoder = GzDecoder::new(std::mem::replace(sink, empty));
            }
            taken => chunk = chunk.get(taken..).unwrap_or_default(),
        }
    }
    Ok(())
}

fn unbrotli(raw: &[u8], sink: &mut Sink) -> io::Result<()> {
    let mut decoder = brotli::DecompressorWriter::new(sink, STEP);
    if decoder.write(raw)? < raw.len() {
        return Err(rubbish());
    }
    decoder.close()
}

fn unzstd(raw: &[u8], sink: &mut Sink) -> io::Result<()> {
    let mut decoder = ZstdDecoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
    let (mut input, mut room) = (InBuffer::around(raw), vec![0; STEP]);
    loop {
        let mut output = OutBuffer::around(room.as_mut_slice());
        // 0 between frames.
        let wanting = decoder.run(&mut input, &mut output)?;
        let written = output.pos();
        sink.write_all(room.get(..written).unwrap_or_default())?;
        if input.pos() == raw.len() && written < room.len() {
            return if wanting == 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    }
}
