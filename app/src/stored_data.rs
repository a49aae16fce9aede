//! What is stored about a visitor: the island that shows it, and keeps it right while other tabs count.
#![expect(clippy::must_use_candidate, reason = "the macro makes a second function, which nobody calls")]

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::island_state::{self, StateId};

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod browser;
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
use browser as platform;
#[cfg(feature = "ssr")]
mod platform {
    //! On the server an island is rendered, and nothing happens to it.

    pub(super) fn start(_: super::Stored) {}
}

/// The island's first state, a list of [`StoredField`]s.
pub(crate) const STATE: StateId = StateId("stored-data-state");

/// Something that is stored, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredField {
    /// What it is.
    pub name: String,
    /// What is stored of it.
    pub value: String,
}

/// What the island shows.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    fields: RwSignal<Vec<StoredField>>,
    message: RwSignal<&'static str>,
}

/// Shows what is stored, and takes over the form that corrects it.
#[island]
pub fn StoredData() -> impl IntoView {
    let fields = island_state::initial(STATE).unwrap_or_default();
    let stored = Stored { fields: RwSignal::new(fields), message: RwSignal::new("") };
    platform::start(stored);
    let rows = move || {
        let row = |StoredField { name, value }| view! { <div><dt>{name}</dt><dd>{value}</dd></div> };
        stored.fields.get().into_iter().map(row).collect_view()
    };
    view! {
        <dl id="stored" aria-live="polite">{rows}</dl>
        <p id="message" role="status">{move || stored.message.get()}</p>
    }
}
