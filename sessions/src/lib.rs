#![cfg_attr(docsrs, feature(doc_cfg))]
// The pages link to all features; docs.rs builds them with all.
#![cfg_attr(
    not(all(feature = "axum", feature = "firestore", feature = "sqlite", feature = "testing")),
    allow(rustdoc::broken_intra_doc_links)
)]
#![doc = include_str!("../README.md")]

pub mod admin;
#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/asvs.md")]
pub mod asvs {}
#[cfg(feature = "axum")]
pub mod axum;
mod builder;
pub mod cookie;
mod data;
#[doc = include_str!("../docs/data.md")]
pub mod data_guide {}
mod engine;
mod error;
mod id;
mod meter;
pub mod metrics;
pub mod record;
mod session;
mod sessions;
mod settings;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    builder::SessionsBuilder,
    data::{DEPTH, PATH_LENGTH, SessionData},
    error::{ChangeError, DataError, DataProblem, Error, Outcome},
    id::{SessionId, SessionKey},
    meter::Meter,
    record::Record,
    session::{Changed, Keep, Session, SignIn, User, UserSession},
    sessions::{Sessions, USER_LENGTH},
    settings::{Admission, Clock, Settings},
};
