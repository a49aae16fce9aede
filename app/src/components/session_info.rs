//! Where a session is kept, since when and until when: what the page says of it.

use std::time::SystemTime;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use leptos::prelude::*;

/// Where and how long a session is kept, to the day.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionInfo {
    store: &'static str,
    since: Date,
    until: Date,
    in_any_case: bool,
}

impl SessionInfo {
    /// A session in a store, which has a name of a word or two: from when it began to when it expires unless the
    /// visitor returns, or ends even if so.
    #[must_use]
    pub fn new(store: &'static str, since: SystemTime, expires: SystemTime, ends: SystemTime) -> Self {
        Self { store, since: day(since), until: day(expires.min(ends)), in_any_case: expires >= ends }
    }

    /// From which day on and until which day it is kept, as people write them.
    #[must_use]
    pub fn days(&self) -> (String, String) {
        (in_words(self.since), in_words(self.until))
    }
}

/// Its day in UTC.
fn day(time: SystemTime) -> Date {
    Timestamp::try_from(time).unwrap_or_default().to_zoned(TimeZone::UTC).date()
}

/// The sentence that says so.
pub(crate) fn session_info(SessionInfo { store, since, until, in_any_case }: SessionInfo) -> impl IntoView {
    let unless = if in_any_case { ", whether or not you return." } else { " unless you return." };
    view! {
        <p id="kept">
            {format!("Kept in {store} since ")} {written(since)} ", until " {written(until)} {unless}
        </p>
    }
}

/// A day, as people write it and as machines do.
fn written(day: Date) -> impl IntoView {
    view! { <time datetime=day.to_string()>{in_words(day)}</time> }
}

fn in_words(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_says_where_and_for_how_long() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_300_000);
        let until = since + Duration::from_secs(14 * 24 * 60 * 60);
        let later = until + Duration::from_hours(24);
        for (expires, ends, unless) in [
            (until, later, "</time> unless you return."),
            (until, until, "</time>, whether or not you return."),
            (later, until, "</time>, whether or not you return."),
        ] {
            let html = Owner::new().with(|| session_info(SessionInfo::new("SQLite", since, expires, ends)).to_html());
            assert!(html.contains(unless), "{html}");
            assert!(html.contains("<time datetime=\"2026-11-21\">21 November 2026</time>"), "{html}");
            assert!(html.contains("<time datetime=\"2026-12-05\">5 December 2026</time>"), "{html}");
        }
    }
}
