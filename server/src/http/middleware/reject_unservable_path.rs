//! Rejects paths that can't be the name of a file, before the file system sees them.

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

/// The longest path in bytes: longer than any of ours, and short enough for the name of a file with an ending like
/// `.br`.
pub(crate) const MAX_PATH_LENGTH: usize = 200;

/// Returns the response to a path that is too long or holds a NUL.
pub(crate) fn reject_unservable_path(path: &str) -> Option<Response> {
    match path {
        path if path.len() > MAX_PATH_LENGTH => Some(StatusCode::URI_TOO_LONG.into_response()),
        path if path.contains("%00") => Some(StatusCode::NOT_FOUND.into_response()),
        _ => None,
    }
}
