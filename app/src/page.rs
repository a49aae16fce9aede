//! The pages, as the server renders them: each a function of what it shows.

use leptos::prelude::*;

use crate::{
    api::ApiError,
    greeting::GREETINGS,
    island::Counter,
    shell::{Assets, Document, document},
    view::View,
};

/// The page of a visitor's count.
#[must_use]
pub fn home(assets: &Assets, view: View) -> Document {
    document("Hello, again", assets, || {
        let current = view.greeting.text().to_owned();
        // The island has no properties, see there.
        provide_context(view);
        view! { <Counter/> <Choice current=current/> <Forgetting/> }
    })
}

/// What a visitor sees whose browser loaded the page ahead of time. It counts when it is looked at.
#[must_use]
pub fn not_counted(assets: &Assets) -> Document {
    document("Hello, again", assets, || {
        view! {
            <section>
                <h1>"Welcome"</h1>
                <p>"This page was loaded ahead of time and is not counted yet."</p>
                <p class="controls"><a class="button" href="/">"Show my count"</a></p>
            </section>
        }
    })
}

/// What a visitor sees whose view could not be counted.
#[must_use]
pub fn failed(assets: &Assets, error: ApiError) -> Document {
    let why = match error {
        ApiError::TooMany => "Many new visitors came from your network in the last minute. Try again in a moment.",
        _ => "Your count can't be reached just now. Nothing is lost: it goes on where it was.",
    };
    document("One moment", assets, || {
        view! {
            <section>
                <h1>"One moment"</h1>
                <p>{why}</p>
                <p class="controls"><a class="button" href="/">"Try again"</a></p>
            </section>
        }
    })
}

/// What a visitor sees at an address where nothing is.
#[must_use]
pub fn not_found(assets: &Assets) -> Document {
    document("Nothing here", assets, || {
        view! {
            <section>
                <h1>"Nothing here"</h1>
                <p>"There is no page at this address."</p>
                <p class="controls"><a class="button" href="/">"To the greeting"</a></p>
            </section>
        }
    })
}

/// The five greetings to choose from: a form, so it needs no script.
#[component]
fn Choice(current: String) -> impl IntoView {
    let buttons = GREETINGS.map(|(text, language)| {
        let chosen = text == current;
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

#[component]
fn Forgetting() -> impl IntoView {
    view! {
        <form id="forget" method="post" action="/api/forget">
            <p>
                "Forgetting deletes your session, count and greeting, and removes the cookie. The next view starts at 1."
            </p>
            <button>"Forget me"</button>
        </form>
    }
}
