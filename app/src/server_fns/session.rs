//! What the pages and the server functions do with a visitor's session. Nothing else here calls the session's store.

use std::sync::Arc;

use leptos::prelude::use_context;
use serde_json::Value;
use sessions::{ChangeError, Error, Session, axum::SessionHandle};

use super::{ApiError, StoredField};
use crate::{components::session_info::SessionInfo, greeting::Greeting, shell::Site, visitor::Visitor};

/// The session of the request that a server function or a page is called for.
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

/// Greets the visitor this way from now on.
pub(super) async fn greet_with(
    session: &SessionHandle<Visitor>,
    greeting: Greeting,
) -> Result<Arc<Session<Visitor>>, ApiError> {
    Ok(session.upsert(move |visitor| visitor.greet_with(greeting)).await?.session)
}

/// Corrects greeting and count, as far as they are given; `None` without a session.
pub(super) async fn correct(
    session: &SessionHandle<Visitor>,
    greeting: Option<Greeting>,
    views: Option<u64>,
) -> Result<Option<Arc<Session<Visitor>>>, ApiError> {
    let corrected = session.update(move |visitor| visitor.correct(greeting, views)).await?;
    Ok(corrected.map(|corrected| corrected.session))
}

/// Reads the session and changes nothing; `None` without one.
///
/// # Errors
/// [`ApiError::Unavailable`] if the store is, the cause is in the log.
pub(crate) async fn read(session: &SessionHandle<Visitor>) -> Result<Option<Arc<Session<Visitor>>>, ApiError> {
    Ok(session.read().await?)
}

/// Deletes the session and its cookie.
pub(super) async fn delete(session: &SessionHandle<Visitor>) -> Result<(), ApiError> {
    Ok(session.delete().await?)
}

/// What is stored, for a person to read.
pub(crate) fn fields(session: &Session<Visitor>) -> Vec<StoredField> {
    let store = use_context::<Arc<Site>>().map_or("", |site| site.store);
    let info = SessionInfo::new(store, session.created_at, session.expires_at, session.ends_at);
    let (since, until) = info.days();
    let field = |name: String, value: String| StoredField { name, value };
    let times = [("Began", since), ("Ends", until), ("Kept in", store.to_owned())];
    let times = times.map(|(name, value)| field(name.to_owned(), value));
    data_fields(&session.data).into_iter().map(|(name, value)| field(in_words(&name), value)).chain(times).collect()
}

/// The application's own fields, whichever it has.
fn data_fields(data: &Visitor) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(data) else {
        unreachable!("the engine stores nothing but what is an object in JSON")
    };
    let text = |value| if let Value::String(text) = value { text } else { value.to_string() };
    fields.into_iter().map(|(name, value)| (name, text(value))).collect()
}

/// `last_seen` as "Last seen".
fn in_words(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    first + &letters.as_str().replace('_', " ")
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
            Error::Busy | Error::Unavailable { .. } | Error::Misconfigured(_) | Error::Newer { .. } => {
                Self::Unavailable
            }
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

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use sessions::store::cause;

    use super::*;
    use crate::protocol::HttpError as _;

    #[test]
    fn a_failure_says_whether_another_try_helps() {
        let key = sessions::SessionKey::parse(&"ab".repeat(32)).expect("a key");
        for (error, status, helps) in [
            (Error::Busy, StatusCode::SERVICE_UNAVAILABLE, true),
            (Error::Misconfigured(cause("no permission")), StatusCode::SERVICE_UNAVAILABLE, true),
            (Error::Newer { key, stored: 2, supported: 1 }, StatusCode::SERVICE_UNAVAILABLE, true),
            (Error::NotAdmitted, StatusCode::TOO_MANY_REQUESTS, true),
            (Error::CrossSite, StatusCode::BAD_REQUEST, false),
            (Error::Superseded, StatusCode::CONFLICT, false),
            (Error::HeadSent, StatusCode::INTERNAL_SERVER_ERROR, false),
            (
                Error::Unreadable { key, path: "notes".to_owned(), cause: cause("no list") },
                StatusCode::INTERNAL_SERVER_ERROR,
                false,
            ),
        ] {
            let text = error.to_string();
            let error = ApiError::from(error);
            assert_eq!((error.status(), error.retry_after().is_some()), (status, helps), "{text}");
        }
    }
}
