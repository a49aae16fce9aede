//! The glue for axum: a layer that reads and sets the cookie, and an extractor for handlers.
//!
//! ```
//! use axum::{Router, routing::get};
//! use exact_sessions::{Error, Sessions, axum::SessionHandle, store::memory::MemoryStore};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Counter { views: u64 }
//!
//! async fn home(session: SessionHandle<Counter>) -> Result<String, Error> {
//!     let counted = session.upsert(|counter| counter.views += 1).await?;
//!     Ok(format!("{} views", counted.session.data.views))
//! }
//!
//! let sessions = Sessions::<Counter>::new(MemoryStore::default());
//! let app: Router = Router::new().route("/", get(home)).layer(sessions.layer());
//! ```

mod extract;
mod failure;
mod handle;
mod layer;
mod state;
mod usage;

pub use self::{
    handle::{SessionHandle, Used},
    layer::{SessionLayer, SessionService},
    usage::{Usage, Usages},
};
