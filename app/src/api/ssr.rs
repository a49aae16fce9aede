//! The server's half of the server functions.

use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, RETRY_AFTER},
    request::Parts,
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use sessions::{Error, Session, axum::SessionHandle};

use super::ApiError;
use crate::{greeting::Greeting, view::View, visitor::Visitor};

impl ApiError {
    /// The status that says it over HTTP, and after how many seconds it's worth trying again.
    #[must_use]
    pub fn status(self) -> (StatusCode, Option<HeaderValue>) {
        let seconds = |text| Some(HeaderValue::from_static(text));
        match self {
            Self::Unavailable | Self::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, seconds("2")),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, seconds("60")),
            Self::UnknownGreeting => (StatusCode::UNPROCESSABLE_ENTITY, None),
            Self::BadRequest => (StatusCode::BAD_REQUEST, None),
        }
    }
}

pub(super) async fn refresh() -> Result<View, ApiError> {
    Ok(count_view(&handle().await?).await?.data.into())
}

/// Counts a view, for the server function and for the page.
///
/// # Errors
/// [`ApiError::Unavailable`] if the store is, the cause is in the log; [`ApiError::TooMany`].
pub async fn count_view(session: &SessionHandle<Visitor>) -> Result<Session<Visitor>, ApiError> {
    let session = session.visit(Visitor::count_view).await.map_err(|error| told(&error))?;
    metrics::counter!("views_total").increment(1);
    Ok(session)
}

pub(super) async fn choose(greeting: &str) -> Result<View, ApiError> {
    let greeting = Greeting::pick(greeting).ok_or(ApiError::UnknownGreeting)?;
    let handle = handle().await?;
    let session =
        handle.visit(move |visitor| visitor.greet_with(greeting.clone())).await.map_err(|error| told(&error))?;
    back_to_the_page();
    Ok(session.data.into())
}

pub(super) async fn forget() -> Result<(), ApiError> {
    handle().await?.delete().await.map_err(|error| told(&error))?;
    back_to_the_page();
    Ok(())
}

async fn handle() -> Result<SessionHandle<Visitor>, ApiError> {
    leptos_axum::extract().await.map_err(|_missing| ApiError::Unavailable)
}

/// What a visitor is told of a failure: its kind. The cause is for the log, where whoever logs the request finds
/// it in the response's [`Usage`](sessions::axum::Usage).
fn told(error: &Error) -> ApiError {
    match error {
        Error::NotAdmitted => ApiError::TooMany,
        _ => ApiError::Unavailable,
    }
}

/// Where a browser without JavaScript goes after sending a form; that page then counts as a view.
fn back_to_the_page() {
    if is_form() {
        leptos_axum::redirect("/");
    }
}

/// Whether a browser sent this by itself, from a form, and will show the answer as a page.
fn is_form() -> bool {
    let accept = use_context::<Parts>().and_then(|parts| parts.headers.get(ACCEPT).cloned());
    accept.is_some_and(|accept| accept.as_bytes().windows(9).any(|types| types == b"text/html"))
}

/// Gives the response the status of an error. Leptos answers every error with 500.
pub(crate) fn answer(error: ApiError) {
    let Some(response) = use_context::<ResponseOptions>() else { return };
    if is_form() && matches!(error, ApiError::Unavailable | ApiError::TooMany) {
        // The page says it better than the bare answer would.
        return leptos_axum::redirect("/");
    }
    let (status, retry_after) = error.status();
    response.set_status(status);
    if let Some(seconds) = retry_after {
        response.insert_header(RETRY_AFTER, seconds);
    }
}
