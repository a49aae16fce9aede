//! Liveness and readiness. Neither touches a session.

use app::visitor::Visitor;
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use sessions::{
    Sessions,
    axum::{Usage, Usages},
};
use tokio_util::sync::CancellationToken;

/// The path of [`live`].
pub(crate) const LIVE: &str = "/healthz";

/// The path of [`ready`].
pub(crate) const READY: &str = "/readyz";

/// Whether the path is one of a health check.
pub(crate) fn is_check(path: &str) -> bool {
    matches!(path, LIVE | READY)
}

/// Alive: the process responds, and a restart would not repair anything. So a store that can't be reached does not
/// matter here, but one that can't work again in this process does.
pub(crate) async fn live(State((sessions, _stopping)): State<(Sessions<Visitor>, CancellationToken)>) -> Response {
    if sessions.is_alive() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the session store needs a restart\n").into_response()
    }
}

/// Ready: the store can be reached and used, and the server is not stopping.
pub(crate) async fn ready(State((sessions, stopping)): State<(Sessions<Visitor>, CancellationToken)>) -> Response {
    if stopping.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match sessions.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            // The request's log line states the cause.
            let usage = Usages(vec![Usage::of_failure(&error)]);
            let body = "the session store can't be reached\n";
            (StatusCode::SERVICE_UNAVAILABLE, Extension(usage), body).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use sessions::{
        SessionKey,
        store::{Store, StoreError, Stored, Version, Write, memory::MemoryStore},
    };

    use super::*;

    /// A store whose thread has died.
    struct Dead;

    #[async_trait]
    impl Store for Dead {
        async fn get(&self, _key: &SessionKey) -> Result<Option<Stored>, StoreError> {
            Err(StoreError::unavailable("it is dead"))
        }

        async fn put(&self, _write: &Write) -> Result<Version, StoreError> {
            Err(StoreError::unavailable("it is dead"))
        }

        async fn delete(&self, _key: &SessionKey, _unchanged: Version) -> Result<(), StoreError> {
            Err(StoreError::unavailable("it is dead"))
        }

        async fn list(
            &self,
            _after: Option<&SessionKey>,
            _limit: usize,
        ) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
            Err(StoreError::unavailable("it is dead"))
        }

        async fn ping(&self) -> Result<(), StoreError> {
            Err(StoreError::unavailable("it is dead"))
        }

        fn is_alive(&self) -> bool {
            false
        }
    }

    async fn live_on(store: impl Store) -> StatusCode {
        let sessions = Sessions::builder(store, Visitor::default).build();
        live(State((sessions, CancellationToken::new()))).await.status()
    }

    #[tokio::test]
    async fn a_store_that_needs_a_restart_fails_liveness() {
        assert_eq!(live_on(MemoryStore::default()).await, StatusCode::OK);
        assert_eq!(live_on(Dead).await, StatusCode::SERVICE_UNAVAILABLE);
    }
}
