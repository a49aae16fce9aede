use leptos::prelude::server;
use serde::{Deserialize, Serialize};

use super::ApiError;
#[cfg(feature = "ssr")]
use super::session;
use crate::protocol::JsonOrForm;

/// Something that is stored, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredField {
    /// What it is.
    pub name: String,
    /// What is stored of it.
    pub value: String,
}

/// What is stored about this visitor; empty without a session. Counts no view and creates nothing.
///
/// # Errors
/// [`ApiError::Unavailable`] if the store is.
#[server(prefix = "/api", endpoint = "stored-data", protocol = JsonOrForm)]
pub async fn stored_data() -> Result<Vec<StoredField>, ApiError> {
    let session = session::read(&session::handle().await?).await?;
    Ok(session.map(|session| session::fields(&session)).unwrap_or_default())
}
