//! Compresses pages: small, whole, and most of each the same in many answers. Assets are compressed when they are
//! built.
//!
//! A page this small costs a streaming encoder more to set up than to compress. libdeflate takes it in one piece and
//! half the time, to a smaller size than brotli at the qualities that are as quick.

use std::{cell::RefCell, io, sync::OnceLock};

use axum::{
    body::Bytes,
    http::{HeaderMap, header::ACCEPT_ENCODING},
};
use libdeflater::{CompressionLvl, Compressor, Crc};

/// At most so many bytes are one packet either way.
const SMALL: usize = 1024;

/// What a body may be compressed with, best first. Every browser takes gzip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Brotli,
}

impl Coding {
    const ALL: [Self; 2] = [Self::Gzip, Self::Brotli];

    /// Its name in `Content-Encoding`.
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    /// What the client of a request with these fields takes.
    fn taken(headers: &HeaderMap) -> Option<Self> {
        Self::ALL.into_iter().find(|coding| takes(headers, coding.name()))
    }

    fn compress(self, opening: &str, rest: &Repeated) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => gzip(opening, rest),
            Self::Brotli => brotli([opening, &rest.text].concat().as_bytes()),
        }
    }
}

/// A text that many answers end with. It's compressed once.
pub(crate) struct Repeated {
    text: String,
    deflated: OnceLock<Vec<u8>>,
}

impl From<String> for Repeated {
    fn from(text: String) -> Self {
        Self { text, deflated: OnceLock::new() }
    }
}

impl Repeated {
    fn deflated(&self) -> io::Result<&[u8]> {
        match self.deflated.get() {
            Some(deflated) => Ok(deflated),
            None => deflate(self.text.as_bytes()).map(|deflated| &self.deflated.get_or_init(|| deflated)[..]),
        }
    }
}

/// An opening and the rest as this request's answer carries them, and the name of their coding if it has one.
pub(crate) fn compress(opening: &str, rest: &Repeated, headers: &HeaderMap) -> (Bytes, Option<&'static str>) {
    let is_small = opening.len() + rest.text.len() <= SMALL;
    let coding = if is_small { None } else { Coding::taken(headers) };
    match coding.map(|coding| (coding.compress(opening, rest), coding.name())) {
        Some((Ok(compressed), name)) => return (compressed.into(), Some(name)),
        Some((Err(error), name)) => tracing::error!(%error, "a page can't be compressed with {name}"),
        None => {}
    }
    ([opening, &rest.text].concat().into(), None)
}

/// Whether the client takes this coding: it names it, or any, with a weight above 0 (RFC 9110, 12.5.3).
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let fields = || headers.get_all(ACCEPT_ENCODING).iter().filter_map(|field| field.to_str().ok());
    let weight_of = |wanted: &str| {
        fields().flat_map(|field| field.split(',')).find_map(|entry| {
            let (name, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            name.trim().eq_ignore_ascii_case(wanted).then(|| weight(parameters))
        })
    };
    weight_of(coding).or_else(|| weight_of("*")).is_some_and(|weight: f32| weight > 0.0)
}

/// A weight that can't be read asks for nothing.
fn weight(parameters: &str) -> f32 {
    match parameters.trim() {
        "" => 1.0,
        given => given.to_ascii_lowercase().strip_prefix("q=").and_then(|weight| weight.parse().ok()).unwrap_or(0.0),
    }
}

/// A gzip file (RFC 1952): the opening is in a block that is not compressed (RFC 1951, 3.2.4), the rest as it was
/// compressed before.
fn gzip(opening: &str, rest: &Repeated) -> io::Result<Vec<u8>> {
    /// Deflated; with no name, time or system.
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    const STORED_AND_NOT_THE_LAST: [u8; 1] = [0];
    let stored = u16::try_from(opening.len()).map_err(io::Error::other)?;
    let length = u32::try_from(opening.len() + rest.text.len()).map_err(io::Error::other)?;
    let mut sum = Crc::new();
    sum.update(opening.as_bytes());
    sum.update(rest.text.as_bytes());
    Ok([
        &HEADER[..],
        &STORED_AND_NOT_THE_LAST,
        &stored.to_le_bytes(),
        &(!stored).to_le_bytes(),
        opening.as_bytes(),
        rest.deflated()?,
        &sum.sum().to_le_bytes(),
        &length.to_le_bytes(),
    ]
    .concat())
}

