//! The WASM entry point: it makes the page's island come alive.

/// Starts Leptos in the browser; the page's script then hydrates each island, and calls this again after one has failed.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    app::hydrate();
}
