//! What this instance last saw of its sessions. An entry is a guess at what is stored: a write based on
//! it is conditional, so a stale entry costs a retry and never a wrong answer.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache as Bounded;

use crate::{SessionKey, store::Stored};

/// The last state seen of each session, bounded in number and age.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: Bounded<SessionKey, Entry>,
}

/// A state and how much it's worth.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) stored: Arc<Stored>,
    pub(crate) trust: Trust,
}

impl Cache {
    pub(crate) fn new(capacity: u64, age: Duration) -> Self {
        Self { entries: Bounded::builder().max_capacity(capacity).time_to_live(age).build() }
    }

    pub(crate) fn get(&self, key: &SessionKey) -> Option<Entry> {
        self.entries.get(key)
    }

    pub(crate) fn insert(&self, key: SessionKey, stored: Stored, trust: Trust) {
        self.entries.insert(key, Entry { stored: Arc::new(stored), trust });
    }

    pub(crate) fn remove(&self, key: &SessionKey) {
        self.entries.invalidate(key);
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
