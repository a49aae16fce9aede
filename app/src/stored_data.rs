//! What is stored about a visitor: a list that the server renders, and the island that keeps it right while other tabs
//! count.
#![expect(clippy::must_use_candidate, reason = "the macro makes a second function, which nobody calls")]

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::server_fns::StoredField;

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod browser;

/// Keeps the list right, and says what went wrong if something does.
///
/// The list itself is outside, and only the texts in it are set: elements that the island made itself would be 3 kB of
/// WASM, which every page loads.
#[island]
pub fn StoredData() -> impl IntoView {
    #[cfg(all(feature = "hydrate", not(feature = "ssr")))]
    browser::start();
    view! { <p id="message" role="status"></p> }
}

/// The list.
#[cfg(feature = "ssr")]
pub(crate) fn stored_fields(fields: Vec<StoredField>) -> impl IntoView {
    let row = |StoredField { name, value }| view! { <div><dt>{name}</dt><dd>{value}</dd></div> };
    view! { <dl id="stored" aria-live="polite">{fields.into_iter().map(row).collect_view()}</dl> }
}
