//! The WASM entry point: it makes the page's island come alive.

// The island is called by name from the page; without this the linker would drop it.
use app as _;

/// Starts Leptos in the browser; the page's script then hydrates each island.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
