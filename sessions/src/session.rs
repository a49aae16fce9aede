//! A session as the application sees it.

use std::time::{Duration, SystemTime};

use crate::{SessionId, SessionKey, record::SignedIn};

/// A session as it was read, or as it is after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session<T> {
    /// The application's data.
    pub data: T,
    /// The session's name in the store and in logs.
    pub key: SessionKey,
    /// When the session began.
    pub created_at: SystemTime,
    /// When it ends unless it's active before.
    pub expires_at: SystemTime,
    /// When it ends however active it is. Once `expires_at` has reached it, no activity moves it any more.
    pub ends_at: SystemTime,
    /// Who is signed in.
    pub user: Option<User>,
    /// Whether its cookie ends with the browser.
    pub(crate) until_browser_closes: bool,
    pub(crate) as_of: SystemTime,
}

impl<T> Session<T> {
    /// Whether a user is signed in and has proved who they are within this time, by signing in or by
    /// [`confirm`](crate::Sessions::confirm): what an application asks before it changes a password, say.
    #[must_use]
    pub fn fresh(&self, within: Duration) -> bool {
        let age = |user: &User| self.as_of.duration_since(user.signed_in_at).unwrap_or_default();
        self.user.as_ref().is_some_and(|user| age(user) < within)
    }
}

/// Who is signed in to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The application's name for the user.
    pub id: String,
    /// What the application called this session when the user signed in.
    pub label: Option<String>,
    /// When the user last proved who they are.
    pub signed_in_at: SystemTime,
}

impl From<&SignedIn> for User {
    fn from(SignedIn { user, label, at }: &SignedIn) -> Self {
        Self { id: user.clone(), label: label.clone(), signed_in_at: *at }
    }
}

/// A session after a change, and what the change returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed<T, R = ()> {
    /// The session as it is after this change.
    pub session: Session<T>,
    /// What the change returned, in the run that was applied.
    pub value: R,
    /// A new id, which the visitor's cookie must now hold; `None` if the cookie stays as it is.
    pub new_id: Option<SessionId>,
    /// Whether the session was given more time. A cookie that lives shorter than the session is then set again.
    pub renewed: bool,
}

/// A sign-in: who it is, what the session is called, and how long it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignIn {
    pub(crate) user: String,
    pub(crate) label: Option<String>,
    pub(crate) keep: Keep,
}

/// How long a signed-in session lives, within the [`Settings`](crate::Settings).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// As long as the settings say ("remember me").
    #[default]
    Settings,
    /// As long as the settings say, and no longer than the browser runs.
    UntilBrowserCloses,
    /// For these times at most.
    For {
        /// After how long without activity it ends.
        idle: Duration,
        /// After how long it ends, however active it is.
        lifetime: Duration,
    },
}

impl SignIn {
    /// The sign-in of the user that the application calls so. It's what
    /// [`of_user`](crate::Sessions::of_user) finds the session by: a stable name, such as a number in the
    /// application's database, rather than an address that may change hands. At most
    /// [`USER_LENGTH`](crate::USER_LENGTH) bytes.
    pub fn new(user: impl Into<String>) -> Self {
        Self { user: user.into(), label: None, keep: Keep::Settings }
    }

    /// What the session is called in a list of the user's sessions: "Firefox on Linux", say. At most
    /// [`USER_LENGTH`](crate::USER_LENGTH) bytes, too: shorten what the browser says of itself.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// How long it lives.
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }
}

/// One of the sessions of a user, for a list of "your devices".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserSession {
    /// The session's name in the store. It is no secret: nobody can use the session by it.
    pub key: SessionKey,
    /// What the application called it when the user signed in.
    pub label: Option<String>,
    /// When the user signed in, or last proved again who they are.
    pub signed_in_at: SystemTime,
    /// When it began: at the sign-in, also where a guest's session was there before. A
    /// [confirmation](crate::Sessions::confirm) or a [rotation](crate::Sessions::rotate) does not change it.
    pub created_at: SystemTime,
    /// When it was last active, to within a twentieth of the idle timeout, or an hour.
    pub last_seen: SystemTime,
}
