//! What the counter shows of a session, in words.

use serde::{Deserialize, Serialize};

use crate::greeting::Greeting;

/// The count and the greeting of one visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterView {
    /// How often this visitor has viewed the page, this time included.
    pub views: u64,
    /// What the visitor is greeted with.
    pub greeting: Greeting,
}

/// What there is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CounterState {
    /// A view was counted.
    Counted(CounterView),
    /// The browser loaded the page before anybody looked at it: no view is counted yet.
    NotCounted,
    /// The session was deleted.
    Ended,
    /// The island could not read its state. The page shows what the server wrote.
    Unknown,
}

impl CounterState {
    /// The large line, and the language it's in as far as that's known.
    #[must_use]
    pub fn headline(&self) -> (&str, &'static str) {
        match self {
            Self::Counted(view) => (view.greeting.text(), view.greeting.language().unwrap_or("")),
            Self::NotCounted => ("Welcome", "en"),
            Self::Ended => ("Forgotten", "en"),
            Self::Unknown => ("", ""),
        }
    }

    /// The line below. Google's own tests of the tutorial look for `N views for "Greeting"`, "1 views" too.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Counted(CounterView { views, greeting }) => format!("{views} views for \"{}\"", greeting.text()),
            Self::NotCounted => "This page was loaded ahead of time and is not counted yet.".to_owned(),
            Self::Ended => "Your session is deleted, and its cookie is gone.".to_owned(),
            Self::Unknown => String::new(),
        }
    }

    /// The text of the link, which always leads to the page.
    #[must_use]
    pub fn link_text(&self) -> &'static str {
        match self {
            Self::Counted(_) | Self::Unknown => "Refresh",
            Self::NotCounted => "Show my count",
            Self::Ended => "Start again",
        }
    }

    /// The text of the greeting, if there's one.
    #[must_use]
    pub fn greeting(&self) -> Option<&str> {
        match self {
            Self::Counted(view) => Some(view.greeting.text()),
            Self::NotCounted | Self::Ended | Self::Unknown => None,
        }
    }

    /// How many views were counted.
    #[must_use]
    pub fn views(&self) -> u64 {
        match self {
            Self::Counted(view) => view.views,
            Self::NotCounted | Self::Ended | Self::Unknown => 0,
        }
    }

    /// Whether a new state of the same session replaces this one. Responses overtake one another, but a count only ever
    /// grows; a count of 1, or of 0, is a session that began after this one ended.
    #[must_use]
    pub fn is_older_than(&self, new: &Self) -> bool {
        match (self, new) {
            (_, Self::NotCounted | Self::Unknown) => false,
            (Self::NotCounted | Self::Unknown, _)
            | (_, Self::Ended | Self::Counted(CounterView { views: 0 | 1, .. })) => true,
            (Self::Counted(shown), Self::Counted(new)) => shown.views <= new.views,
            (Self::Ended, Self::Counted(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(views: u64) -> CounterState {
        CounterState::Counted(CounterView { views, greeting: Greeting::first() })
    }

    #[test]
    fn what_is_newer_replaces_what_is_older() {
        for (shown, new) in [
            (counted(5), counted(6)),
            (counted(5), counted(5)),
            (counted(5), CounterState::Ended),
            (counted(5), counted(1)),
            (counted(5), counted(0)),
            (CounterState::Ended, counted(1)),
            (CounterState::NotCounted, counted(5)),
            (CounterState::Unknown, counted(5)),
        ] {
            assert!(shown.is_older_than(&new), "{shown:?} {new:?}");
        }
    }

    #[test]
    fn what_comes_late_replaces_nothing() {
        assert!(!counted(6).is_older_than(&counted(5)), "a response that was overtaken");
        assert!(!CounterState::Ended.is_older_than(&counted(6)), "a response from before the session ended");
        assert!(!counted(6).is_older_than(&CounterState::Unknown));
    }
}
