//! How long the store takes just now.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A moving average of the times that successful calls of the store took.
#[derive(Debug)]
pub(super) struct Pace {
    /// In nanoseconds; 0 before the first call.
    average: AtomicU64,
    most: Duration,
}

impl Pace {
    /// Each call moves the average by this part of its difference.
    const WEIGHT: u64 = 8;

    pub(super) fn new(timeout: Duration) -> Self {
        Self { average: AtomicU64::new(0), most: timeout / 2 }
    }

    pub(super) fn record(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // Of two that do this at once one may be lost, which an average bears.
        let average = self.average.load(Ordering::Relaxed);
        let next = if average == 0 { took } else { average - average / Self::WEIGHT + took / Self::WEIGHT };
        self.average.store(next, Ordering::Relaxed);
    }

    /// With less time than this left, a write is not begun: a call gets half of what is left, and should get twice
    /// what calls usually take. Never more than half of a request's time, so that a request that has just come is
    /// always tried, and the average can fall again.
    pub(super) fn least(&self) -> Duration {
        Duration::from_nanos(self.average.load(Ordering::Relaxed)).saturating_mul(4).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_store_and_never_forbids_a_request_that_has_just_come() {
        let pace = Pace::new(Duration::from_secs(2));
        assert_eq!(pace.least(), Duration::ZERO);
        pace.record(Duration::from_millis(30));
        assert_eq!(pace.least(), Duration::from_millis(120));
        (0..100).for_each(|_| pace.record(Duration::from_secs(60)));
        assert_eq!(pace.least(), Duration::from_secs(1));
        (0..100).for_each(|_| pace.record(Duration::from_millis(10)));
        assert!(pace.least() < Duration::from_millis(45));
    }
}
