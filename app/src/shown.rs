//! What the page shows of a session, in words.

use crate::view::View;

/// What there is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The browser loaded the page before anybody looked at it: no view is counted yet.
    Ahead,
    /// A view was counted.
    View(View),
    /// The session was forgotten.
    Gone,
}

impl Shown {
    /// The large line, and the language it's in as far as that's known.
    #[must_use]
    pub fn headline(&self) -> (&str, &'static str) {
        match self {
            Self::Ahead => ("Welcome", "en"),
            Self::View(view) => (view.greeting.text(), view.greeting.language().unwrap_or("")),
            Self::Gone => ("Forgotten", "en"),
        }
    }

    /// The line below.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Ahead => "This page was loaded ahead of time and is not counted yet.".to_owned(),
            Self::View(view) => view.sentence(),
            Self::Gone => "Your session is deleted, and its cookie is gone.".to_owned(),
        }
    }

    /// What the link says, which always leads to the page anew.
    #[must_use]
    pub fn invitation(&self) -> &'static str {
        match self {
            Self::Ahead => "Show my count",
            Self::View(_) => "Refresh",
            Self::Gone => "Start again",
        }
    }

    /// The text of the greeting, if there's one.
    #[must_use]
    pub fn greeting(&self) -> Option<&str> {
        match self {
            Self::View(view) => Some(view.greeting.text()),
            Self::Ahead | Self::Gone => None,
        }
    }

    /// How many views were counted.
    #[must_use]
    pub fn views(&self) -> u64 {
        match self {
            Self::View(view) => view.views,
            Self::Ahead | Self::Gone => 0,
        }
    }

    /// Whether news of the same session are newer than this. Answers overtake one another, but a count only
    /// ever grows; a count of 1, or of 0, is a session that began after this one ended.
    #[must_use]
    pub fn is_older_than(&self, news: &Self) -> bool {
        match (self, news) {
            (_, Self::Gone | Self::View(View { views: 0 | 1, .. })) | (Self::Ahead, _) => true,
            (Self::View(shown), Self::View(news)) => shown.views <= news.views,
            (Self::Gone, Self::View(_)) | (_, Self::Ahead) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::greeting::Greeting;

    fn view(views: u64) -> Shown {
        Shown::View(View { views, greeting: Greeting::first() })
    }

    #[test]
    fn news_replace_what_is_older() {
        for (shown, news) in [
            (view(5), view(6)),
            (view(5), view(5)),
            (view(5), Shown::Gone),
            (view(5), view(1)),
            (view(5), view(0)),
            (Shown::Gone, view(1)),
            (Shown::Ahead, view(5)),
        ] {
            assert!(shown.is_older_than(&news), "{shown:?} {news:?}");
        }
    }

    #[test]
    fn what_comes_late_replaces_nothing() {
        assert!(!view(6).is_older_than(&view(5)), "an answer that was overtaken");
        assert!(!Shown::Gone.is_older_than(&view(6)), "an answer from before the session was forgotten");
    }
}
