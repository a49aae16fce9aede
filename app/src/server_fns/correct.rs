use leptos::prelude::server;
use serde::{Deserialize, Serialize};

use super::ApiError;
#[cfg(feature = "ssr")]
use super::session;
use crate::{protocol::JsonOrForm, stored_data::StoredField};

/// What a visitor says should be stored. In a form its fields are named `correction[greeting]` and `correction[views]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// One of the greetings, or the one that is stored.
    pub greeting: String,
    /// The count of views.
    pub views: u64,
}

/// Corrects what is stored about this visitor, and returns what is stored then. Counts no view.
///
/// # Errors
/// [`ApiError::UnknownGreeting`] if it's none of these; [`ApiError::NoSession`]; [`ApiError::Unavailable`] if the
/// store is.
#[server(prefix = "/api", endpoint = "correct", protocol = JsonOrForm)]
pub async fn correct(
    /// What is right.
    correction: Correction,
) -> Result<Vec<StoredField>, ApiError> {
    let corrected = session::correct(&session::handle().await?, correction).await?;
    corrected.map(|session| session::fields(&session)).ok_or(ApiError::NoSession)
}
