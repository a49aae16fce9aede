//! The response to a request whose session could not be used.

use axum::{
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};

use crate::{ChangeError, Error};

impl Error {
    /// The status that says it over HTTP: 503 while the store is busy or down, or another instance knows the data; 409
    /// with an id that was replaced, by a sign-in, say; 429, 403 and 422 for what the request itself has led to; else 500.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Busy | Self::Unavailable { .. } | Self::Newer { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotAdmitted => StatusCode::TOO_MANY_REQUESTS,
            Self::Superseded => StatusCode::CONFLICT,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Data(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Misconfigured(_) | Self::Unreadable { .. } | Self::HeadSent => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The error as a response for handlers that don't make a nicer one: its [`status`](Error::status), with `Retry-After`
/// where another try may help. The cause goes to the log, not to the visitor: as an error if the owner has to act, else
/// as a warning, since visitors can bring it about.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %self, "the session could not be used");
        } else {
            tracing::warn!(error = %self, "the session could not be used");
        }
        match status {
            StatusCode::SERVICE_UNAVAILABLE => (status, [(RETRY_AFTER, "1")], "Try again in a moment.").into_response(),
            StatusCode::TOO_MANY_REQUESTS => (status, [(RETRY_AFTER, "60")], "Too many new visitors.").into_response(),
            StatusCode::CONFLICT => {
                (status, "You have just signed in or out: load the page again, or sign in again.").into_response()
            }
            StatusCode::FORBIDDEN => (status, "This must be sent from a page of this site.").into_response(),
            StatusCode::UNPROCESSABLE_ENTITY => (status, "This can't be stored.").into_response(),
            _ => (status, "Something is wrong on our side.").into_response(),
        }
    }
}

/// A refusal is the response that its own type makes: a `StatusCode`, say. A text alone would be a `200 OK`.
impl<E: IntoResponse> IntoResponse for ChangeError<E> {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => refusal.into_response(),
            Self::Failed(error) => error.into_response(),
        }
    }
}
