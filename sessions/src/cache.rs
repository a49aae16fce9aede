//! What this instance last saw of its sessions. An entry is a guess at what is stored: a write based on
//! it is conditional, so a stale entry costs a retry and never a wrong answer.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache as Bounded;
use tokio::time::Instant;

use crate::{SessionKey, store::Stored};

/// The last state seen of each session, bounded in number; what is too old is not used. It stays until another
/// session takes its place.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: Bounded<SessionKey, (Entry, Instant)>,
    age: Duration,
}

/// A state and how much it's worth.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) stored: Arc<Stored>,
    pub(crate) trust: Trust,
}

impl Cache {
    pub(crate) fn new(capacity: usize, age: Duration) -> Self {
        Self { entries: Bounded::new(capacity), age }
    }

    pub(crate) fn get(&self, key: &SessionKey) -> Option<Entry> {
        let (entry, seen) = self.entries.get(key)?;
        (seen.elapsed() < self.age).then_some(entry)
    }

    pub(crate) fn insert(&self, key: SessionKey, stored: Stored, trust: Trust) {
        self.entries.insert(key, (Entry { stored: Arc::new(stored), trust }, Instant::now()));
    }

    pub(crate) fn remove(&self, key: &SessionKey) {
        self.entries.remove(key);
    }
}

/// How likely it is that this instance was the last to write a session.
///
/// Writing on a guess takes 1 round trip if the guess is right and 3 if it's wrong (a refused write, a
/// read, a write); reading first takes 2. So guessing pays above an even chance. The chance is a moving
/// average over the last views; the threshold lies well above even, since an average over few views is
/// itself a guess, and under random routing over several instances it must not cross it by luck.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trust(f32);

impl Trust {
    const THRESHOLD: f32 = 0.75;
    const WEIGHT: f32 = 0.125;

    pub(crate) fn pays(self) -> bool {
        self.0 >= Self::THRESHOLD
    }

    /// What the last view has shown: whether the entry was what is stored.
    #[must_use]
    pub(crate) fn after(self, right: bool) -> Self {
        let outcome = if right { 1.0 } else { 0.0 };
        Self(self.0 + Self::WEIGHT * (outcome - self.0))
    }
}

impl Default for Trust {
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

    fn stored() -> Stored {
        Stored { record: Record::default(), version: Version(1) }
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_there_until_it_is_old_or_removed() {
        let cache = Cache::new(10, Duration::from_secs(60));
        (1..=2).for_each(|seed| cache.insert(key(seed), stored(), Trust::default()));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(cache.get(&key(1)).is_some() && cache.get(&key(2)).is_some());
        cache.remove(&key(1));
        assert!(cache.get(&key(1)).is_none() && cache.get(&key(2)).is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(cache.get(&key(2)).is_none());
        cache.insert(key(2), stored(), Trust::default());
        assert!(cache.get(&key(2)).is_some(), "seen again");
    }

    #[test]
    fn there_are_no_more_entries_than_the_capacity() {
        for capacity in [0, 1, 10, 100] {
            let cache = Cache::new(capacity, Duration::from_secs(60));
            (0..=255).for_each(|seed| cache.insert(key(seed), stored(), Trust::default()));
            let there = (0..=255).filter(|seed| cache.get(&key(*seed)).is_some()).count();
            assert!(there <= capacity && there >= capacity / 2, "{there} of {capacity}");
        }
    }

    #[test]
    fn one_wrong_guess_ends_a_new_trust_and_a_few_right_ones_restore_it() {
        let lost = Trust::default().after(false);
        assert!(Trust::default().pays() && !lost.pays());
        let regained = (0..3).fold(lost, |trust, _| trust.after(true));
        assert!(regained.pays());
    }

    #[test]
    fn an_established_trust_survives_a_single_wrong_guess() {
        let established = (0..20).fold(Trust::default(), |trust, _| trust.after(true));
        assert!(established.after(false).pays());
        assert!(!established.after(false).after(false).after(false).pays());
    }
}
