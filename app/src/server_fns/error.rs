//! How a server function fails, as the browser sees it. The cause stays on the server.

use std::borrow::Cow;

use http::StatusCode;
use leptos::{
    prelude::FromServerFnError,
    server_fn::{codec::JsonEncoding, error::ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

use crate::protocol::HttpError;

/// How a server function fails. To add an error, add a variant; the compiler names the places that must say what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiError {
    /// The store of the sessions is down, slow or busy: try again in a moment.
    Unavailable,
    /// Too many new visitors came from the same address: try again in a minute.
    TooMany,
    /// It's none of the greetings.
    UnknownGreeting,
    /// There is no session to change.
    NoSession,
    /// A sign-in or sign-out has given the session a new id, and the request came with the old one.
    Superseded,
    /// The request can't be read.
    BadRequest,
    /// The owner has to repair something: another try does not help.
    Broken,
    /// The request did not get through, or its response did not.
    Unreachable,
}

impl ApiError {
    /// What happened, and what to do, for the visitor.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Unavailable => "Your session can’t be reached. Nothing is lost: try again.",
            Self::TooMany => "Too many new visitors just now. Try again in a minute.",
            Self::NoSession => "Your session has ended. Load the page again.",
            Self::Unreachable => "There is no connection. Check it and try again.",
            Self::Superseded | Self::UnknownGreeting | Self::BadRequest | Self::Broken => {
                "That did not work. Load the page again."
            }
        }
    }
}

impl HttpError for ApiError {
    fn message(&self) -> Cow<'static, str> {
        Self::message(*self).into()
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unavailable | Self::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::UnknownGreeting => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoSession => StatusCode::NOT_FOUND,
            Self::Superseded => StatusCode::CONFLICT,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Unavailable | Self::Unreachable => Some(2),
            Self::TooMany => Some(60),
            _ => None,
        }
    }

    fn leads_back(&self) -> bool {
        self.retry_after().is_some() || matches!(self, Self::NoSession | Self::Superseded | Self::Broken)
    }

    fn from_response(status: Option<StatusCode>) -> Self {
        match status {
            Some(StatusCode::TOO_MANY_REQUESTS) => Self::TooMany,
            Some(status) if status.is_client_error() => Self::BadRequest,
            Some(status) if status.is_server_error() => Self::Unavailable,
            _ => Self::Unreachable,
        }
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Self::BadRequest,
            // The body of a request could not be read. With Leptos' own codecs the browser says so of a response.
            ServerFnErrorErr::Deserialization(_) if cfg!(feature = "ssr") => Self::BadRequest,
            _ => Self::Unreachable,
        }
    }
}
