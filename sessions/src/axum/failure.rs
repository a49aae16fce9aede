//! The answer to a request whose session could not be used.

use axum::{
    http::{StatusCode, header::RETRY_AFTER},
    response::IntoResponse,
};

use crate::Error;

/// The error as a response for handlers that don't make a nicer one: 503 with `Retry-After` while the store
/// is busy or down, else 500. The cause goes to the log, not to the visitor.
impl IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        tracing::error!(error = %self, "the session could not be used");
        match self {
            Self::Busy | Self::Unavailable { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "Try again in a moment.").into_response()
            }
            Self::NotAdmitted => {
                (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "60")], "Too many new visitors.").into_response()
            }
            Self::Misconfigured(_) | Self::Data(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Something is wrong on our side.").into_response()
            }
        }
    }
}
