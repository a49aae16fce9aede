//! The one part of the page that lives in the browser: the greeting, the count, and what a visitor can do.
#![expect(clippy::must_use_candidate, reason = "the macro makes a second function, which nobody calls")]

use leptos::{ev::MouseEvent, prelude::*};

use crate::state::{Known, State};

/// Shows the session, and refreshes, changes and forgets it without a page load.
///
/// It has no properties: on the server it takes the view from the context, in the browser from the page that
/// the server rendered. Until it's alive its link and the forms beside it work by themselves, and do the same.
/// What need not change is not in here, since each element that it made itself would be WASM to load.
#[island]
pub fn Counter() -> impl IntoView {
    let state = State::start();
    // One type for all texts and one for all attributes: the compiler makes code for each type, not each use.
    let text = |of: fn(&Known) -> String| move || state.known.with(of);
    let attribute = |of: fn(&Known) -> Option<&'static str>| move || state.known.with(of);

    let refresh = move |click: MouseEvent| {
        // A click that opens a new tab or window stays what it is, and so does one that starts anew.
        let elsewhere = click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key();
        if !elsewhere && !state.is_gone() {
            click.prevent_default();
            state.refresh();
        }
    };

    view! {
        <section id="counter" aria-busy=attribute(|known| known.busy)>
            <h1 id="greeting" lang=attribute(|known| Some(known.shown.headline().1))>
                {text(|known| known.shown.headline().0.to_owned())}
            </h1>
            <p id="sentence" aria-live="polite">{text(|known| known.shown.sentence())}</p>
            <p class="controls">
                <a id="refresh" class="button" href="/" on:click=refresh>
                    {text(|known| known.shown.invitation().to_owned())}
                </a>
            </p>
            <p id="message" role="status">{text(|known| known.message.to_owned())}</p>
        </section>
    }
}
