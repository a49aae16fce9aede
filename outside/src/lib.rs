//! A shop with two kinds of session: its customers' and its staff's. Each has a type, a cookie, a time limit and a
//! store of its own.

mod customer;
mod live;
mod staff;

use std::{any::Any, time::Duration};

use axum::{Router, http::StatusCode};
use exact_sessions::{
    Sessions,
    axum::SessionLayer,
    cookie::{CookiePolicy, SameSite, Until},
};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

pub use crate::{
    customer::{Customer, SoldOut},
    staff::Staff,
};

/// How long a handler may take.
pub const TIME_LIMIT: Duration = Duration::from_millis(200);

/// The cookie of customers: the one that Firebase Hosting lets through.
///
/// # Panics
/// Never: browsers take this cookie.
#[must_use]
pub fn customer_cookie() -> CookiePolicy {
    CookiePolicy::named("__session").build().expect("browsers take this cookie")
}

/// The cookie of the staff, which ends with the browser and is not sent from anywhere else.
///
/// # Panics
/// Never: browsers take this cookie.
#[must_use]
pub fn staff_cookie() -> CookiePolicy {
    CookiePolicy::named("__Host-staff")
        .same_site(SameSite::Strict)
        .until(Until::BrowserCloses)
        .build()
        .expect("browsers take this cookie")
}

/// The shop. The layers that may respond in the place of a handler are inside of those of the sessions.
pub fn shop(customers: &Sessions<Customer>, staff: &Sessions<Staff>) -> Router {
    pages()
        .layer(CatchPanicLayer::custom(sorry))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIME_LIMIT))
        .layer(SessionLayer::new(customers.clone(), customer_cookie()))
        .layer(SessionLayer::new(staff.clone(), staff_cookie()))
}

/// The pages, without any layer.
pub fn pages() -> Router {
    Router::new()
        .merge(customer::pages())
        .nest("/live", live::pages())
        .nest("/staff", Router::new().nest("/desk", staff::pages()))
}

/// The response to a request whose handler panicked.
#[must_use]
pub fn sorry(_: Box<dyn Any + Send>) -> axum::http::Response<String> {
    let mut response = axum::http::Response::new("Sorry.".to_owned());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
