//! A shopping cart in a plain axum app: `cargo run -p exact-sessions --example cart`, then
//!
//! ```text
//! curl -c jar -b jar -X POST http://127.0.0.1:3000/cart/tea
//! curl -c jar -b jar http://127.0.0.1:3000/cart
//! ```

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use exact_sessions::{
    ChangeError, Error, Sessions,
    axum::{SessionHandle, SessionLayer},
    cookie::CookiePolicy,
    store::sqlite::SqliteStore,
};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct Cart {
    items: BTreeMap<String, u32>,
}

async fn show(cart: SessionHandle<Cart>) -> Result<String, Error> {
    Ok(cart.read().await?.map_or_else(|| "empty\n".to_owned(), |session| list(&session.data)))
}

/// However many tabs do this at once: each adds one.
async fn add(cart: SessionHandle<Cart>, Path(item): Path<String>) -> Result<String, Error> {
    let added = cart.upsert(move |cart| *cart.items.entry(item).or_default() += 1).await?;
    Ok(list(&added.session.data))
}

/// Refuses what isn't there; then nothing is written.
async fn remove(cart: SessionHandle<Cart>, Path(item): Path<String>) -> Result<String, ChangeError<StatusCode>> {
    let removed = cart.try_update(move |cart| cart.items.remove(&item).ok_or(StatusCode::NOT_FOUND)).await?;
    Ok(removed.map_or_else(|| "empty\n".to_owned(), |removed| format!("removed {}\n", removed.value)))
}

fn list(cart: &Cart) -> String {
    let items: Vec<_> = cart.items.iter().map(|(item, count)| format!("{count} x {item}")).collect();
    format!("{}\n", items.join(", "))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::open("data/carts.db")?;
    tokio::spawn(store.clone().keep_swept(Duration::from_secs(600)));
    let sessions = Sessions::<Cart>::new(store);
    let app = Router::new()
        .route("/cart", get(show))
        .route("/cart/{item}", post(add).delete(remove))
        // Without HTTPS, for a try on this machine; `sessions.layer()` is for a site with it.
        .layer(SessionLayer::new(sessions, CookiePolicy::without_https()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/cart", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
