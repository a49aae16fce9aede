//! The greeting and the count: the island that shows a session, and refreshes, changes and ends it without a page load.
#![expect(clippy::must_use_candidate, reason = "the macro makes a second function, which nobody calls")]

mod controller;

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod browser;
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
use browser as platform;
#[cfg(feature = "ssr")]
mod platform {
    //! On the server an island is rendered, and nothing happens to it.

    use crate::counter_state::CounterState;

    pub(super) fn start(_: super::controller::Controller) {}

    pub(super) fn broadcast(_: &CounterState) {}

    pub(super) fn spawn(_: impl Future<Output = ()>) {}

    pub(super) fn show_in_forms(_: &CounterState, _: bool) {}
}

use leptos::{ev::MouseEvent, prelude::*};

use self::controller::{Action, Controller, UiState};
use crate::island_state::StateId;

/// The island's first state: the view that was counted for this page, or `None` if the browser loaded it ahead of time.
pub(crate) const STATE: StateId = StateId("counter-state");

/// Shows the session. Until it is alive its link and the forms beside it work by themselves, and do the same.
///
/// What never changes is not in here, since each element that it made itself would be WASM to load.
#[island]
pub fn Counter() -> impl IntoView {
    let controller = Controller::start();
    // One type for all texts and one for all attributes: the compiler makes code for each type, not each use.
    let text = |of: fn(&UiState) -> String| move || controller.ui.with(of);
    let attribute = |of: fn(&UiState) -> Option<&'static str>| move || controller.ui.with(of);

    let on_click = move |click: MouseEvent| {
        // A click that opens a new tab or window stays what it is, and so does one that starts over.
        let elsewhere = click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key();
        if !elsewhere && !controller.has_ended() {
            click.prevent_default();
            controller.dispatch(Action::Refresh);
        }
    };

    view! {
        <section id="counter" aria-busy=attribute(|ui| ui.busy)>
            <h1 id="greeting" lang=attribute(|ui| Some(ui.counter.headline().1))>
                {text(|ui| ui.counter.headline().0.to_owned())}
            </h1>
            <p id="sentence" aria-live="polite">{text(|ui| ui.counter.sentence())}</p>
            <p class="controls">
                <a id="refresh" class="button" href="/" on:click=on_click>
                    {text(|ui| ui.counter.link_text().to_owned())}
                </a>
            </p>
            <p id="message" role="status">{text(|ui| ui.message.to_owned())}</p>
        </section>
    }
}
