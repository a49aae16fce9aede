//! How the server functions look on the wire: arguments as a browser's form sends them, answers as JSON,
//! errors as a word. Each side has its own half of the code: the server uses serde, the browser what every
//! browser has, so that its WASM holds no parser.

use leptos::server_fn::{ContentType, Format, FormatType, codec::Post};
use thiserror::Error;

#[cfg(not(feature = "ssr"))]
mod browser;
#[cfg(feature = "ssr")]
mod server;

/// Arguments as the fields of a form.
pub type FormFields = Post<FormEncoding>;

/// An answer as JSON.
pub type Json = Post<JsonEncoding>;

/// `application/x-www-form-urlencoded`.
#[derive(Debug)]
pub struct FormEncoding;

/// `application/json`.
#[derive(Debug)]
pub struct JsonEncoding;

/// An error as its word.
#[derive(Debug)]
pub struct Word;

/// What came over the wire is not what was expected.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("unexpected content")]
pub struct Unexpected;

impl ContentType for FormEncoding {
    const CONTENT_TYPE: &'static str = "application/x-www-form-urlencoded";
}

impl ContentType for JsonEncoding {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl ContentType for Word {
    const CONTENT_TYPE: &'static str = "text/plain; charset=utf-8";
}

impl FormatType for FormEncoding {
    const FORMAT_TYPE: Format = Format::Text;
}

impl FormatType for JsonEncoding {
    const FORMAT_TYPE: Format = Format::Text;
}

impl FormatType for Word {
    const FORMAT_TYPE: Format = Format::Text;
}
