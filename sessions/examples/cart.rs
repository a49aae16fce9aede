//! A shopping cart in a plain axum app: `cargo run -p sessions --example cart`, then
//!
//! ```text
//! curl -c jar -b jar -X POST http://127.0.0.1:3000/cart/tea
//! curl -c jar -b jar http://127.0.0.1:3000/cart
//! ```

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::Path,
    routing::{get, post},
};
use exact_sessions::{
    Error, Sessions, Settings,
    axum::{SessionHandle, SessionLayer},
    cookie::CookiePolicy,
    store::sqlite::SqliteStore,
};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct Cart {
    items: BTreeMap<String, u32>,
    customer: Option<String>,
}

async fn show(cart: SessionHandle<Cart>) -> Result<String, Error> {
    Ok(cart.get().await?.map_or_else(|| "empty\n".to_owned(), |session| list(&session.data)))
}

/// However many tabs do this at once: each adds one.
async fn add(cart: SessionHandle<Cart>, Path(item): Path<String>) -> Result<String, Error> {
    let session = cart.visit(move |cart| *cart.items.entry(item.clone()).or_default() += 1).await?;
    Ok(list(&session.data))
}

/// Whoever learned the id before the customer signed in has nothing of it afterwards.
async fn sign_in(cart: SessionHandle<Cart>, Path(name): Path<String>) -> Result<String, Error> {
    cart.visit(move |cart| cart.customer = Some(name.clone())).await?;
    let session = cart.rotate().await?;
    Ok(session.map_or_else(String::new, |session| list(&session.data)))
}

async fn sign_out(cart: SessionHandle<Cart>) -> Result<&'static str, Error> {
    cart.delete().await?;
    Ok("goodbye\n")
}

fn list(cart: &Cart) -> String {
    let customer = cart.customer.as_deref().unwrap_or("a guest");
    let items: Vec<_> = cart.items.iter().map(|(item, count)| format!("{count} x {item}")).collect();
    format!("the cart of {customer}: {}\n", items.join(", "))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::default();
    let cookies = CookiePolicy::new(settings.lifetime, false);
    let sessions = Sessions::new(SqliteStore::open("data/carts.db")?, settings, Cart::default);
    let app = Router::new()
        .route("/cart", get(show))
        .route("/cart/{item}", post(add))
        .route("/sign-in/{name}", post(sign_in))
        .route("/sign-out", post(sign_out))
        .layer(SessionLayer::new(sessions, cookies));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/cart", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
