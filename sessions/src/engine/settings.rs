//! What the engine is told when it's made: how long sessions live, what a request may cost, what time it is,
//! and who gets a new session.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Where the engine gets the time of day from.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Whether a new session may be made just now. It's asked when one is about to be, and then only: a rate
/// limit that hangs on it never touches visitors who have a session.
#[derive(Clone)]
pub struct Admission(pub(super) Arc<dyn Fn() -> bool + Send + Sync>);

impl Admission {
    /// An admission by this function.
    pub fn new(admit: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(admit))
    }
}

impl Default for Admission {
    /// Everybody.
    fn default() -> Self {
        Self::new(|| true)
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admission")
    }
}

/// How long sessions live, and what one request may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// After how long without a view a session ends.
    pub idle_timeout: Duration,
    /// After how long a session ends, however often it's viewed.
    pub lifetime: Duration,
    /// The deadline for all store work of one request, retries and waiting included.
    pub store_timeout: Duration,
    /// For how long after a rotation the old id still leads to the session.
    pub rotation_grace: Duration,
    /// How many sessions are remembered between requests.
    pub cache_capacity: usize,
    /// For how long a session is remembered between requests.
    pub cache_age: Duration,
}

impl Default for Settings {
    /// Two weeks idle, ninety days at most, two seconds for a request.
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            idle_timeout: 14 * DAY,
            lifetime: 90 * DAY,
            store_timeout: Duration::from_secs(2),
            rotation_grace: Duration::from_secs(30),
            cache_capacity: 10_000,
            cache_age: Duration::from_mins(10),
        }
    }
}
