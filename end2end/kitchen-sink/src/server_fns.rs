//! Server functions: with Leptos' default codecs, and with ours.

use std::borrow::Cow;

use app::protocol::{HttpError, JsonOrForm};
use http::StatusCode;
use leptos::{
    prelude::*,
    server_fn::{codec::JsonEncoding, error::ServerFnErrorErr},
};
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

/// An order: nested structs, a list, an option and enums of all kinds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What is ordered.
    pub items: Vec<Item>,
    /// Where it goes.
    pub delivery: Delivery,
    /// More than a double can hold exactly.
    pub number: u64,
}

/// Something that is ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What it is called.
    pub name: String,
    /// What it weighs, if that's known.
    pub weight: Option<f64>,
}

/// Where an order goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Delivery {
    /// It is fetched.
    Pickup,
    /// To a town.
    Town(String),
    /// To a place.
    Place {
        /// East of Greenwich.
        east: f64,
        /// North of the equator.
        north: f64,
    },
}

/// Why there is no order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OrderError {
    /// Nothing is ordered.
    Empty,
    /// Something is too heavy.
    TooHeavy {
        /// What.
        name: String,
    },
    /// Something went wrong on the way, with the status of the response if there was one.
    Transport(Option<u16>),
}

impl FromServerFnError for OrderError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(_: ServerFnErrorErr) -> Self {
        Self::Transport(None)
    }
}

impl HttpError for OrderError {
    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Empty => "Nothing is ordered.".into(),
            Self::TooHeavy { name } => format!("{name} is too heavy.").into(),
            Self::Transport(_) => "That did not work.".into(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Empty | Self::TooHeavy { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Transport(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn from_response(status: Option<StatusCode>) -> Self {
        Self::Transport(status.map(|status| status.as_u16()))
    }
}

/// Returns the orders that an order leads to: one for each item.
///
/// # Errors
/// [`OrderError`]
#[server(protocol = JsonOrForm)]
pub async fn place_order(order: Order) -> Result<Vec<Order>, OrderError> {
    if order.items.is_empty() {
        return Err(OrderError::Empty);
    }
    if let Some(heavy) = order.items.iter().find(|item| item.weight.is_some_and(|weight| weight > 100.0)) {
        return Err(OrderError::TooHeavy { name: heavy.name.clone() });
    }
    let single = |item: &Item| Order { items: vec![item.clone()], ..order.clone() };
    Ok(order.items.iter().map(single).collect())
}
