//! The routes, the layers, and what a handler can fail with.

use argon2::password_hash;
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use exact_sessions::{Error, Sessions, axum::SessionLayer, cookie::CookiePolicy};
use tower_http::csrf::CsrfLayer;

use crate::{accounts::Accounts, devices, password, shop, sign_in, visit::Visit};

/// The app. Forms that pages of other sites send are refused before anything else.
pub(crate) fn app(sessions: Sessions<Visit>, accounts: Accounts, cookies: CookiePolicy) -> Router {
    Router::new()
        .route("/", get(shop::home))
        .route("/cart", post(shop::add))
        .route("/theme", post(shop::set_theme))
        .route("/sign-up", post(sign_in::sign_up))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/account", get(devices::account))
        .route("/account/devices/end", post(devices::end_one))
        .route("/account/devices/end-others", post(devices::end_others))
        .route("/account/confirm", get(password::form).post(password::confirm))
        .route("/account/password", post(password::change))
        .with_state(accounts)
        .layer(SessionLayer::new(sessions, cookies))
        .layer(CsrfLayer::new())
}

/// Why a request failed, beyond what its visitor can do about it.
pub(crate) enum Failure {
    Session(Error),
    Password(password_hash::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl From<password_hash::Error> for Failure {
    fn from(error: password_hash::Error) -> Self {
        Self::Password(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Session(error) => error.into_response(),
            Self::Password(error) => {
                tracing::error!(%error, "a password could not be hashed");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
