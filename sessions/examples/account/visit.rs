//! What a session keeps, and who uses it.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Redirect, Response},
};
use exact_sessions::{SessionKey, User, axum::SessionHandle};
use serde::{Deserialize, Serialize};

/// For how long a password that was entered counts for what is dangerous.
pub(crate) const FRESH: Duration = Duration::from_mins(10);

/// What is kept of a visitor, signed in or not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visit {
    pub(crate) theme: Theme,
    pub(crate) cart: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Theme {
    #[default]
    Light,
    Dark,
}

/// The visitor's session.
pub(crate) type Session = SessionHandle<Visit>;

/// Who is signed in. A handler that takes it sends others to the sign-in form.
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) theme: Theme,
    /// The session in which they are.
    pub(crate) key: SessionKey,
    is_fresh: bool,
}

/// Who is signed in and has entered their password lately. A handler that takes it lets others enter it first.
pub(crate) struct Confirmed(pub(crate) User);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let session = Session::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let session = session.read().await.map_err(IntoResponse::into_response)?;
        let signed_in = session.and_then(|session| {
            let user = session.user.clone()?;
            let (theme, key) = (session.data.theme, session.key);
            Some(Self { user, theme, key, is_fresh: session.fresh(FRESH) })
        });
        signed_in.ok_or_else(|| Redirect::to("/sign-in").into_response())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Confirmed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match SignedIn::from_request_parts(parts, state).await? {
            SignedIn { user, is_fresh: true, .. } => Ok(Self(user)),
            _ => Err(Redirect::to("/account/confirm").into_response()),
        }
    }
}
