//! The time and the tries of one request: every call of the store, and every pause, goes through here.

use std::{future::Future, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep, timeout_at};

use super::pace::Pace;
use crate::{
    DataError, DataProblem, Error, Meter, Outcome,
    metrics::{self, LookupResult, Operation},
    store::{Cause, StoreError, cause},
};

/// The shortest and the longest pause between two tries, before jitter, which at most doubles them.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));

/// Below this there's no time left for a try.
const TOO_SHORT: Duration = Duration::from_millis(1);

/// A time that no request lives to see, for time limits that are none.
const FAR: Duration = Duration::from_hours(24 * 365);

/// One request's deadline and what went wrong so far.
pub(crate) struct Budget {
    deadline: Instant,
    latest: Instant,
    /// `None` before the first pause.
    pauses: Option<ExponentialBackoff>,
    conflicts: u32,
    round_trips: u32,
    meter: Meter,
    pace: Arc<Pace>,
    /// A write was sent whose outcome is not known yet.
    pub(crate) in_doubt: bool,
    /// Whether a write was sent at all.
    pub(crate) has_written: bool,
}

impl Budget {
    pub(crate) fn new(timeout: Duration, meter: Meter) -> Self {
        Self::with_pace(timeout, meter, Arc::new(Pace::new(timeout)))
    }

    pub(super) fn with_pace(timeout: Duration, meter: Meter, pace: Arc<Pace>) -> Self {
        let now = Instant::now();
        let deadline = now + timeout.min(FAR);
        Self {
            deadline,
            latest: now,
            pauses: None,
            conflicts: 0,
            round_trips: 0,
            meter,
            pace,
            in_doubt: false,
            has_written: false,
        }
    }

    /// One of the same deadline and for the same caller, for work of which nothing has been sent.
    pub(super) fn of_unsent(&self) -> Self {
        let mut budget = Self::with_pace(Duration::ZERO, self.meter.clone(), Arc::clone(&self.pace));
        budget.deadline = self.deadline;
        budget
    }

    /// When the store last returned, or when the request began: for what needs no exact time. Reading the clock takes a
    /// noticeable part of a change of a remembered session.
    pub(super) fn latest(&self) -> Instant {
        self.latest
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Works for others, too, whose deadline is later.
    pub(super) fn extend(&mut self, deadline: Instant) {
        self.deadline = self.deadline.max(deadline);
    }

    /// Fails if there's too little time left to begin with anything.
    pub(super) fn begin(&self) -> Result<(), Error> {
        if self.left() < self.pace.least() { Err(Error::Busy) } else { Ok(()) }
    }

    /// One call of the store. It gets half of what is left, so that after a lost answer there's time to
    /// see whether it counted; a call that runs out of it is unavailable, with an unknown outcome.
    pub(crate) async fn call<R>(
        &mut self,
        operation: Operation,
        call: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        self.round_trips += 1;
        self.meter.round_trip();
        self.has_written |= matches!(operation, Operation::Put | Operation::Delete);
        let begun = Instant::now();
        let share = self.deadline.saturating_duration_since(begun) / 2;
        let (result, took) = timed(operation, begun, share, call).await;
        self.latest = begun + took;
        if matches!(result, Ok(_) | Err(StoreError::Conflict)) {
            self.pace.record(took);
        }
        result
    }

    /// A read of one session, which may be repeated as it is.
    pub(crate) async fn read<R, C>(&mut self, call: impl FnMut() -> C) -> Result<R, Error>
    where
        C: Future<Output = Result<R, StoreError>>,
    {
        self.repeat(Operation::Get, call).await
    }

    /// A call that may be repeated as it is, until it succeeds or the deadline passes.
    pub(crate) async fn repeat<R, C>(&mut self, operation: Operation, mut call: impl FnMut() -> C) -> Result<R, Error>
    where
        C: Future<Output = Result<R, StoreError>>,
    {
        loop {
            match self.call(operation, call()).await {
                Ok(result) => return Ok(result),
                Err(error) => self.pause(error).await?,
            }
        }
    }

    /// The check whether the store is there, made once, with all the time there is.
    pub(crate) async fn ping(&self, call: impl Future<Output = Result<(), StoreError>>) -> Result<(), Error> {
        let (result, _took) = timed(Operation::Ping, Instant::now(), self.left(), call).await;
        result.map_err(|error| self.give_up(error))
    }

    /// Waits before the next try, a little longer each time and never the same; or gives up, if the
    /// failure is final or there's no time left for another try.
    pub(crate) async fn pause(&mut self, why: StoreError) -> Result<(), Error> {
        if matches!(why, StoreError::Refused(_) | StoreError::Invalid(_)) {
            return Err(self.give_up(why));
        }
        let pause = self.pauses.get_or_insert_with(pauses).next().unwrap_or(PAUSES.1);
        if self.left() < pause + TOO_SHORT {
            return Err(self.give_up(why));
        }
        sleep(pause).await;
        self.retry();
        Ok(())
    }

    /// Waits after a refused write: not at all the first time, when the guess was merely old.
    pub(crate) async fn conflict(&mut self) -> Result<(), Error> {
        metrics::conflict();
        self.conflicts += 1;
        if self.conflicts > 1 {
            return self.pause(StoreError::Conflict).await;
        }
        self.retry();
        Ok(())
    }

    fn retry(&self) {
        metrics::retry();
        self.meter.retry();
    }

    /// The outcome of the write that was in doubt is known, or will never be.
    pub(crate) fn resolved(&mut self, found: LookupResult) {
        if self.in_doubt {
            metrics::lost_answer(found);
        }
        self.in_doubt = false;
    }

    fn give_up(&self, error: StoreError) -> Error {
        match error {
            // What matters then is that nobody knows, whatever came after.
            _ if self.in_doubt => self.unavailable(cause(error)),
            StoreError::Refused(cause) => Error::Misconfigured(cause),
            StoreError::Invalid(why) => DataError::new(DataProblem::Store(why.to_string())).into(),
            StoreError::Unreachable(cause) | StoreError::Unavailable(cause) => self.unavailable(cause),
            StoreError::Conflict | StoreError::Contended(_) => Error::Busy,
        }
    }

    /// The error for a change whose write was sent and whose outcome can't be known any more.
    pub(crate) fn unavailable(&self, cause: Cause) -> Error {
        if self.in_doubt {
            metrics::lost_answer(LookupResult::Unknown);
        }
        let outcome = if self.in_doubt { Outcome::Unknown } else { Outcome::NotApplied };
        Error::Unavailable { outcome, cause }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        if self.round_trips > 0 {
            metrics::round_trips(self.round_trips);
        }
    }
}

/// The pauses between a request's tries.
fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

/// A call of the store that runs out of its time is unavailable. Returns how long it took, too.
async fn timed<R>(
    operation: Operation,
    begun: Instant,
    share: Duration,
    call: impl Future<Output = Result<R, StoreError>>,
) -> (Result<R, StoreError>, Duration) {
    let result = match timeout_at(begun + share, call).await {
        Ok(result) => result,
        Err(_elapsed) => Err(StoreError::unavailable(format!("no response within {share:?}"))),
    };
    let took = begun.elapsed();
    metrics::store_call(operation, &result, took);
    (result, took)
}