fn deflate(text: &[u8]) -> io::Result<Vec<u8>> {
    thread_local! {
        // Made once a thread: its tables take 100 kB. The level is the lowest that compresses; for a page, the higher
        // ones gain less than a hundredth.
        static DEFLATE: RefCell<Compressor> = RefCell::new(Compressor::new(CompressionLvl::new(1).unwrap_or_default()));
    }
    DEFLATE.with_borrow_mut(|deflate| {
        let mut compressed = vec![0; deflate.deflate_compress_bound(text.len())];
        let length = deflate.deflate_compress(text, &mut compressed).map_err(io::Error::other)?;
        compressed.truncate(length);
        compressed.shrink_to_fit();
        Ok(compressed)
    })
}

/// For the client that takes nothing else.
fn brotli(mut text: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 1, ..Default::default() };
    brotli::BrotliCompress(&mut text, &mut compressed, &parameters)?;
    Ok(compressed)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(accept: &[&'static str]) -> HeaderMap {
        accept.iter().map(|value| (ACCEPT_ENCODING, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_client_gets_the_best_that_it_takes() {
        for (accept, coding) in [
            (&["gzip, deflate, br, zstd"][..], Some(Coding::Gzip)),
            (&["br"], Some(Coding::Brotli)),
            (&["deflate", "GZip"], Some(Coding::Gzip)),
            (&["br;q=1.0, gzip;q=0.5"], Some(Coding::Gzip)),
            (&["gzip;q=0, br"], Some(Coding::Brotli)),
            (&["gzip; q=0.000"], None),
            (&["gzip;Q=0"], None),
            (&["gzip;Q=0.5"], Some(Coding::Gzip)),
            (&["gzip;q=much"], None),
            (&["*"], Some(Coding::Gzip)),
            (&["gzip;q=0, *"], Some(Coding::Brotli)),
            (&["*;q=0"], None),
            (&["gzip;q=0, br;q=0, *"], None),
            (&["gzipped, brotli"], None),
            (&["identity"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(Coding::taken(&headers(accept)), coding, "{accept:?}");
        }
    }

    #[test]
    fn what_was_compressed_reads_as_it_was() {
        let rest = Repeated::from("Hello World! ".repeat(100));
        for opening in ["", "a nonce", "another one, größer", &"a".repeat(0xffff)] {
            let text = opening.to_owned() + &rest.text;
            let (compressed, name) = compress(opening, &rest, &headers(&["gzip"]));
            assert!(compressed.len() < opening.len() + rest.text.len() / 5 && name == Some("gzip"));
            let mut read = vec![0; text.len()];
            let length = libdeflater::Decompressor::new().gzip_decompress(&compressed, &mut read).expect("gzip");
            assert_eq!((&read[..], length), (text.as_bytes(), text.len()));

            let (compressed, name) = compress(opening, &rest, &headers(&["br"]));
            assert!(compressed.len() < text.len() / 5 && name == Some("br"));
            let mut read = Vec::new();
            brotli::BrotliDecompress(&mut &compressed[..], &mut read).expect("brotli");
            assert_eq!(read, text.as_bytes());
        }
    }

    #[test]
    fn what_is_small_or_not_asked_for_or_too_long_to_be_an_opening_stays_as_it_is() {
        let (small, large) = (Repeated::from("small".to_owned()), Repeated::from("large".repeat(1000)));
        assert_eq!(compress("a ", &small, &headers(&["gzip"])), ("a small".into(), None));
        assert_eq!(compress("a ", &large, &headers(&["identity"])), (format!("a {}", large.text).into(), None));
        let opening = "a".repeat(0x1_0000);
        assert_eq!(compress(&opening, &large, &headers(&["gzip"])), ((opening.clone() + &large.text).into(), None));
    }
}
