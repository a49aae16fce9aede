//! What a caller's work costs.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// Counts the calls to the store for one caller, a request of a web app say. Clones count together; so the
/// count can be read while the work goes on, or after it was given up. See [`Sessions::metered`](crate::Sessions::metered).
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    round_trips: AtomicU32,
    retries: AtomicU32,
}

impl Meter {
    /// The calls of the store so far, failed ones included.
    #[must_use]
    pub fn round_trips(&self) -> u32 {
        self.0.round_trips.load(Ordering::Relaxed)
    }

    /// The calls among them that repeat or replace one that failed.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.0.retries.load(Ordering::Relaxed)
    }

    pub(crate) fn round_trip(&self) {
        self.0.round_trips.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.0.retries.fetch_add(1, Ordering::Relaxed);
    }
}
