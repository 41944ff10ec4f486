//! Content codings (RFC 9110, section 8.4.1), undone within bounds.

use std::borrow::Cow;
use std::io::{BufRead, Read};
use understudy_model::{Field, values};

/// Bound on the decoded bytes of a body, unless stated otherwise.
pub(crate) const DECODED_BYTES: usize = 32 << 20;
/// The largest window a `zstd` content coding may ask for (RFC 9659).
const ZSTD_WINDOW_BYTES: u64 = 8 << 20;
/// Size of the input buffer of the `br` decoder.
const BUFFER_BYTES: usize = 8 << 10;
/// More codings than this on one body are an attack.
const MAX_CODINGS: usize = 4;

/// Why a body's content codings cannot be undone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undecodable {
    /// The decoded body is longer than the bound.
    #[error("too large when decoded")]
    TooLarge,
    /// The bytes are not in the coding that the answer names.
    #[error("broken {0}")]
    Broken(&'static str),
    /// An unknown coding, or too many.
    #[error("in an unknown coding")]
    Unknown,
}

/// The codings of an answer in the order they were applied, lower case, without `identity`.
pub(crate) fn codings(fields: &[Field]) -> Vec<String> {
    values(fields, "content-encoding")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect()
}

/// The body without its content codings, at most `bound` bytes long.
pub(crate) fn body<'a>(
    bytes: &'a [u8],
    codings: &[String],
    bound: usize,
) -> Result<Cow<'a, [u8]>, Undecodable> {
    // An answer to HEAD names the coding and has no body.
    if bytes.is_empty() {
        return Ok(Cow::Borrowed(&[]));
    }
    if codings.len() > MAX_CODINGS {
        return Err(Undecodable::Unknown);
    }
    let mut body = Cow::Borrowed(bytes);
    for coding in codings.iter().rev() {
        body = Cow::Owned(decode(&body, coding, bound)?);
    }
    Ok(body)
}

/// What a file says without its compression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decompressed {
    /// How it is compressed: `gzip`.
    pub coding: &'static str,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// Undoes the compression of a file by gzip, zlib or zstd, known by its first bytes, up to 32 MiB.
