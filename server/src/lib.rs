//! The web server of the page whose views are counted in sessions.
//!
//! Dependencies point one way: [`cli`] → `startup` → [`http`] → `observability` → `config`.

pub mod cli;
mod config;
pub mod http;
mod observability;
mod startup;
mod store;
