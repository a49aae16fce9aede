//! When a session ends: after some time without activity, and in any case after its lifetime.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Record, Settings, record::later};

/// The limits on a session's life (OWASP ASVS 5.0, 7.3.1 and 7.3.2). A session may have narrower ones of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    idle: Duration,
    absolute: Duration,
    /// Until a session is used again for the first time.
    first: Option<Duration>,
}

/// The times of a session after it was active.
#[expect(clippy::struct_field_names, reason = "they are called so in the record")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) created_at: SystemTime,
    pub(crate) expires_at: SystemTime,
    pub(crate) seen_at: Option<SystemTime>,
}

impl Lifetime {
    pub(crate) fn new(settings: &Settings) -> Self {
        let Settings { idle_timeout, lifetime, first_timeout, .. } = *settings;
        Self { idle: idle_timeout, absolute: lifetime, first: first_timeout.filter(|first| *first < idle_timeout) }
    }

    /// The limits for this session.
    fn of(self, record: &Record) -> Self {
        let terms = record.meta.terms;
        let narrower = |limit: Duration, own: Option<Duration>| own.map_or(limit, |own| own.min(limit));
        Self {
            idle: narrower(self.idle, terms.idle),
            absolute: narrower(self.absolute, terms.lifetime),
            first: self.first,
        }
    }

    /// Whether the session has ended. Times that are missing end nothing: they are repaired at the next change. A
    /// limit that was lowered since the session was last active holds for it, too.
    pub(crate) fn is_over(self, record: &Record, now: SystemTime) -> bool {
        let Self { idle, absolute, .. } = self.of(record);
        let idle_end = record.meta.seen_at.map(|seen| later(seen, idle));
        let absolute_end = record.created_at.map(|created| later(created, absolute));
        [record.expires_at, idle_end, absolute_end].into_iter().flatten().any(|end| end <= now)
    }

    /// The times of a session that begins now.
    pub(crate) fn begun(self, record: &Record, now: SystemTime) -> Times {
        let Self { idle, absolute, first } = self.of(record);
        // A user who has signed in is no crawler.
        let first = first.filter(|_| record.meta.signed_in.is_none());
        let expires_at = later(now, first.unwrap_or(idle).min(absolute));
        Times { created_at: now, expires_at, seen_at: Some(now) }
    }

    /// The times after activity now. `created_at` changes only if it's missing or lies in the future; the others if
    /// one is missing or `expires_at` moves by a worthwhile amount.
    pub(crate) fn renewed(self, record: &Record, now: SystemTime) -> Times {
        let limits = self.of(record);
        let created_at = record.created_at.map_or(now, |created| created.min(now));
        let end = later(now, limits.idle).min(later(created_at, limits.absolute));
        match record.expires_at {
            Some(current) if distance(current, end) < limits.worthwhile() => {
                Times { created_at, expires_at: current, seen_at: record.meta.seen_at }
            }
            _ => Times { created_at, expires_at: end, seen_at: Some(now) },
        }
    }

    /// The times in a record that the engine has made.
    pub(crate) fn times_of(record: &Record, now: SystemTime) -> Times {
        let Record { created_at, expires_at, ref meta, .. } = *record;
        Times { created_at: created_at.unwrap_or(now), expires_at: expires_at.unwrap_or(now), seen_at: meta.seen_at }
    }

    /// When it was last active, to within the renewal step.
    pub(crate) fn last_seen(self, record: &Record) -> Option<SystemTime> {
        let from_expiry = || record.expires_at?.checked_sub(self.of(record).idle);
        record.meta.seen_at.or_else(from_expiry).or(record.created_at)
    }

    /// The latest time this session can end: its `expires_at` once that is too close to the end of the lifetime to be
    /// moved again.
    pub(crate) fn last_end(self, record: &Record, created_at: SystemTime, expires_at: SystemTime) -> SystemTime {
        let limits = self.of(record);
        let end = later(created_at, limits.absolute);
        if distance(expires_at, end) < limits.worthwhile() { expires_at.min(end) } else { end }
    }

    /// By how much `expires_at` must move to be written: a twentieth of the idle timeout, an hour at most.
    /// So a session may end by that much early, and the store's index of `expires_at` has little to do.
    fn worthwhile(self) -> Duration {
        (self.idle / 20).min(Duration::from_hours(1))
    }
}

impl Times {
    pub(crate) fn set(self, record: &mut Record) {
        record.created_at = Some(self.created_at);
        record.expires_at = Some(self.expires_at);
        record.meta.seen_at = self.seen_at;
    }
}

fn distance(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).or_else(|_later| b.duration_since(a)).unwrap_or_default()
}

