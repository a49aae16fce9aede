//! The server functions: each is one file here, and a line in this list. All of them are `POST`, so no link and no
//! prefetch calls one.

mod error;
mod refresh;

#[cfg(feature = "ssr")]
pub(crate) mod session;

pub use self::{error::ApiError, refresh::*};
