//! What the island knows: what it shows, whether it waits for the server, and what to tell the visitor.

use std::{future::Future, pin::Pin};

use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::{self, ApiError},
    shown::Shown,
    view::View,
};

#[cfg(not(feature = "ssr"))]
#[path = "state/browser.rs"]
mod side;
#[cfg(feature = "ssr")]
#[path = "state/server.rs"]
mod side;

/// A question to the server: its answer is a view, or that there's no session any more.
type Question = Pin<Box<dyn Future<Output = Result<Option<View>, ApiError>>>>;

/// What the island shows and says.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) shown: Shown,
    /// The value of `aria-busy`; none until the first question is asked.
    pub(crate) busy: Option<&'static str>,
    pub(crate) message: &'static str,
}

/// The island's state, copied freely.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) known: RwSignal<Known>,
}

impl State {
    /// The state at first; in the browser it also listens to what happens elsewhere from now on.
    pub(crate) fn start() -> Self {
        let state = Self { known: RwSignal::new(Known { shown: side::initial(), busy: None, message: "" }) };
        side::listen(state);
        state
    }

    pub(crate) fn is_gone(self) -> bool {
        self.known.with_untracked(|known| known.shown == Shown::Gone)
    }

    /// Counts a view.
    pub(crate) fn refresh(self) {
        self.ask(Box::pin(async { api::refresh().await.map(Some) }));
    }

    /// Asks the server, one question at a time: a second click while the first waits does nothing.
    fn ask(self, question: Question) {
        let Known { shown: before, busy, .. } = self.known.get_untracked();
        if busy == Some("true") {
            return;
        }
        self.known.update(|known| known.busy = Some("true"));
        spawn_local(async move {
            let answer = question.await.map(|answer| answer.map_or(Shown::Gone, Shown::View));
            if let Ok(news) = &answer {
                side::tell(news);
            }
            self.known.update(|known| {
                known.busy = Some("false");
                known.message = answer.as_ref().err().map_or("", |error| explain(*error));
                if let Ok(news) = answer {
                    known.learn(news, Some(&before));
                }
            });
        });
    }
}

impl Known {
    /// Takes up news. An answer is right whatever it says, if this is still what was shown `before` the
    /// question; else something was heard in between, and the newer of the two is right.
    fn learn(&mut self, news: Shown, before: Option<&Shown>) {
        if before == Some(&self.shown) || self.shown.is_older_than(&news) {
            // A count never falls: one that does is another session's, or none's.
            side::mark(&news, news.views() < self.shown.views());
            self.shown = news;
        }
    }
}

/// What happened, and what to do.
fn explain(error: ApiError) -> &'static str {
    match error {
        ApiError::Unavailable => "Your session can’t be reached. Nothing is lost: try again.",
        ApiError::TooMany => "Too many new visitors just now. Try again in a minute.",
        ApiError::Unreachable => "There is no connection. Check it and try again.",
        ApiError::UnknownGreeting | ApiError::BadRequest => "That did not work. Load the page again.",
    }
}
