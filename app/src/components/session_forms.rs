//! The forms: what a visitor can do to the session, and what there is to know of it first. They need no script;
//! where there is one, the island takes their clicks.

use leptos::prelude::*;

use super::session_info::{SessionInfo, session_info};
use crate::greeting::GREETINGS;

/// Both forms; there's nothing to change as long as no view was counted.
pub(crate) fn session_forms(greeting: Option<&str>, info: Option<SessionInfo>) -> impl IntoView + use<> {
    view! {
        <div id="session" hidden=greeting.is_none()>
            {choose(greeting)} {forget(info)}
        </div>
    }
}

/// The greetings to choose from.
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
fn forget(info: Option<SessionInfo>) -> impl IntoView {
    view! {
        <form id="forget" method="post" action="/api/forget">
            <h2>"Your session"</h2>
            {info.map(session_info)}
            <p>"Forgetting deletes it, count and greeting, and removes its cookie."</p>
            <button>"Forget me"</button>
            <a class="link" href="/session">"See what is stored"</a>
        </form>
    }
}
