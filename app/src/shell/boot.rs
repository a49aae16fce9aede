//! The script that loads the WASM and brings the islands to life.
//!
//! It walks the page as Leptos' own does (`island_script.js`): outer islands before those within, and the context of an
//! island is there for the islands among its children. It differs in three things: it says on the `html` element how it
//! went (`data-hydrated` is `true` or `failed`), an island that fails leaves the others alive, and Leptos' lists of
//! resources are there on a page that has none.
//!
//! A panic leaves Leptos in the middle of the island, in which no other one comes alive: `hydrate` is called again after
//! it (`hydrate.rs`).
//!
//! A browser that lacks what the islands call, `AbortSignal.timeout`, gets none of them: links and forms do the same there.
//!
//! It is written without spaces, since it is part of each page: `s` is the state on the `html` element, `n` a node.

/// The script for these paths of the JavaScript and the WASM.
pub(super) fn script(js: &str, wasm: &str) -> String {
    let script = include_str!("boot.js").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    script.replace("JS", &format!("{js:?}")).replace("WASM", &format!("{wasm:?}"))
}
