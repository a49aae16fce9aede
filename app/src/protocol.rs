//! How server functions travel: one protocol for any argument, any return value and any error.
//!
//! ```ignore
//! #[server(prefix = "/api", endpoint = "refresh", protocol = JsonOrForm)]
//! pub async fn refresh() -> Result<CounterView, ApiError> { .. }
//! ```
//!
//! The WASM sends the arguments as JSON, a plain `<form>` sends them as form fields (`name[field]=value` for a field of
//! a struct); return value and error are JSON either way. Leptos' default protocol works beside it: `ActionForm` needs
//! that one, and it costs 24 kB of WASM.

use std::borrow::Cow;

use http::StatusCode;
use leptos::prelude::FromServerFnError;
use serde::{Serialize, de::DeserializeOwned};

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod browser;
#[cfg(any(test, all(feature = "hydrate", not(feature = "ssr"))))]
mod json;
#[cfg(feature = "ssr")]
mod server;
#[cfg(feature = "ssr")]
pub use server::{FormFailure, error_response, is_form};

/// A value from its JSON; `None` if it isn't one's.
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Option<T> {
    json::from_str(text).ok()
}

/// The type of a body with arguments as JSON. It is not `application/json`: forms are what other programs may send, and
/// what the WASM sends may change with it. No page of another site can send this type without asking first (CORS).
#[cfg(any(feature = "ssr", feature = "hydrate"))]
const ARGUMENTS: &str = "application/vnd.server-fn+json";

/// The protocol: `POST`, arguments as JSON or as a form's fields, everything returned as JSON.
///
/// A form that succeeds leads back to the page that it was sent from.
#[derive(Debug)]
pub struct JsonOrForm;

/// An error of a server function that says how it looks in HTTP.
pub trait HttpError: FromServerFnError + Serialize + DeserializeOwned + Send {
    /// The status of a response with this error.
    fn status(&self) -> StatusCode;

    /// What happened, and what to do, for the visitor.
    fn message(&self) -> Cow<'static, str>;

    /// After how many seconds it is worth trying again, for the header field `Retry-After`.
    fn retry_after(&self) -> Option<u32> {
        None
    }

    /// Whether a form with this error leads back to its page, since that shows the state of things better than the
    /// [`message`](Self::message) alone does: by default, if it is worth trying again.
    fn leads_back(&self) -> bool {
        self.retry_after().is_some()
    }

    /// The error for a response that has this status and can't be read, since a proxy sent it, say; `None` if there was
    /// no response at all.
    fn from_response(status: Option<StatusCode>) -> Self;
}
