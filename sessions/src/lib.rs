#![doc = include_str!("../README.md")]

pub mod admin;
#[cfg(feature = "axum")]
pub mod axum;
mod cache;
pub mod cookie;
pub mod engine;
mod error;
mod fate;
mod id;
mod meter;
pub mod metrics;
mod queue;
pub mod record;
mod removal;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    engine::{Admission, Session, SessionData, Sessions, Settings, Visit},
    error::{Error, Outcome},
    id::{SessionId, SessionKey},
    meter::Meter,
    record::Record,
};
