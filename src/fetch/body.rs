//! A body as it streams in: counted, decompressed, counted again. A cut stream, rubbish after its end,
//! or a limit passed is an error. Never touches the network.

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

/// Takes a body in and keeps it decoded.
pub(super) struct Intake {
    decoder: Decoder,
    raw: u64,
    limit: u64,
}

enum Decoder {
    Plain(Sink),
    Gzip(Box<GzDecoder<Sink>>),
    Brotli(Box<brotli::DecompressorWriter<Sink>>),
    Zstd(Box<Zstd>),
}

struct Zstd {
    decoder: ZstdDecoder<'static>,
    /// 0 between frames.
    wanting: usize,
    room: Vec<u8>,
    sink: Sink,
}

/// Decoded bytes up to a limit.
struct Sink {
    bytes: Vec<u8>,
    limit: u64,
    full: bool,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + bytes.len()) as u64 > self.limit {
            self.full = true;
            return Err(io::Error::other("limit"));
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
        let sink = Sink { bytes: Vec::with_capacity(room), limit, full: false };
        let decoder = match sole(coding).as_str() {
            "" => Decoder::Plain(sink),
            "gzip" | "x-gzip" => Decoder::Gzip(Box::new(GzDecoder::new(sink))),
            "br" => Decoder::Brotli(Box::new(brotli::DecompressorWriter::new(sink, STEP))),
            "zstd" => Decoder::Zstd(Box::new(Zstd::new(sink)?)),
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

    /// Decoded bytes so far.
    pub(super) fn held(&mut self) -> usize {
        self.sink().bytes.len()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// A limit, or a stream that cannot be decoded; in words that follow the name of the document.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), String> {
        self.raw += chunk.len() as u64;
        if self.raw > self.limit {
            return Err(too_large(self.limit));
        }
        let result = match &mut self.decoder {
            Decoder::Plain(sink) => sink.write_all(chunk),
            Decoder::Gzip(decoder) => gunzip(decoder, chunk),
            Decoder::Brotli(decoder) => unbrotli(decoder, chunk),
            Decoder::Zstd(decoder) => decoder.push(chunk),
        };
        result.map_err(|error| if self.full() { too_large(self.limit) } else { self.broken(&error) })
    }

    /// The whole body, decoded.
    ///
    /// # Errors
    /// When the stream is not complete.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, String> {
        if self.raw == 0 {
            // An empty body is empty in every coding.
            return Ok(Vec::new());
        }
        let result = match &mut self.decoder {
            Decoder::Plain(_) => Ok(()),
            Decoder::Gzip(decoder) => decoder.try_finish(),
            Decoder::Brotli(decoder) => decoder.close(),
            Decoder::Zstd(decoder) if decoder.wanting == 0 => Ok(()),
            Decoder::Zstd(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        if let Err(error) = result {
            let words = if self.full() { too_large(self.limit) } else { self.cut(&error) };
            return Err(words);
        }
        let sink = self.sink();
        Ok(std::mem::take(&mut sink.bytes))
    }

    fn sink(&mut self) -> &mut Sink {
        match &mut self.decoder {
            Decoder::Plain(sink) => sink,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Brotli(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => &mut decoder.sink,
        }
    }

    fn full(&mut self) -> bool {
        self.sink().full
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

/// What is to be undone: empty members of the list say nothing (RFC 9110 5.6.1), nor do the names of no coding at all
/// that some put there, as if it were another field.
fn sole(codings: &str) -> String {
    let names_none =
        |name: &str| matches!(name, "" | "identity" | "none" | "utf-8" | "utf8" | "8bit" | "binary");
    let lower = codings.to_ascii_lowercase();
    let named: Vec<&str> = lower.split(',').map(str::trim).filter(|name| !names_none(name)).collect();
    named.join(", ")
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
                let empty = Sink { bytes: Vec::new(), limit: 0, full: false };
                *decoder = GzDecoder::new(std::mem::replace(sink, empty));
            }
            taken => chunk = chunk.get(taken..).unwrap_or_default(),
        }
    }
    Ok(())
}

fn unbrotli(decoder: &mut brotli::DecompressorWriter<Sink>, chunk: &[u8]) -> io::Result<()> {
    if decoder.write(chunk)? < chunk.len() { Err(rubbish()) } else { Ok(()) }
}

impl Zstd {
    fn new(sink: Sink) -> Result<Self, String> {
        let words = |error: io::Error| format!("cannot be decoded: {error}");
        let mut decoder = ZstdDecoder::new().map_err(words)?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG)).map_err(words)?;
        Ok(Self { decoder, wanting: 0, room: vec![0; STEP], sink })
    }

    fn push(&mut self, chunk: &[u8]) -> io::Result<()> {
        let mut input = InBuffer::around(chunk);
        loop {
            let mut output = OutBuffer::around(self.room.as_mut_slice());
            self.wanting = self.decoder.run(&mut input, &mut output)?;
            let written = output.pos();
            self.sink.write_all(self.room.get(..written).unwrap_or_default())?;
            if input.pos() == chunk.len() && written < self.room.len() {
                return Ok(());
            }
        }
    }
}
