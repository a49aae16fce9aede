//! The pages, as the server renders them: each a function of what it shows.

use leptos::prelude::*;

use crate::{
    api::ApiError,
    forms,
    island::Counter,
    kept::Kept,
    shell::{Document, Surroundings, alive, still},
    view::View,
};

/// The page of a visitor's count.
#[must_use]
pub fn home(around: &Surroundings, view: View, where_it_is: Kept) -> Document {
    greeting(around, Some(view), Some(where_it_is))
}

/// What a visitor sees whose browser loaded the page ahead of time. It counts when it is looked at: by itself
/// where there's JavaScript, by its link elsewhere.
#[must_use]
pub fn not_counted(around: &Surroundings) -> Document {
    greeting(around, None, None)
}

fn greeting(around: &Surroundings, view: Option<View>, where_it_is: Option<Kept>) -> Document {
    alive("Hello, again", around, || {
        let forms = forms::forms(view.as_ref().map(|view| view.greeting.text()), where_it_is);
        // The island has no properties, see there.
        provide_context(view);
        view! {
            <Counter/>
            {forms}
        }
    })
}

/// What a visitor sees whose view could not be counted.
#[must_use]
pub fn failed(around: &Surroundings, error: ApiError) -> Document {
    let why = match error {
        ApiError::TooMany => "Many new visitors came from your network in the last minute. Try again in a moment.",
        _ => "Your count can’t be reached just now. Nothing is lost: it goes on where it was.",
    };
    notice("One moment", why, "Try again", around)
}

/// What a visitor sees at an address where nothing is.
#[must_use]
pub fn not_found(around: &Surroundings) -> Document {
    notice("Nothing here", "There is no page at this address.", "To the greeting", around)
}

fn notice(headline: &'static str, why: &'static str, invitation: &'static str, around: &Surroundings) -> Document {
    still(headline, around, || {
        view! {
            <section>
                <h1>{headline}</h1>
                <p id="sentence">{why}</p>
                <p class="controls"><a class="button" href="/">{invitation}</a></p>
            </section>
        }
    })
}
