//! Rejects paths that can't be the name of a file, before the file system sees them.

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// The longest path of a file in bytes: longer than any of ours, and short enough for the name of a file with an ending
/// like `.br`.
pub(crate) const MAX_PATH_LENGTH: usize = 200;

/// Responds to requests whose path is too long, or holds a NUL.
pub(crate) async fn reject_unservable_path(request: Request, next: Next) -> Response {
    match request.uri().path() {
        path if path.len() > MAX_PATH_LENGTH => StatusCode::URI_TOO_LONG.into_response(),
        path if path.contains("%00") => StatusCode::NOT_FOUND.into_response(),
        _ => next.run(request).await,
    }
}
