use leptos::prelude::server;
use serde::{Deserialize, Serialize};

use super::ApiError;
#[cfg(feature = "ssr")]
use super::session;
use crate::protocol::JsonOrForm;

/// The count of one visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterView {
    /// How often this visitor has viewed the page, this time included.
    pub views: u64,
}

/// Counts a view of this visitor's, as the page does when it's loaded.
///
/// # Errors
/// [`ApiError::Unavailable`] if the store is; nothing was counted then, or nobody knows.
#[server(prefix = "/api", endpoint = "refresh", protocol = JsonOrForm)]
pub async fn refresh() -> Result<CounterView, ApiError> {
    let counted = session::count_view(&session::handle().await?).await?;
    Ok(CounterView { views: counted.data.views })
}
