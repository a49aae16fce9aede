//! What is served over HTTP, and how.

mod assets;
mod middleware;
mod router;
mod routes;
mod serve;

pub use self::{
    assets::Site,
    middleware::{new_session_limit::NewSessionRateLimiter, other_builds::OtherBuilds},
    router::{App, router},
    serve::{Limits, serve},
};
pub use crate::observability::log_id::LogIds;
