//! The server functions, and how they fail. All of them are `POST`, so no link and no prefetch calls one.

use leptos::{
    prelude::{FromServerFnError, server},
    server_fn::error::ServerFnErrorErr,
};

use crate::{
    view::View,
    wire::{FormFields, Json, Word},
};

#[cfg(feature = "ssr")]
pub mod ssr;

#[cfg(not(feature = "ssr"))]
use crate::fetch::Fetch;
// The server calls none of them over HTTP; there the type is only named.
#[cfg(feature = "ssr")]
use leptos::server_fn::client::browser::BrowserClient as Fetch;

/// Counts a view of this visitor's, as the page does when it's loaded.
///
/// # Errors
/// [`ApiError::Unavailable`] if the store is; nothing was counted then, or nobody knows.
#[server(name = Refresh, prefix = "/api", endpoint = "refresh", client = Fetch, input = FormFields, output = Json)]
pub async fn refresh() -> Result<View, ApiError> {
    ssr::refresh().await
}

/// Greets this visitor with another of the five greetings from now on. Counts no view.
///
/// # Errors
/// [`ApiError::UnknownGreeting`] if it's none of the five; [`ApiError::Unavailable`] if the store is.
#[server(name = Choose, prefix = "/api", endpoint = "greeting", client = Fetch, input = FormFields, output = Json)]
pub async fn choose(
    /// The text of the greeting.
    greeting: String,
) -> Result<View, ApiError> {
    ssr::choose(&greeting).await
}

/// Ends this visitor's session: deletes what is stored and removes the cookie.
///
/// # Errors
/// [`ApiError::Unavailable`] if the store is.
#[server(name = Forget, prefix = "/api", endpoint = "forget", client = Fetch, input = FormFields, output = Json)]
pub async fn forget() -> Result<(), ApiError> {
    ssr::forget().await
}

/// How a server function fails, as the browser is told. The cause stays on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The store of the sessions is down, slow or busy: try again in a moment.
    Unavailable,
    /// Too many new visitors came from the same address: try again in a minute.
    TooMany,
    /// It's none of the five greetings.
    UnknownGreeting,
    /// The request can't be read.
    BadRequest,
    /// The request did not get through, or its answer did not.
    Unreachable,
}

impl ApiError {
    pub(crate) const ALL: [(Self, &str); 5] = [
        (Self::Unavailable, "unavailable"),
        (Self::TooMany, "too many"),
        (Self::UnknownGreeting, "unknown greeting"),
        (Self::BadRequest, "bad request"),
        (Self::Unreachable, "unreachable"),
    ];
}

impl FromServerFnError for ApiError {
    type Encoder = Word;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        // Whoever can't read something says so of the other side: the server of the request, the browser
        // of the answer, which comes from a proxy in between as likely as not.
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Self::BadRequest,
            ServerFnErrorErr::Deserialization(_) if cfg!(feature = "ssr") => Self::BadRequest,
            _ => Self::Unreachable,
        }
    }
}
