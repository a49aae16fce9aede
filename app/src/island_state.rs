//! How an island gets its first state: from an attribute that the server makes for it, in JSON.
//!
//! Island props would do the same, with `serde_json` in the WASM: 21 kB. Nothing is ever read from the
//! text of a page, which a translation may change before the island is alive.

use serde::de::DeserializeOwned;

/// The name of an island's state, which is the `id` of its element as well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateId(pub(crate) &'static str);

/// Gives the island that is rendered next its state, here and in the browser.
#[cfg(feature = "ssr")]
pub(crate) fn provide<T>(StateId(id): StateId, state: T) -> impl leptos::prelude::IntoView + use<T>
where
    T: serde::Serialize + Clone + Send + Sync + 'static,
{
    use leptos::prelude::*;

    // A state that has no JSON is missing in the browser, as any that can't be read there.
    let json = serde_json::to_string(&state).unwrap_or_default();
    provide_context(state);
    view! { <data id=id hidden data-state=json></data> }
}

/// The state that was provided; `None` if the page has none, or none that can be read.
#[cfg(feature = "ssr")]
pub(crate) fn initial<T: DeserializeOwned + Clone + Send + Sync + 'static>(_: StateId) -> Option<T> {
    leptos::prelude::use_context()
}

/// The state that was provided; `None` if the page has none, or none that can be read.
#[cfg(not(feature = "ssr"))]
pub(crate) fn initial<T: DeserializeOwned>(StateId(id): StateId) -> Option<T> {
    let json = leptos::prelude::document().get_element_by_id(id)?.get_attribute("data-state")?;
    crate::protocol::from_json(&json)
}