///
/// # Errors
/// What it is instead, in words: `broken gzip`, `xz`, `not compressed`.
pub fn decompress(bytes: &[u8]) -> Result<Decompressed, String> {
    let is_zlib = |cmf: u8, flags: u8| {
        cmf & 0x0f == 8 && (u16::from(cmf) << 8 | u16::from(flags)).is_multiple_of(31)
    };
    let (coding, decoded) = match bytes {
        [0x1f, 0x8b, ..] => ("gzip", decode(bytes, "gzip", DECODED_BYTES)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("zstd", zstd(bytes, DECODED_BYTES)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return Err("xz".to_owned()),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => return Err("bzip2".to_owned()),
        [0x04, 0x22, 0x4d, 0x18, ..] => return Err("lz4".to_owned()),
        [cmf, flags, ..] if is_zlib(*cmf, *flags) => ("zlib", zlib(bytes)),
        _ => return Err("not compressed".to_owned()),
    };
    match decoded {
        Ok(bytes) => Ok(Decompressed { coding, bytes }),
        Err(why) => Err(why.to_string()),
    }
}

/// A zlib stream and nothing behind it.
fn zlib(mut bytes: &[u8]) -> Result<Vec<u8>, Undecodable> {
    let decoder = flate2::bufread::ZlibDecoder::new(&mut bytes);
    let out = read(decoder, "zlib", DECODED_BYTES)?;
    match bytes.is_empty() {
        true => Ok(out),
        false => Err(Undecodable::Broken("zlib")),
    }
}

fn decode(bytes: &[u8], coding: &str, bound: usize) -> Result<Vec<u8>, Undecodable> {
    match coding {
        "gzip" | "x-gzip" => read(flate2::bufread::MultiGzDecoder::new(bytes), "gzip", bound),
        "deflate" => deflate(bytes, bound),
        "br" => read(
            brotli_decompressor::Decompressor::new(bytes, BUFFER_BYTES),
            "br",
            bound,
        ),
        "zstd" => zstd(bytes, bound),
        _ => Err(Undecodable::Unknown),
    }
}

/// `deflate` means the zlib format, but some servers send it bare.
fn deflate(bytes: &[u8], bound: usize) -> Result<Vec<u8>, Undecodable> {
    match read(flate2::bufread::ZlibDecoder::new(bytes), "deflate", bound) {
        Err(Undecodable::Broken(_)) => read(
            flate2::bufread::DeflateDecoder::new(bytes),
            "deflate",
            bound,
        ),
        done => done,
    }
}

/// One frame after the other, until the input ends.
fn zstd(mut bytes: &[u8], bound: usize) -> Result<Vec<u8>, Undecodable> {
    let mut out = Vec::new();
    while !bytes.fill_buf().is_ok_and(<[u8]>::is_empty) {
        let mut frame = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(
            &mut bytes,
            ZSTD_WINDOW_BYTES,
        )
        .map_err(|_| Undecodable::Broken("zstd"))?;
        out.extend(read(&mut frame, "zstd", bound - out.len())?);
        let stated = frame.decoder.get_checksum_from_data();
        if stated.is_some() && stated != frame.decoder.get_calculated_checksum() {
            return Err(Undecodable::Broken("zstd"));
        }
    }
    Ok(out)
}

/// Reads to the end, but never more than the bound.
fn read(decoder: impl Read, coding: &'static str, bound: usize) -> Result<Vec<u8>, Undecodable> {
    let mut out = Vec::new();
    let limit = (bound as u64).saturating_add(1);
    decoder
        .take(limit)
        .read_to_end(&mut out)
        .map_err(|_| Undecodable::Broken(coding))?;
    if out.len() > bound {
        Err(Undecodable::TooLarge)
    } else {
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use understudy_model::{Answer, Field};

    /// `{"a":1}` as `brotli -c` and `zstd -c` write it.
    const BROTLI: [u8; 11] = [
        0x0b, 0x03, 0x80, 0x7b, 0x22, 0x61, 0x22, 0x3a, 0x31, 0x7d, 0x03,
    ];
    const ZSTD: [u8; 20] = [
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x39, 0x00, 0x00, 0x7b, 0x22, 0x61, 0x22, 0x3a, 0x31,
        0x7d, 0x48, 0x8b, 0xfc, 0x32,
    ];

    fn answer(coding: &str, body: &[u8]) -> Answer {
        let field = Field {
            name: "content-encoding".into(),
            value: coding.into(),
        };
        crate::http::answer(200, vec![field], body.to_vec(), false)
    }

    fn decoded(coding: &str, body: &[u8], bound: usize) -> Result<Vec<u8>, Undecodable> {
        let answer = answer(coding, body);
        super::body(answer.bytes("body"), &codings(&answer.fields), bound).map(Cow::into_owned)
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(body).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn every_coding_is_undone() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(b"{\"a\":1}").unwrap();
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        bare.write_all(b"{\"a\":1}").unwrap();
        let gzipped = gzip(b"{\"a\":1}");
        for (coding, body) in [
            ("identity", b"{\"a\":1}".to_vec()),
            ("GZIP", gzipped.clone()),
            ("gzip, gzip", gzip(&gzipped)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", bare.finish().unwrap()),
            ("br", BROTLI.to_vec()),
            ("zstd", ZSTD.to_vec()),
        ] {
            assert_eq!(
                decoded(coding, &body, 100).as_deref(),
                Ok(b"{\"a\":1}".as_slice()),
                "{coding}"
            );
        }
        assert_eq!(
            decoded("zstd", &[ZSTD, ZSTD].concat(), 100).unwrap(),
            b"{\"a\":1}{\"a\":1}"
        );
        assert_eq!(decoded("gzip", b"", 100), Ok(Vec::new()));
    }

    /// Of each format: every byte that is changed and every piece that is missing or added shows.
    #[test]
    fn no_file_that_is_damaged_says_what_the_whole_one_says() {
        let text: Vec<u8> = (0..400_u32)
            .flat_map(|n| n.to_string().into_bytes())
            .collect();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(&text).unwrap();
        let zstd = ruzstd::encoding::compress_to_vec(
            text.as_slice(),
            ruzstd::encoding::CompressionLevel::Fastest,
        );
        for (coding, whole) in [
            ("gzip", gzip(&text)),
            ("zlib", zlib.finish().unwrap()),
            ("zstd", zstd),
        ] {
            let expected = Decompressed {
                coding,
                bytes: text.clone(),
            };
            assert_eq!(decompress(&whole), Ok(expected.clone()), "{coding}");
            for end in 0..whole.len() {
                assert_ne!(
                    decompress(&whole[..end]),
                    Ok(expected.clone()),
                    "{coding} {end}"
                );
            }
            let longer = [whole.as_slice(), b"x"].concat();
            assert_ne!(
                decompress(&longer),
                Ok(expected.clone()),
                "{coding} and more"
            );
        }
        let word = |bytes: &[u8]| decompress(bytes).unwrap_err();
        assert_eq!(word(b""), "not compressed");
        assert_eq!(word(b"plain"), "not compressed");
        assert_eq!(word(&[0x1f, 0x8b, 8]), "broken gzip");
        assert_eq!(word(b"\xfd7zXZ\0rest"), "xz");
    }

    #[test]
    fn a_bomb_stops_at_the_bound_and_rubbish_is_an_error() {
        let bomb = gzip(&vec![0; 10 << 20]);
        assert_eq!(decoded("gzip", &bomb, 1 << 20), Err(Undecodable::TooLarge));
        assert_eq!(
            decoded("gzip", &gzip(&[1; 100]), 100).map(|body| body.len()),
            Ok(100)
        );
        assert_eq!(
            decoded("zstd", &[ZSTD, ZSTD].concat(), 10),
            Err(Undecodable::TooLarge)
        );
        assert_eq!(
            decoded("gzip", b"plain", 100),
            Err(Undecodable::Broken("gzip"))
        );
        assert_eq!(
            decoded("br", &[0xff; 9], 100),
            Err(Undecodable::Broken("br"))
        );
        assert_eq!(
            decoded("zstd", b"plain", 100),
            Err(Undecodable::Broken("zstd"))
        );
        assert_eq!(decoded("lzma", b"plain", 100), Err(Undecodable::Unknown));
        assert_eq!(
            decoded("gzip,gzip,gzip,gzip,gzip", b"x", 100),
            Err(Undecodable::Unknown)
        );
    }
}
