//! What a request did with its sessions, for those who log the request.

use crate::{Error, Meter, SessionKey};

/// What a request did with its session of one kind, and what that cost.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Usage {
    /// The name of the cookie, which tells several kinds of session apart.
    pub cookie: String,
    /// The session's name in the store; `None` if the request has none, or none any more.
    pub session: Option<SessionKey>,
    /// What was last done with the session: `created`, `changed`, `read`, `signed_in`, `signed_out`, `rotated`,
    /// `confirmed`, `deleted`, or `refused` if the change did; with other sessions of the same user: `listed`, `ended`;
    /// `absent` if there was none to do it with; else the [`Error::kind`](crate::Error::kind). `None` if nothing was.
    pub outcome: Option<&'static str>,
    /// Why that failed, if it did.
    pub error: Option<String>,
    /// The calls of the store that it took.
    pub meter: Meter,
}

impl Usage {
    /// Of a request that failed without a [`SessionHandle`](super::SessionHandle).
    #[must_use]
    pub fn of_failure(error: &Error) -> Self {
        Self { outcome: Some(error.kind()), error: Some(error.to_string()), ..Self::default() }
    }
}

/// The [`Usage`] of each kind of session that a request could use. [`SessionLayer`](super::SessionLayer) puts it into
/// the extensions of each response.
#[derive(Clone, Debug, Default)]
pub struct Usages(pub Vec<Usage>);

impl Usages {
    /// The one that was used, or else the one of the innermost layer.
    #[must_use]
    pub fn main(&self) -> Option<&Usage> {
        self.0.iter().find(|usage| usage.outcome.is_some()).or_else(|| self.0.first())
    }
}
