//! The glue for axum: a layer that reads and sets the cookie, and an extractor for handlers.
//!
//! ```
//! use axum::{Router, routing::get};
//! use serde::{Deserialize, Serialize};
//! use sessions::{Error, Sessions, Settings, axum::{SessionHandle, SessionLayer}, cookie::CookiePolicy, store::memory::MemoryStore};
//!
//! #[derive(Clone, Default, Serialize, Deserialize)]
//! struct Counter { views: u64 }
//!
//! async fn home(session: SessionHandle<Counter>) -> Result<String, Error> {
//!     let counter = session.visit(|counter| counter.views += 1).await?.data;
//!     Ok(format!("{} views", counter.views))
//! }
//!
//! let settings = Settings::default();
//! let cookies = CookiePolicy::new(settings.lifetime, false);
//! let sessions = Sessions::new(MemoryStore::default(), settings, Counter::default);
//! let app: Router = Router::new().route("/", get(home)).layer(SessionLayer::new(sessions, cookies));
//! ```

mod failure;
mod handle;
mod layer;
mod usage;

pub use self::{
    handle::SessionHandle,
    layer::{SessionLayer, SessionService},
    usage::Usage,
};
