//! Times and versions as Firestore's timestamps, and back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use firestore::gcloud_sdk::prost_types::Timestamp;

use super::Version;

pub(super) fn to_timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Firestore keeps microseconds.
    let nanos = i32::try_from(since.subsec_micros()).unwrap_or(0) * 1000;
    Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanos }
}

/// `None` for times before 1970, at which no session began.
pub(super) fn from_timestamp(time: &Timestamp) -> Option<SystemTime> {
    let since = Duration::new(u64::try_from(time.seconds).ok()?, u32::try_from(time.nanos).ok()?);
    UNIX_EPOCH.checked_add(since)
}

/// A document's version is its `update_time`, in nanoseconds.
pub(super) fn version_of(updated: &Timestamp) -> Version {
    Version(i128::from(updated.seconds) * 1_000_000_000 + i128::from(updated.nanos))
}

pub(super) fn update_time_of(version: Version) -> Timestamp {
    let seconds = i64::try_from(version.0.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
    let nanos = i32::try_from(version.0.rem_euclid(1_000_000_000)).unwrap_or(0);
    Timestamp { seconds, nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_versions_survive() {
        let time = UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_001);
        assert_eq!(from_timestamp(&to_timestamp(time)), Some(time));
        assert_eq!(from_timestamp(&Timestamp { seconds: -1, nanos: 0 }), None);
        for version in [Version(0), Version(-1), Version(1_800_000_000_000_000_001)] {
            assert_eq!(version_of(&update_time_of(version)), version);
        }
    }
}
