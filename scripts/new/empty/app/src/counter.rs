//! The count: an island that counts again without a page load.
#![expect(clippy::must_use_candidate, reason = "the macro makes a second function, which nobody calls")]

use leptos::{ev::MouseEvent, prelude::*, task::spawn_local};

use crate::{
    island_state::{self, StateId},
    server_fns::{CounterView, refresh},
};

/// The island's first state: what was counted for this page, or `None` if the browser loaded it ahead of time.
pub(crate) const STATE: StateId = StateId("counter-state");

/// Shows the count. Until it is alive its link works by itself, and does the same.
#[island]
pub fn Counter() -> impl IntoView {
    let counter = RwSignal::new(island_state::initial::<Option<CounterView>>(STATE).flatten());
    let message = RwSignal::new("");
    let on_click = move |click: MouseEvent| {
        // A click that opens a new tab or window stays what it is.
        if click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key() {
            return;
        }
        click.prevent_default();
        message.set("");
        spawn_local(async move {
            let before = counter.get_untracked();
            match refresh().await {
                // Of two responses the older one may come last. If none came in between, this one is right.
                Ok(view) => counter.update(|counter| {
                    if *counter == before || counter.as_ref().is_none_or(|shown| shown.views < view.views) {
                        *counter = Some(view);
                    }
                }),
                Err(error) => message.set(error.message()),
            }
        });
    };
    view! {
        <section id="counter">
            <p id="sentence" aria-live="polite">
                {move || counter.with(|counter| match counter {
                    Some(counter) => format!("{} views", counter.views),
                    None => "not counted yet".to_owned(),
                })}
            </p>
            <p class="controls"><a id="refresh" class="button" href="/" on:click=on_click>"Refresh"</a></p>
            <p id="message" role="status">{move || message.get()}</p>
        </section>
    }
}
