//! What this instance last saw of its sessions. An entry is a guess at what is stored: a write based on
//! it is conditional, so a stale entry costs a retry and never a wrong answer.

use std::{sync::Arc, time::Duration};

use quick_cache::{Weighter, sync::Cache as Bounded};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    SessionKey,
    metrics::{self, Cached},
    store::Stored,
};

/// The last state seen of each session, bounded in bytes; what is too old is not used. It stays until another
/// session takes its place.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: Bounded<SessionKey, (Entry, Instant), ByBytes>,
    age: Duration,
}

/// What an entry with little in it takes: the record, and the maps that its data and others need at least.
const BARE: u64 = 1024;

/// Weighs an entry by about what it takes in memory.
#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<SessionKey, (Entry, Instant)> for ByBytes {
    fn weight(&self, _: &SessionKey, (entry, _): &(Entry, Instant)) -> u64 {
        let data = &entry.stored.record.data;
        BARE + data.iter().map(|(name, value)| name.len() as u64 + size(value)).sum::<u64>()
    }
}

fn size(value: &Value) -> u64 {
    const VALUE: u64 = size_of::<Value>() as u64;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => VALUE,
        Value::String(text) => VALUE + text.len() as u64,
        Value::Array(items) => VALUE + items.iter().map(size).sum::<u64>(),
        // A node of the tree has room for several fields.
        Value::Object(fields) => {
            10 * VALUE + fields.iter().map(|(name, value)| 24 + name.len() as u64 + size(value)).sum::<u64>()
        }
    }
}

/// A state and how much it's worth.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) stored: Arc<Stored>,
    pub(crate) hit_rate: HitRate,
}

impl Cache {
    pub(crate) fn new(bytes: u64, age: Duration) -> Self {
        let entries = usize::try_from(bytes / BARE).unwrap_or(usize::MAX).min(1 << 20);
        Self { entries: Bounded::with_weighter(entries, bytes, ByBytes), age }
    }

    pub(crate) fn get(&self, key: &SessionKey, now: Instant) -> Option<Entry> {
        let (entry, seen) = self.entries.get(key)?;
        (now.saturating_duration_since(seen) < self.age).then_some(entry)
    }

    pub(crate) fn insert(&self, key: SessionKey, stored: Arc<Stored>, hit_rate: HitRate, now: Instant) {
        self.entries.insert(key, (Entry { stored, hit_rate }, now));
    }

    pub(crate) fn remove(&self, key: &SessionKey) {
        self.entries.remove(key);
    }
}

/// How likely it is that this instance was the last to write a session.
///
/// Writing on a guess takes 1 round trip if the guess is right and 3 if it's wrong (a refused write, a
/// read, a write); reading first takes 2. So guessing is worthwhile above an even chance. The chance is a moving
/// average over the last views; the threshold lies well above even, since an average over few views is
/// itself a guess, and under random routing over several instances it must not cross it by luck.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HitRate(f32);

impl HitRate {
    const THRESHOLD: f32 = 0.75;
    const WEIGHT: f32 = 0.125;

    pub(crate) fn is_worthwhile(self) -> bool {
        self.0 >= Self::THRESHOLD
    }

    /// What the last use has shown: whether the entry was what is stored.
    #[must_use]
    pub(crate) fn record(self, right: bool) -> Self {
        let outcome = if right { 1.0 } else { 0.0 };
        Self(self.0 + Self::WEIGHT * (outcome - self.0))
    }

    /// The same of an entry that a write was based on.
    #[must_use]
    pub(crate) fn guessed(self, right: bool) -> Self {
        metrics::cached(if right { Cached::Hit } else { Cached::Stale });
        self.record(right)
    }
}

impl Default for HitRate {
    /// Of a session seen for the first time: one wrong guess is enough to stop guessing.
    fn default() -> Self {
        Self(Self::THRESHOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Record, SessionId, store::Version};

    fn key(seed: u8) -> SessionKey {
        SessionId::from_random_bytes([seed; 16]).key()
    }

    fn stored() -> Arc<Stored> {
        Arc::new(Stored { record: Record::default(), version: Version(1) })
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_there_until_it_is_old_or_removed() {
        let cache = Cache::new(1024 * BARE, Duration::from_secs(60));
        (1..=2).for_each(|seed| cache.insert(key(seed), stored(), HitRate::default(), Instant::now()));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(cache.get(&key(1), Instant::now()).is_some() && cache.get(&key(2), Instant::now()).is_some());
        cache.remove(&key(1));
        assert!(cache.get(&key(1), Instant::now()).is_none() && cache.get(&key(2), Instant::now()).is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(cache.get(&key(2), Instant::now()).is_none());
        cache.insert(key(2), stored(), HitRate::default(), Instant::now());
        assert!(cache.get(&key(2), Instant::now()).is_some(), "seen again");
    }

    #[test]
    fn there_are_no_more_bytes_than_the_capacity() {
        for (capacity, most) in [(0, 0), (1, 0), (1024 * 1024, 1024)] {
            let cache = Cache::new(capacity, Duration::from_secs(60));
            let keys: Vec<_> = (0..4096_u16)
                .map(|n| {
                    SessionId::from_random_bytes([n.to_le_bytes(); 8].concat().try_into().expect("16 bytes")).key()
                })
                .collect();
            for key in &keys {
                cache.insert(*key, stored(), HitRate::default(), Instant::now());
            }
            let there = keys.iter().filter(|key| cache.get(key, Instant::now()).is_some()).count();
            assert!(there <= most && there >= most / 2, "{there} of {capacity} bytes");
        }
    }

    #[test]
    fn large_sessions_take_the_place_of_many() {
        let cache = Cache::new(1024 * 1024, Duration::from_secs(60));
        let data = [("text".to_owned(), Value::String("x".repeat(50_000)))].into_iter().collect();
        let large = Arc::new(Stored { record: Record { data, ..Record::default() }, version: Version(1) });
        (0..=255).for_each(|seed| cache.insert(key(seed), Arc::clone(&large), HitRate::default(), Instant::now()));
        let there = (0..=255).filter(|seed| cache.get(&key(*seed), Instant::now()).is_some()).count();
        assert!((1..=20).contains(&there), "{there} of 50 kB each in 1 MiB");
    }

    #[test]
    fn one_wrong_guess_ends_guessing_of_a_new_session_and_a_few_right_ones_restore_it() {
        let lost = HitRate::default().record(false);
        assert!(HitRate::default().is_worthwhile() && !lost.is_worthwhile());
        let regained = (0..3).fold(lost, |hit_rate, _| hit_rate.record(true));
        assert!(regained.is_worthwhile());
    }

    #[test]
    fn an_established_hit_rate_survives_a_single_wrong_guess() {
        let established = (0..20).fold(HitRate::default(), |hit_rate, _| hit_rate.record(true));
        assert!(established.record(false).is_worthwhile());
        assert!(!established.record(false).record(false).record(false).is_worthwhile());
    }
}
