//! What the pages and the server functions do with a visitor's session. Nothing else here calls the session's store.

use std::sync::Arc;

use sessions::{ChangeError, Error, Session, axum::SessionHandle};

use super::ApiError;
use crate::visitor::Visitor;

/// The session of the request that a server function is called for.
///
/// # Errors
/// [`ApiError::Unavailable`] if the route has no session layer.
pub(crate) async fn handle() -> Result<SessionHandle<Visitor>, ApiError> {
    leptos_axum::extract().await.map_err(|_missing| ApiError::Unavailable)
}

/// Counts a view.
///
/// # Errors
/// [`ApiError::Unavailable`] if the store is, the cause is in the log; [`ApiError::TooMany`].
pub(crate) async fn count_view(session: &SessionHandle<Visitor>) -> Result<Arc<Session<Visitor>>, ApiError> {
    let counted = session.upsert(Visitor::count_view).await?;
    metrics::counter!("views_total").increment(1);
    Ok(counted.session)
}

/// The visitor learns what kind of failure it is. The cause is for the log: the request log takes it from the
/// response's [`Usages`](sessions::axum::Usages).
impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotAdmitted => Self::TooMany,
            Error::CrossSite | Error::Data(_) => Self::BadRequest,
            Error::Superseded => Self::Superseded,
            // What the store refuses works again once its owner has repaired it; nothing is lost until then.
            Error::Busy | Error::Unavailable { .. } | Error::Misconfigured(_) | Error::Newer { .. } => Self::Unavailable,
            // `Unreadable`, `HeadSent`, and what the crate may add.
            _ => Self::Broken,
        }
    }
}

/// What a change that may refuse fails with: one with a `try_` verb, that refuses with an error of its own.
impl From<ChangeError<Self>> for ApiError {
    fn from(error: ChangeError<Self>) -> Self {
        match error {
            ChangeError::Refused(refusal) => refusal,
            ChangeError::Failed(error) => error.into(),
        }
    }
}
