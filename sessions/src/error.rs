//! How work on a session can fail, as its caller sees it.

mod data;

use thiserror::Error;

pub use self::data::{DataError, DataProblem};
pub(crate) use self::data::{path_of, path_of_field, path_of_missing};
use crate::{SessionKey, store::Cause};

/// Why a use of a session did not succeed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The store works, but there was not enough time: others kept changing this session, or too many requests waited
    /// for it. Nothing was changed; trying again later is right.
    #[error("the session is busy: its turn did not come before the deadline")]
    Busy,

    /// The store could not be reached, or did not respond in time.
    #[error("the session store is unavailable ({}): {cause}", .outcome.phrase())]
    Unavailable {
        /// Whether the change can have happened all the same.
        outcome: Outcome,
        /// What the store said last.
        #[source]
        cause: Cause,
    },

    /// The store refuses, and will until the owner repairs the configuration or the database.
    #[error("the session store refuses: {0}")]
    Misconfigured(#[source] Cause),

    /// A new session was needed, and the [`Admission`](crate::Admission) said no. Nothing was changed.
    #[error("no new session is admitted just now")]
    NotAdmitted,

    /// The data that the change has made can't be stored. Nothing was changed.
    #[error("the session's data can't be stored: {0}")]
    Data(#[from] DataError),

    /// The stored data can't be read as the application's. It stays as it is.
    #[error("the data of session {key} can't be read{}", at(path))]
    Unreadable {
        /// Whose data it is.
        key: SessionKey,
        /// Where in it; empty if that's not known.
        path: String,
        /// Why. It may quote the value, so it's not part of this error's own text, which ends up in logs.
        #[source]
        cause: Cause,
    },

    /// The stored data is of a newer version of the application, which runs on another instance. It stays as it is.
    #[error("the data of session {key} is of version {stored}, and this application knows {supported} at most")]
    Newer {
        /// Whose data it is.
        key: SessionKey,
        /// Its version.
        stored: u32,
        /// The version of this application.
        supported: u32,
    },

    /// The session has been given a new id by a sign-in, a confirmation or a sign-out, and this is the old one. Nothing
    /// was changed; the client has the new id, or will in a moment, or has to sign in again.
    #[error("the session has a new id; this one is worth nothing any more")]
    Superseded,

    /// The use needs a new cookie, and the head of the response has been sent already. Nothing was changed.
    #[error("the response's head has been sent: it can't carry a cookie any more")]
    HeadSent,

    /// A request that another site's page has sent would make a session, whose cookie would replace the visitor's.
    /// Nothing was changed.
    #[error("a request from another site can't begin a session")]
    CrossSite,
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
            Self::Unreadable { .. } => "unreadable",
            Self::Newer { .. } => "newer",
            Self::Superseded => "superseded",
            Self::HeadSent => "head_sent",
            Self::CrossSite => "cross_site",
        }
    }

    /// All that [`kind`](Self::kind) can return.
    pub(crate) const KINDS: [&'static str; 11] = [
        "busy",
        "unavailable",
        "unknown",
        "misconfigured",
        "not_admitted",
        "data",
        "unreadable",
        "newer",
        "superseded",
        "head_sent",
        "cross_site",
    ];
}

/// What is known of a change that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not applied and won't be.
    NotApplied,
    /// The write was sent and its response was lost: it was applied once or not at all.
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

/// How a change that may refuse fails: see [`Sessions::try_update`](crate::Sessions::try_update).
#[derive(Clone, Debug, Error)]
pub enum ChangeError<E> {
    /// The change refused, for this reason. Nothing was changed, and the session was as the change saw it.
    #[error("{0}")]
    Refused(E),
    /// The change could not be made.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// ` at` this path, if it is known.
fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at `{path}`") }
}
