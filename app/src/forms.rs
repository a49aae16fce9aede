//! The forms: what a visitor can do to the session, and what there is to know of it first. They need no script;
//! where there is one, the island takes their clicks.

use leptos::prelude::*;

use crate::{
    greeting::GREETINGS,
    kept::{Kept, kept},
};

/// Both forms; there's nothing to change as long as no view was counted.
pub(crate) fn forms(greeting: Option<&str>, where_it_is: Option<Kept>) -> impl IntoView + use<> {
    view! {
        <div id="session" hidden=greeting.is_none()>
            {choose(greeting)} {forget(where_it_is)}
        </div>
    }
}

/// The five greetings to choose from.
fn choose(current: Option<&str>) -> impl IntoView + use<> {
    let buttons = GREETINGS.map(|(text, language)| {
        let chosen = current == Some(text);
        view! {
            <button name="greeting" value=text lang=language aria-pressed=chosen.to_string()>
                {text}
            </button>
        }
    });
    view! {
        <form id="choose" method="post" action="/api/greeting">
            <h2>"Greet me with"</h2>
            <div class="choices">{buttons.into_iter().collect_view()}</div>
        </form>
    }
}

/// Where the session is kept, and how to end it.
fn forget(where_it_is: Option<Kept>) -> impl IntoView {
    view! {
        <form id="forget" method="post" action="/api/forget">
            <h2>"Your session"</h2>
            {where_it_is.map(kept)}
            <p>"Forgetting deletes it, count and greeting, and removes its cookie."</p>
            <button>"Forget me"</button>
        </form>
    }
}
