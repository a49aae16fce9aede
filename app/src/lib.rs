//! The page: what the server renders, what the browser brings to life, and the server functions between.
//!
//! Feature `ssr` is the server's build, `hydrate` the browser's. In the browser there's the island and the
//! stubs of the server functions, nothing of the sessions behind them: it can't count a view by itself.

pub mod api;
pub mod greeting;
pub mod island;
pub mod shown;
mod state;
pub mod view;
pub mod wire;

#[cfg(feature = "ssr")]
pub mod card;
#[cfg(not(feature = "ssr"))]
pub mod fetch;
#[cfg(feature = "ssr")]
mod forms;
#[cfg(feature = "ssr")]
pub mod kept;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod visitor;
