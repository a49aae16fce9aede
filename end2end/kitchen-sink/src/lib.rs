//! All that Leptos offers to islands, on one page: props, nested islands, resources, actions and the default codecs.
#![expect(clippy::must_use_candidate, reason = "the macro makes a second function, which nobody calls")]

pub mod islands;
pub mod server_fns;

/// Starts Leptos in the browser, as our own page does.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    app::hydrate();
}
