//! The server functions: each is one file here, and a line in this list. All of them are `POST`, so no link and no
//! prefetch calls one.

mod choose_greeting;
mod correct;
mod error;
mod forget;
mod refresh;
mod stored_data;

#[cfg(feature = "ssr")]
pub(crate) mod session;

pub use self::{choose_greeting::*, correct::*, error::ApiError, forget::*, refresh::*, stored_data::*};
