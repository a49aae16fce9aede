use leptos::prelude::server;

use super::ApiError;
#[cfg(feature = "ssr")]
use super::session;
#[cfg(feature = "ssr")]
use crate::greeting::Greeting;
use crate::{counter_state::CounterView, protocol::JsonOrForm};

/// Greets this visitor with another of the greetings from now on. Counts no view.
///
/// # Errors
/// [`ApiError::UnknownGreeting`] if it's none of them; [`ApiError::Unavailable`] if the store is.
#[server(prefix = "/api", endpoint = "greeting", protocol = JsonOrForm)]
pub async fn choose_greeting(
    /// The text of the greeting.
    greeting: String,
) -> Result<CounterView, ApiError> {
    let greeting = Greeting::pick(&greeting).ok_or(ApiError::UnknownGreeting)?;
    Ok(session::greet_with(&session::handle().await?, greeting).await?.data.clone().into())
}
