//! When a session ends: after some time without a view, and in any case after its lifetime.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Record;

/// The two limits on a session's life (OWASP ASVS 5.0, 7.3.1 and 7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// After how long without a view it ends.
    pub idle: Duration,
    /// After how long it ends, however often it's viewed.
    pub absolute: Duration,
}

impl Lifetime {
    /// Whether the session has ended. Metadata that is missing ends nothing: it is repaired at the next view.
    #[must_use]
    pub fn is_over(&self, record: &Record, now: SystemTime) -> bool {
        let idle_end = record.expires_at;
        let absolute_end = record.created_at.and_then(|created| created.checked_add(self.absolute));
        [idle_end, absolute_end].into_iter().flatten().any(|end| end <= now)
    }

    /// `created_at` and `expires_at` after a view at this time. `created_at` changes only if it's missing
    /// or lies in the future; `expires_at` if it's missing or moves by a worthwhile amount.
    #[must_use]
    pub fn renewed(&self, record: &Record, now: SystemTime) -> (SystemTime, SystemTime) {
        let created = record.created_at.map_or(now, |created| created.min(now));
        let end = (now + self.idle).min(created + self.absolute);
        let expires = match record.expires_at {
            Some(current) if distance(current, end) < self.worthwhile() => current,
            _ => end,
        };
        (created, expires)
    }

    /// The latest time a session of these times can end: its `expires_at` once that is too close to the end of
    /// the lifetime to be moved again.
    #[must_use]
    pub fn last_end(&self, created: SystemTime, expires: SystemTime) -> SystemTime {
        let end = created + self.absolute;
        if distance(expires, end) < self.worthwhile() { expires.min(end) } else { end }
    }

    /// By how much `expires_at` must move to be written: a twentieth of the idle timeout, an hour at most.
    /// So a session may end by that much early, and the store's index of `expires_at` has little to do.
    fn worthwhile(&self) -> Duration {
        (self.idle / 20).min(Duration::from_hours(1))
    }
}

fn distance(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).or_else(|_later| b.duration_since(a)).unwrap_or_default()
}

/// Stores keep microseconds; the engine's times have no more, so that what is read equals what was written.
pub(super) fn to_microseconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::new(since.as_secs(), since.subsec_micros() * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Lifetime = Lifetime { idle: Duration::from_secs(100), absolute: Duration::from_secs(1000) };

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn record(created: Option<u64>, expires: Option<u64>) -> Record {
        Record { created_at: created.map(at), expires_at: expires.map(at), ..Record::default() }
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
    fn a_view_renews_by_worthwhile_amounts_within_the_lifetime() {
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
            let (created_at, expires_at) = LIFETIME.renewed(&record(created, expires), at(now));
            assert_eq!((created_at, expires_at), (at(renewed.0), at(renewed.1)), "{created:?} {expires:?} {now}");
        }
    }

    #[test]
    fn the_last_end_is_where_no_view_moves_it_any_more() {
        for (expires, last) in [(100, 1000), (995, 1000), (996, 996), (1000, 1000), (1004, 1000), (5000, 1000)] {
            assert_eq!(LIFETIME.last_end(at(0), at(expires)), at(last), "{expires}");
            let (_, renewed) = LIFETIME.renewed(&record(Some(0), Some(last)), at(last - 1));
            assert_eq!(renewed, at(last), "{expires}: and no later");
        }
    }
}
