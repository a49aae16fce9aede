//! A small app with accounts: sign-in with hashed passwords, preferences, a cart that survives the sign-in, "your
//! devices" with sign-out everywhere, remember me, and a password that must be entered again before it's changed.
//!
//! `cargo run -p exact-sessions --example account`, then open <http://127.0.0.1:3000>. Sessions are kept in
//! `data/account.db`; accounts are forgotten when it stops, and would be a table of your database.
//!
//! What is not here, since it isn't about sessions: a limit on how often a password can be tried, the confirmation of
//! an address, and the recovery of a password.

mod accounts;
mod app;
mod devices;
mod page;
mod password;
mod shop;
mod sign_in;
#[cfg(test)]
mod tests;
mod visit;

use std::time::Duration;

use argon2::Params;
use exact_sessions::{Sessions, cookie::CookiePolicy, store::sqlite::SqliteStore};

use crate::{accounts::Accounts, app::app, visit::Visit};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let store = SqliteStore::open("data/account.db")?;
    tokio::spawn(store.clone().keep_swept(Duration::from_secs(600)));
    let sessions = Sessions::<Visit>::new(store);
    let accounts = Accounts::new(Params::default())?;
    // Without HTTPS, for a try on this machine. `CookiePolicy::default()` is for a site with it.
    let app = app(sessions, accounts, CookiePolicy::without_https());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
