//! Where a session is kept, since when and until when: what the page says of it.

use std::time::SystemTime;

use jiff::{Timestamp, tz::TimeZone};
use leptos::prelude::*;

/// Where and how long a session is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The store, in a word or two.
    pub store: &'static str,
    /// When the session began.
    pub since: SystemTime,
    /// When it ends.
    pub until: SystemTime,
    /// Whether it ends then even if the visitor returns before.
    pub in_any_case: bool,
}

/// The sentence that says so.
pub(crate) fn kept(Kept { store, since, until, in_any_case }: Kept) -> impl IntoView {
    let unless = if in_any_case { ", whether or not you return." } else { " unless you return." };
    view! {
        <p id="kept">
            {format!("Kept in {store} since ")} {day(since)} ", until " {day(until)} {unless}
        </p>
    }
}

/// A day of UTC, as people write it and as machines do.
fn day(time: SystemTime) -> impl IntoView {
    let time = Timestamp::try_from(time).unwrap_or_default();
    let day = time.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string();
    view! { <time datetime=format!("{time:.0}")>{day}</time> }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_says_where_and_for_how_long() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_300_000);
        let until = since + Duration::from_secs(14 * 24 * 60 * 60);
        let html =
            |in_any_case| Owner::new().with(|| kept(Kept { store: "SQLite", since, until, in_any_case }).to_html());
        assert!(html(false).contains("</time> unless you return."), "{}", html(false));
        assert!(html(true).contains("</time>, whether or not you return."), "{}", html(true));
        let html = html(false);
        assert!(html.contains("<time datetime=\"2026-11-21T22:26:40Z\">21 November 2026</time>"), "{html}");
        assert!(html.contains("<time datetime=\"2026-12-05T22:26:40Z\">5 December 2026</time>"), "{html}");
    }
}
