//! The one part of the page that lives in the browser: the greeting, the count and the refresh.
#![expect(clippy::must_use_candidate, reason = "the macro makes a second function, which nobody calls")]

use leptos::prelude::*;

use crate::{
    api::{ApiError, refresh},
    greeting::Greeting,
    view::View,
};

/// Shows the view and refreshes it without a page load.
///
/// It has no properties: on the server it takes the view from the context, in the browser from the page
/// that the server rendered. Until it's alive the control is a plain link to the page, which counts the same.
#[island]
pub fn Counter() -> impl IntoView {
    let view = RwSignal::new(initial());
    let busy = RwSignal::new(false);
    let message = RwSignal::new("");

    let on_refresh = move |click: leptos::ev::MouseEvent| {
        // A click that opens a new tab or window stays what it is.
        if click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key() {
            return;
        }
        click.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            match refresh().await {
                Ok(fresh) => {
                    message.set("");
                    view.set(fresh);
                }
                Err(error) => message.set(explain(error)),
            }
            busy.set(false);
        });
    };

    view! {
        <section id="counter" aria-busy=move || busy.get().to_string()>
            <h1 id="greeting" lang=move || view.with(|view| view.greeting.language().unwrap_or(""))>
                {move || view.with(|view| view.greeting.text().to_owned())}
            </h1>
            <p id="sentence" aria-live="polite">{move || view.with(View::sentence)}</p>
            <p class="controls">
                <a id="refresh" class="button" href="/" on:click=on_refresh>"Refresh"</a>
            </p>
            <p id="message" role="status">{move || message.get()}</p>
        </section>
    }
}

fn explain(error: ApiError) -> &'static str {
    match error {
        ApiError::Unavailable => "The count can't be reached just now. Nothing is lost; try again in a moment.",
        ApiError::TooMany => "Too many new visitors came from your network. Try again in a minute.",
        ApiError::Unreachable => "There is no connection. Check it and try again.",
        ApiError::UnknownGreeting | ApiError::BadRequest => "That did not work. Load the page again.",
    }
}

/// The view that was counted when the page was loaded.
#[cfg(feature = "ssr")]
fn initial() -> View {
    use_context().unwrap_or_else(unknown)
}

/// The view that the server rendered, read from the page.
#[cfg(not(feature = "ssr"))]
fn initial() -> View {
    let text = |id| document().get_element_by_id(id).and_then(|element| element.text_content());
    let views = text("sentence").and_then(|sentence| sentence.split(' ').next()?.parse().ok());
    let greeting = text("greeting").and_then(Greeting::stored);
    match (views, greeting) {
        (Some(views), Some(greeting)) => View { views, greeting },
        _ => unknown(),
    }
}

fn unknown() -> View {
    View { views: 0, greeting: Greeting::first() }
}
