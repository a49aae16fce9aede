//! Liveness and readiness. Neither touches a session.

use app::visitor::Visitor;
use axum::{extract::State, http::StatusCode};
use sessions::Sessions;
use tokio_util::sync::CancellationToken;

/// Alive: the process answers. It says nothing of the store, since a restart would not mend that.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// Ready: the store can be reached and used, and the server has not been told to stop.
pub(crate) async fn ready(
    State((sessions, stopping)): State<(Sessions<Visitor>, CancellationToken)>,
) -> (StatusCode, &'static str) {
    if stopping.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match sessions.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the session store can't be reached\n")
        }
    }
}