/// Stores keep microseconds; the engine's times have no more, so that what is read equals what was written.
pub(crate) fn to_microseconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::new(since.as_secs(), since.subsec_micros() * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Meta, Terms};

    const LIFETIME: Lifetime =
        Lifetime { idle: Duration::from_secs(100), absolute: Duration::from_secs(1000), first: None };

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn record(created: Option<u64>, expires: Option<u64>) -> Record {
        Record { created_at: created.map(at), expires_at: expires.map(at), ..Record::default() }
    }

    fn with_terms(record: Record, idle: u64, lifetime: u64) -> Record {
        let terms = Terms {
            idle: Some(Duration::from_secs(idle)),
            lifetime: Some(Duration::from_secs(lifetime)),
            ..Terms::default()
        };
        Record { meta: Meta { terms, ..record.meta }, ..record }
    }

    #[test]
    fn either_limit_ends_a_session() {
        for (created, expires, now, over) in [
            (Some(0), Some(100), 99, false),
            (Some(0), Some(100), 100, true),
            (Some(0), Some(5000), 999, false),
            (Some(0), Some(5000), 1000, true),
            (None, Some(100), 99, false),
            (None, Some(100), 100, true),
            (Some(0), None, 999, false),
            (Some(0), None, 1000, true),
            (None, None, 5000, false),
        ] {
            assert_eq!(LIFETIME.is_over(&record(created, expires), at(now)), over, "{created:?} {expires:?} {now}");
        }
    }

    #[test]
    fn a_lowered_limit_ends_old_sessions() {
        let mut old = record(Some(0), Some(5000));
        old.meta.seen_at = Some(at(200));
        assert!(!LIFETIME.is_over(&old, at(299)));
        assert!(LIFETIME.is_over(&old, at(300)), "idle for longer than is allowed now");
    }

    #[test]
    fn a_session_has_narrower_limits_if_it_wants_and_never_wider_ones() {
        let narrow = |now| LIFETIME.renewed(&with_terms(record(Some(0), None), 10, 50), at(now)).expires_at;
        assert_eq!((narrow(0), narrow(45)), (at(10), at(50)));
        let wide = |now| LIFETIME.renewed(&with_terms(record(Some(0), None), 5000, 5000), at(now)).expires_at;
        assert_eq!((wide(0), wide(950)), (at(100), at(1000)));
        assert!(LIFETIME.is_over(&with_terms(record(Some(0), Some(90)), 10, 50), at(50)));
    }

    #[test]
    fn activity_renews_by_worthwhile_amounts_within_the_lifetime() {
        for (created, expires, now, renewed) in [
            (Some(0), Some(100), 4, (0, 100)),
            (Some(0), Some(100), 5, (0, 105)),
            (Some(0), Some(950), 920, (0, 1000)),
            (Some(0), Some(1000), 980, (0, 1000)),
            (Some(0), Some(5000), 10, (0, 110)),
            (Some(0), None, 10, (0, 110)),
            (None, Some(100), 50, (50, 150)),
            (Some(700), Some(800), 50, (50, 150)),
        ] {
            let times = LIFETIME.renewed(&record(created, expires), at(now));
            let moved = expires.map(at) != Some(times.expires_at);
            assert_eq!(
                (times.created_at, times.expires_at),
                (at(renewed.0), at(renewed.1)),
                "{created:?} {expires:?} {now}"
            );
            assert_eq!(times.seen_at, moved.then_some(at(now)));
        }
    }

    #[test]
    fn a_session_that_is_not_used_again_may_end_early() {
        let first = Lifetime { first: Some(Duration::from_secs(10)), ..LIFETIME };
        let begun = first.begun(&Record::default(), at(0));
        assert_eq!(begun.expires_at, at(10));
        let mut record = Record::default();
        begun.set(&mut record);
        assert!(first.is_over(&record, at(10)));
        assert_eq!(first.renewed(&record, at(1)).expires_at, at(101));
    }

    #[test]
    fn the_last_end_is_where_no_activity_moves_it_any_more() {
        for (expires, last) in [(100, 1000), (995, 1000), (996, 996), (1000, 1000), (1004, 1000), (5000, 1000)] {
            assert_eq!(LIFETIME.last_end(&Record::default(), at(0), at(expires)), at(last), "{expires}");
            let renewed = LIFETIME.renewed(&record(Some(0), Some(last)), at(last - 1));
            assert_eq!(renewed.expires_at, at(last), "{expires}: and no later");
        }
    }

    #[test]
    fn no_limit_is_too_large() {
        let endless = Lifetime { idle: Duration::MAX, absolute: Duration::MAX, first: Some(Duration::MAX) };
        let begun = endless.begun(&Record::default(), at(0));
        let mut record = Record::default();
        begun.set(&mut record);
        assert!(!endless.is_over(&record, at(1_000_000_000)));
        assert_eq!(endless.renewed(&record, at(1)).expires_at, begun.expires_at);
        assert_eq!(endless.last_seen(&record), Some(at(0)));
    }
}
