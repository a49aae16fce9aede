use leptos::prelude::server;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::session;
use super::{ApiError, StoredField};
#[cfg(feature = "ssr")]
use crate::greeting::Greeting;
use crate::protocol::JsonOrForm;

/// What a visitor says should be stored. In a form its fields are named `correction[greeting]` and `correction[views]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// One of the greetings.
    pub greeting: String,
    /// The count of views.
    pub views: u64,
    /// What the form had in it at first. What the visitor has left as it was is not changed: it may be another one by
    /// now, or a greeting of the owner's. Who wants just what the form had loads the page again.
    #[serde(default)]
    pub shown: Option<Shown>,
}

/// What a form had in it when it was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The greeting.
    pub greeting: String,
    /// The count of views.
    pub views: u64,
}

/// Corrects what is stored about this visitor, and returns what is stored then. Counts no view.
///
/// # Errors
/// [`ApiError::UnknownGreeting`] if it's none of the greetings; [`ApiError::NoSession`]; [`ApiError::Unavailable`] if the
/// store is.
#[server(prefix = "/api", endpoint = "correct", protocol = JsonOrForm)]
pub async fn correct(
    /// What is right.
    correction: Correction,
) -> Result<Vec<StoredField>, ApiError> {
    let Correction { greeting, views, shown } = correction;
    let greeting = match &shown {
        Some(shown) if shown.greeting == greeting => None,
        _ => Some(Greeting::pick(&greeting).ok_or(ApiError::UnknownGreeting)?),
    };
    let views = shown.is_none_or(|shown| shown.views != views).then_some(views);
    let corrected = session::correct(&session::handle().await?, greeting, views).await?;
    corrected.map(|session| session::fields(&session)).ok_or(ApiError::NoSession)
}
