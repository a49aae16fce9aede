//! All that Leptos offers to islands, on one page: props, nested islands, resources, actions and the default codecs.
#![expect(clippy::must_use_candidate, reason = "the macro makes a second function, which nobody calls")]

pub mod islands;
pub mod server_fns;

#[cfg(feature = "hydrate")]
use app as _;

/// Starts Leptos in the browser; the page's script then hydrates each island.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
