//! The app: its pages, the islands that come alive in the browser, and the server functions between.
//!
//! Feature `ssr`, the default, is the server's build; `hydrate` is the browser's. The browser gets the islands and the
//! stubs of the server functions, and nothing of the sessions behind them.

#[cfg(not(any(feature = "ssr", feature = "hydrate")))]
compile_error!("turn on feature `ssr` (the server, the default) or `hydrate` (the browser)");

pub mod counter;
mod island_state;
pub mod protocol;
pub mod server_fns;

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod hydrate;
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
pub use hydrate::hydrate;

#[cfg(feature = "ssr")]
mod components;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod visitor;

#[cfg(feature = "ssr")]
mod routes;
#[cfg(feature = "ssr")]
pub use routes::{not_found, routes, server_functions};
