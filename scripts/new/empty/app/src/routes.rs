//! Which request of the app goes where. The server adds what is the same for every app: sessions, limits, logs, assets.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{MethodFilter, get, on},
};
use leptos::{context::provide_context, server_fn::axum::server_fn_paths};

use crate::{pages, shell::Site};

/// The pages and the server functions. They need a session: the layer is the server's.
pub fn routes(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(pages::home::page))
        .merge(server_functions())
        .with_state(site)
}

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

/// The page for an address where nothing is.
pub fn not_found(site: Arc<Site>) -> Router {
    Router::new().fallback(pages::notice::not_found).with_state(site)
}

/// Calls the server function at the request's path.
async fn server_function(State(site): State<Arc<Site>>, request: Request) -> Response {
    let context = move || provide_context(Arc::clone(&site));
    leptos_axum::handle_server_fns_with_context(context, request).await.into_response()
}
