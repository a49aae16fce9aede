//! What every page needs to know of the site it is on.

use axum::http::{HeaderMap, header::HOST};

use super::Assets;
use crate::components::open_graph::Origin;

/// The site, as the server that runs it knows it.
#[derive(Clone, Debug)]
pub struct Site {
    /// The assets that the pages load.
    pub assets: Assets,
    /// Whether the site is reached over HTTPS alone.
    pub https_only: bool,
    /// Whether `cargo leptos watch` runs, and reloads a page when it has changed.
    pub watched: bool,
    /// Where the sessions are, in a word or two.
    pub store: &'static str,
}

impl Site {
    /// Where the visitor reached the site, if the request says so.
    pub(super) fn origin(&self, headers: &HeaderMap) -> Option<Origin> {
        Origin::new(self.https_only, headers.get(HOST)?.to_str().ok()?)
    }
}
