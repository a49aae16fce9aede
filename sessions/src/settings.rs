//! How long sessions live, what a request may cost, what time it is, and which requests may begin a session.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Where the engine gets the time of day from.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Whether a new session may be made just now. It's called only when one is about to be made: a rate limit in it never
/// affects visitors who have a session. The default admits every request.
#[derive(Clone, Default)]
pub struct Admission(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Admission {
    /// An admission by this function.
    pub fn new(admit: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(admit)))
    }

    /// An admission if both say so. The other one is called first.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (_, None) => self.clone(),
            (None, _) => other.clone(),
            (Some(admit), Some(other)) => {
                let (admit, other) = (Arc::clone(admit), Arc::clone(other));
                Self::new(move || other() && admit())
            }
        }
    }

    pub(crate) fn admits(&self) -> bool {
        self.0.as_ref().is_none_or(|admit| admit())
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admission")
    }
}

/// How long sessions live, and what one request may cost. Begin with the default and set what should differ:
///
/// ```
/// # use std::time::Duration;
/// # use exact_sessions::Settings;
/// let settings = Settings::default().idle_timeout(Duration::from_secs(3600)).max_data(16 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// After how long without activity a session ends.
    pub idle_timeout: Duration,
    /// After how long a session ends, however active it is.
    pub lifetime: Duration,
    /// After how long a session ends that has never been used again since it began: one of a crawler, say. `None`
    /// is the idle timeout.
    pub first_timeout: Option<Duration>,
    /// The deadline for the store work of one call, such as one change: retries and waiting included.
    pub store_timeout: Duration,
    /// For how long after a rotation the old id still leads to the session, and after a sign-in the old id is known to
    /// be closed, and a further sign-in goes on with the session.
    pub rotation_grace: Duration,
    /// How many bytes the sessions take that are remembered between requests.
    pub cache_bytes: u64,
    /// For how long a session is remembered between requests.
    pub cache_age: Duration,
    /// How many bytes all data of one session may have: a name or a text has its length and one more, all else has 8,
    /// the list or map around values included. That is at least what Firestore counts
    /// (<https://cloud.google.com/firestore/docs/storage-size>).
    pub max_data: usize,
}

impl Default for Settings {
    /// Two weeks idle, ninety days at most, two seconds for a request, 64 KiB for the data of a session, and a cache of
    /// 16 MiB.
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            idle_timeout: 14 * DAY,
            lifetime: 90 * DAY,
            first_timeout: None,
            store_timeout: Duration::from_secs(2),
            rotation_grace: Duration::from_secs(30),
            cache_bytes: 16 * 1024 * 1024,
            cache_age: Duration::from_mins(10),
            max_data: 64 * 1024,
        }
    }
}

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {
        impl Settings {
            $(
                #[doc = concat!("Sets [`", stringify!($name), "`](field@Self::", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

setters! {
    idle_timeout: Duration,
    lifetime: Duration,
    first_timeout: Option<Duration>,
    store_timeout: Duration,
    rotation_grace: Duration,
    cache_bytes: u64,
    cache_age: Duration,
    max_data: usize,
}
