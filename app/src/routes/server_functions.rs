//! The server functions' routes, and what a form's visitor sees of one that failed.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts as _, Request, State},
    http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use leptos::{context::provide_context, server_fn::axum::server_fn_paths};

use crate::{
    pages::notice,
    protocol::{FormFailure, is_form},
    shell::{Page, Site},
};

/// All server functions that there are, from Leptos' own list.
pub fn server_functions() -> Router<Arc<Site>> {
    // What a page's resources load is spawned there. Only the first call does anything.
    _ = any_spawner::Executor::init_tokio();
    server_fn_paths().fold(Router::new(), |router, (path, method)| match MethodFilter::try_from(method) {
        Ok(method) => router.route(path, on(method, server_function)),
        // Leptos has no server function with such a method.
        Err(_unusual) => router,
    })
}

/// Calls the server function at the request's path.
async fn server_function(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let page = if is_form(&head.headers) { Page::from_request_parts(&mut head, &site).await.ok() } else { None };
    let context = move || provide_context(Arc::clone(&site));
    let request = Request::from_parts(head, body);
    let response = leptos_axum::handle_server_fns_with_context(context, request).await.into_response();
    match (page, response.extensions().get()) {
        (Some(page), Some(FormFailure { message, back })) => {
            let mut notice = notice::refused(page, response.status(), message.clone(), back.clone()).await;
            // What the server function has set, without what is of the body, and the `Referer` that Leptos leads to.
            let mut fields = response.headers().clone();
            for name in [CONTENT_TYPE, CONTENT_LENGTH, LOCATION].iter().chain(notice.headers().keys()) {
                fields.remove(name);
            }
            notice.headers_mut().extend(fields);
            notice
        }
        _ => response,
    }
}
