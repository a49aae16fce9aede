//! How a change of a session can fail, as its caller sees it.

use thiserror::Error;

use crate::store::Cause;

/// Why the engine could not do what was asked, within its deadline.
#[derive(Debug, Error)]
pub enum Error {
    /// The store works, but others kept changing this session until the deadline. Nothing was changed;
    /// asking again later is right.
    #[error("the session is busy: others kept changing it until the deadline")]
    Busy,

    /// The store could not be reached, or did not answer in time.
    #[error("the session store is unavailable ({}): {cause}", .outcome.phrase())]
    Unavailable {
        /// Whether the change can have happened all the same.
        outcome: Outcome,
        /// What the store said last.
        cause: Cause,
    },

    /// The store refuses, and will until somebody repairs the configuration or the database.
    #[error("the session store refuses: {0}")]
    Misconfigured(Cause),

    /// A new session was needed, and the [`Admission`](crate::Admission) said no. Nothing was changed.
    #[error("no new session is admitted just now")]
    NotAdmitted,

    /// The application's data can't be stored: it is no JSON object, or uses a reserved field name.
    #[error("the session's data can't be stored: {0}")]
    Data(Cause),
}

impl Error {
    /// A short name for logs and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unavailable { outcome: Outcome::NotApplied, .. } => "unavailable",
            Self::Unavailable { outcome: Outcome::Unknown, .. } => "unknown",
            Self::Misconfigured(_) => "misconfigured",
            Self::NotAdmitted => "not_admitted",
            Self::Data(_) => "data",
        }
    }
}

/// What is known of a change that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not applied and won't be.
    NotApplied,
    /// The write was sent and its answer was lost: it was applied once or not at all.
    Unknown,
}

impl Outcome {
    fn phrase(self) -> &'static str {
        match self {
            Self::NotApplied => "nothing was changed",
            Self::Unknown => "whether the change was applied is unknown",
        }
    }
}
