//! The app: its pages, the islands that come alive in the browser, and the server functions between.
//!
//! Feature `ssr`, the default, is the server's build; `hydrate` is the browser's. The browser gets the islands and the
//! stubs of the server functions, and nothing of the sessions behind them: it can't count a view by itself.
//!
//! To add a page, an island or a server function, copy one: each is one file, named in one list (`pages.rs`, `lib.rs`,
//! `server_fns.rs`).

#[cfg(not(any(feature = "ssr", feature = "hydrate")))]
compile_error!("turn on feature `ssr` (the server, the default) or `hydrate` (the browser)");

pub mod counter;
pub mod counter_state;
pub mod greeting;
mod island_state;
pub mod protocol;
pub mod server_fns;
pub mod stored_data;

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod browser;
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod tabs;

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
