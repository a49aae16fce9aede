//! The page for an address where nothing is.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse as _, Response},
};

use crate::http::pages::Pages;

/// Responds with the page to those who look for one, else with the status alone.
pub(in crate::http) async fn not_found(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => (StatusCode::NOT_FOUND, pages.not_found(request.headers())).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
