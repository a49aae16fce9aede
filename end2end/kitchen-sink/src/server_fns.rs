//! Server functions with Leptos' default codecs.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// An argument with fields and a list in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Numbers {
    /// What to begin with.
    pub start: i64,
    /// What to add, one after the other.
    pub steps: Vec<i64>,
}

/// The numbers that come about.
///
/// # Errors
/// If there are no steps.
#[server]
pub async fn walk(numbers: Numbers) -> Result<Vec<i64>, ServerFnError> {
    if numbers.steps.is_empty() {
        return Err(ServerFnError::new("there are no steps"));
    }
    Ok(numbers
        .steps
        .iter()
        .scan(numbers.start, |at, step| {
            *at += step;
            Some(*at)
        })
        .collect())
}

/// Greets somebody by name.
///
/// # Errors
/// None.
#[server]
pub async fn greet(name: String) -> Result<String, ServerFnError> {
    Ok(format!("Hello, {name}!"))
}
