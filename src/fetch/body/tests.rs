//! Bodies: whole in every coding, or an error.

use super::*;

const LIMIT: u64 = 1 << 20;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn br(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    {
        let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 5, 22);
        encoder.write_all(bytes).unwrap();
    }
    out
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 3).unwrap()
}

fn decode(coding: &str, body: &[u8], chunk: usize, limit: u64) -> Result<Vec<u8>, String> {
    let mut intake = Intake::new(coding, limit, 0)?;
    for chunk in body.chunks(chunk) {
        intake.push(chunk)?;
    }
    intake.finish()
}

fn codings(bytes: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    [("gzip", gzip(bytes)), ("br", br(bytes)), ("zstd", zstd(bytes))]
}

fn text() -> Vec<u8> {
    (0..20_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_string().into_bytes()).collect()
}

#[test]
fn whole_in_every_coding_however_it_is_cut_up() {
    let text = text();
    for (coding, body) in codings(&text) {
        for chunk in [1, 7, 1024, body.len()] {
            assert_eq!(decode(coding, &body, chunk, LIMIT).as_ref(), Ok(&text), "{coding} by {chunk}");
        }
    }
    assert_eq!(decode("", &text, 1024, LIMIT).as_ref(), Ok(&text));
    assert_eq!(decode("X-GZIP", &gzip(&text), 1024, LIMIT).as_ref(), Ok(&text));
    assert_eq!(decode("gzip", b"", 1, LIMIT), Ok(Vec::new()));
    for none in ["identity", "None", "UTF-8", "utf8", "binary", ", ,"] {
        assert_eq!(decode(none, &text, 1024, LIMIT).as_ref(), Ok(&text), "{none}");
    }
    for one in ["gzip,", "identity, gzip", " , x-gzip"] {
        assert_eq!(decode(one, &gzip(&text), 1024, LIMIT).as_ref(), Ok(&text), "{one}");
    }
    // RFC 1952 2.2 and RFC 8878 3.1: members and frames may follow one another.
    for (coding, one, two) in [("gzip", gzip(b"one "), gzip(b"two")), ("zstd", zstd(b"one "), zstd(b"two"))] {
        for chunk in [1, 3, 1000] {
            let both = [one.clone(), two.clone()].concat();
            assert_eq!(decode(coding, &both, chunk, LIMIT).as_deref(), Ok(b"one two".as_slice()), "{coding}");
        }
    }
}

#[test]
fn cut_streams_and_rubbish_are_errors() {
    for (coding, body) in codings(&text()) {
        for cut in [1, 2, 4, 9, body.len() / 2] {
            let error = decode(coding, &body[..body.len() - cut], 1024, LIMIT).unwrap_err();
            assert!(error.contains(coding), "{coding} less {cut}: {error}");
        }
        for chunk in [1, 1024, body.len(), body.len() + 99] {
            for rubbish in [b"<!-- rubbish -->".as_slice(), b"\0\0\0\0\0\0\0\0\0\0\0\0"] {
                let longer = [&body, rubbish].concat();
                assert!(decode(coding, &longer, chunk, LIMIT).is_err(), "{coding} with rubbish, by {chunk}");
            }
        }
        let mut bent = body.clone();
        let middle = bent.len() / 2;
        bent[middle] ^= 0x55;
        let result = decode(coding, &bent, 1024, LIMIT);
        // Brotli has no checksum: a bent byte may go unseen, but not as the same text.
        assert!(result.is_err() || (coding == "br" && result != Ok(text())), "{coding}");
        assert!(decode(coding, b"<rss/>", 1024, LIMIT).is_err(), "{coding}: a plain body under its name");
    }
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![0; 8 << 20];
    for (coding, body) in codings(&zeros) {
        assert!(body.len() < 100_000, "{coding}");
        let error = decode(coding, &body, 4096, LIMIT).unwrap_err();
        assert_eq!(error, "is larger than max_body (1MiB)", "{coding}");
        let mut intake = Intake::new(coding, LIMIT, 0).unwrap();
        let _ = body.chunks(512).try_for_each(|chunk| intake.push(chunk));
        assert!(intake.sink().bytes.capacity() as u64 <= 2 * LIMIT, "{coding}");
    }
    assert_eq!(decode("", &zeros, 4096, LIMIT).unwrap_err(), "is larger than max_body (1MiB)");
    assert!(decode("", &zeros[..1 << 20], 4096, LIMIT).is_ok());
    // Raw bytes count too: empty members hold nothing, for ever.
    let empty = gzip(b"").repeat(60_000);
    assert_eq!(decode("gzip", &empty, 4096, LIMIT).unwrap_err(), "is larger than max_body (1MiB)");
}

#[test]
fn a_zstd_window_beyond_eight_mebibytes_is_refused() {
    let mut encoder = ::zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&vec![7; 40 << 20]).unwrap();
    let body = encoder.finish().unwrap();
    assert!(decode("zstd", &body, 4096, 64 << 20).unwrap_err().contains("zstd"));
}

#[test]
fn only_one_coding_of_those_asked_for() {
    for coding in ["deflate", "gzip, gzip", "gzip,br", "compress", "aes128gcm"] {
        assert!(Intake::new(coding, LIMIT, 0).is_err(), "{coding}");
    }
}
