//! A clock that stands still until a test moves it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A clock that stands still until it's moved, for tests of what happens after days. Clones are the same clock.
///
/// It is the time of day for the limits on a session's life; deadlines of requests are measured by tokio's clock.
///
/// ```
/// # use std::time::Duration;
/// # use exact_sessions::{Error, Sessions, store::memory::MemoryStore, testing};
/// # #[derive(Default, serde::Serialize, serde::Deserialize)]
/// # struct Cart { items: Vec<String> }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let clock = testing::Clock::default();
/// let sessions = Sessions::builder(MemoryStore::default(), Cart::default).clock(clock.source()).build();
/// let id = sessions.upsert(None, |_| {}).await?.new_id.expect("a new session has a new id");
/// clock.advance(Duration::from_secs(15 * 24 * 3600));
/// assert!(sessions.read(id).await?.is_none(), "it has ended");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    /// Microseconds since 1970: stores keep no more.
    now: Arc<AtomicU64>,
}

impl Clock {
    /// A clock that stands at this time, to the microsecond.
    ///
    /// # Panics
    /// If that's before 1970.
    #[must_use]
    pub fn at(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).expect("a time after 1970");
        Self { now: Arc::new(AtomicU64::new(microseconds(since))) }
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(microseconds(by), Ordering::SeqCst);
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.now.load(Ordering::SeqCst))
    }

    /// The clock as [`SessionsBuilder::clock`](crate::SessionsBuilder::clock) takes it.
    #[must_use]
    pub fn source(&self) -> crate::Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

impl Default for Clock {
    /// In January 2027.
    fn default() -> Self {
        Self::at(UNIX_EPOCH + Duration::from_secs(1_800_000_000))
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).expect("a time before the year 500,000")
}
