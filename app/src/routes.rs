//! Which request of the app goes where. The server adds what is the same for every app: sessions, limits, logs, assets.

mod server_functions;

use std::sync::Arc;

use axum::{Router, routing::get};

pub use self::server_functions::server_functions;
use crate::{pages, shell::Site};

/// The pages and the server functions. They need a session: the layer is the server's.
pub fn routes(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(pages::home::page))
        .route("/session", get(pages::session::page))
        .route("/session.json", get(pages::session::download))
        .merge(server_functions())
        .with_state(site)
}

/// The page for an address where nothing is.
pub fn not_found(site: Arc<Site>) -> Router {
    Router::new().fallback(pages::notice::not_found).with_state(site)
}
