//! Liveness and readiness. Neither touches a session.

use app::visitor::Visitor;
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use sessions::{Sessions, axum::Usage};
use tokio_util::sync::CancellationToken;

/// Alive: the process answers. It says nothing of the store, since a restart would not mend that.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// Ready: the store can be reached and used, and the server has not been told to stop.
pub(crate) async fn ready(State((sessions, stopping)): State<(Sessions<Visitor>, CancellationToken)>) -> Response {
    if stopping.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match sessions.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            // For the log, which has one line for the request and its cause.
            let usage = Usage::of_failure(&error);
            let said = "the session store can't be reached\n";
            (StatusCode::SERVICE_UNAVAILABLE, Extension(usage), said).into_response()
        }
    }
}
