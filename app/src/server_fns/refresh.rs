use leptos::prelude::server;

use super::ApiError;
#[cfg(feature = "ssr")]
use super::session;
use crate::{counter_state::CounterView, protocol::JsonOrForm};

/// Counts a view of this visitor's, as the page does when it's loaded.
///
/// # Errors
/// [`ApiError::Unavailable`] if the store is; nothing was counted then, or nobody knows.
#[server(prefix = "/api", endpoint = "refresh", protocol = JsonOrForm)]
pub async fn refresh() -> Result<CounterView, ApiError> {
    Ok(session::count_view(&session::handle().await?).await?.data.clone().into())
}
