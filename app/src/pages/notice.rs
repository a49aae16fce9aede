//! Pages that say what went wrong, without islands: they load no script.

use std::borrow::Cow;

use axum::{
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use leptos::prelude::*;

use crate::{
    protocol::error_response,
    server_fns::ApiError,
    shell::{Meta, Page},
};

/// What a visitor sees whose session can't be reached.
pub async fn failed(page: Page, error: ApiError) -> Response {
    let reason = match error {
        ApiError::TooMany => "Many new visitors came from your network in the last minute. Try again in a moment.",
        ApiError::Superseded => "You have just signed in or out.",
        ApiError::Broken => "Something is wrong on our side. Nothing is lost.",
        _ => "Your count can’t be reached just now. Nothing is lost: it goes on where it was.",
    };
    let path = page.path().to_owned();
    error_response(&error, notice(page, "One moment", reason, "Try again", path).await)
}

/// The page for an address where nothing is.
pub async fn not_found(method: Method, page: Page) -> Response {
    match method {
        Method::GET | Method::HEAD => {
            let reason = "There is no page at this address.";
            let notice = notice(page, "Nothing here", reason, "To the greeting", "/".to_owned()).await;
            (StatusCode::NOT_FOUND, notice).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What a visitor sees whose form was refused.
pub async fn refused(page: Page, status: StatusCode, reason: Cow<'static, str>, back: String) -> Response {
    (status, notice(page, "Not done", reason, "Back", back).await).into_response()
}

async fn notice(
    page: Page,
    title: &'static str,
    reason: impl Into<Cow<'static, str>>,
    link_text: &'static str,
    link: String,
) -> Response {
    let reason = reason.into();
    let view = move || {
        view! {
            <section>
                <h1>{title}</h1>
                <p id="sentence">{reason}</p>
                <p class="controls"><a class="button" href=link>{link_text}</a></p>
            </section>
        }
    };
    page.render(Meta::new(title), view).await
}
