//! Which sessions are meant.

use std::time::SystemTime;

use crate::Record;

/// What can be said of a session by its record alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It has not expired.
    Live,
    /// It was given a new id, and this record is of the old one, for the time of the grace.
    Replaced,
    /// Its `expires_at` has passed: no visitor gets it any more, and the record waits to be cleaned up.
    ///
    /// The engine also ends sessions that are older than [`Settings::lifetime`](crate::Settings::lifetime). That
    /// matters to those that were written when it was longer; they count as live here, since a tool that had
    /// another idea of the lifetime than the servers would delete what they still serve.
    Expired,
}

impl State {
    /// The state of a record at this time.
    #[must_use]
    pub fn of(record: &Record, now: SystemTime) -> Self {
        match record {
            Record { expires_at: Some(end), .. } if *end <= now => Self::Expired,
            Record { meta, .. } if meta.replaced.is_some() => Self::Replaced,
            _ => Self::Live,
        }
    }
}

/// Which sessions are meant: those that pass all that is set. The default means every session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those in this state.
    pub state: Option<State>,
    /// Those that began before this time. A session of which nobody knows when it began does not pass.
    pub created_before: Option<SystemTime>,
    /// Those in which this user is signed in.
    pub user: Option<String>,
}

impl Filter {
    /// Whether a record passes at this time.
    #[must_use]
    pub fn passes(&self, record: &Record, now: SystemTime) -> bool {
        self.state.is_none_or(|state| state == State::of(record, now))
            && self.created_before.is_none_or(|end| record.created_at.is_some_and(|created| created < end))
            && self.user.as_deref().is_none_or(|user| record.meta.user() == Some(user))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::{
        record::{Meta, Replaced},
        testing::contract::fresh_key,
    };

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    #[test]
    fn the_state_follows_from_the_end_and_the_new_id() {
        for (expires, rotated, state) in [
            (Some(11), false, State::Live),
            (Some(10), false, State::Expired),
            (None, false, State::Live),
            (Some(11), true, State::Replaced),
            (Some(10), true, State::Expired),
            (None, true, State::Replaced),
        ] {
            let replaced = rotated.then(|| Replaced::By(fresh_key()));
            let meta = Meta { replaced, ..Meta::default() };
            let record = Record { expires_at: expires.map(at), meta, ..Record::default() };
            assert_eq!(State::of(&record, at(10)), state, "{record:?}");
        }
    }

    #[test]
    fn what_passes_passes_all_that_is_set() {
        let old = Filter { created_before: Some(at(5)), ..Filter::default() };
        let old_and_live = Filter { state: Some(State::Live), ..old.clone() };
        for (created, expires, passes) in [
            (Some(4), Some(11), [true, true, true]),
            (Some(4), Some(9), [true, true, false]),
            (Some(5), Some(11), [true, false, false]),
            (None, Some(11), [true, false, false]),
        ] {
            let record = Record { created_at: created.map(at), expires_at: expires.map(at), ..Record::default() };
            let passed = [&Filter::default(), &old, &old_and_live].map(|filter| filter.passes(&record, at(10)));
            assert_eq!(passed, passes, "{record:?}");
        }
    }
}
