use leptos::prelude::server;

use super::ApiError;
#[cfg(feature = "ssr")]
use super::session;
use crate::protocol::JsonOrForm;

/// Ends this visitor's session: deletes what is stored and removes the cookie.
///
/// # Errors
/// [`ApiError::Unavailable`] if the store is.
#[server(prefix = "/api", endpoint = "forget", protocol = JsonOrForm)]
pub async fn forget() -> Result<(), ApiError> {
    session::delete(&session::handle().await?).await
}
