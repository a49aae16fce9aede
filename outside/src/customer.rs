//! What customers see.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use exact_sessions::{ChangeError, Error, axum::SessionHandle};
use serde::{Deserialize, Serialize};

/// What is kept of a customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    pub views: u64,
    pub cart: BTreeMap<String, u32>,
}

/// There are no more than three of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoldOut;

impl IntoResponse for SoldOut {
    fn into_response(self) -> Response {
        (StatusCode::CONFLICT, "sold out").into_response()
    }
}

type Session = SessionHandle<Customer>;

pub(crate) fn pages() -> Router {
    Router::new()
        .route("/", get(read))
        .route("/thrice", get(thrice))
        .route("/view", get(view).post(view))
        .route("/both", get(both))
        .route("/cart/{item}", post(add))
        .route("/look/{item}", post(look))
        .route("/slow", get(slow))
        .route("/panic", get(panic))
        .route("/sign-out", post(sign_out))
}

/// A page that only reads.
async fn read(session: Session) -> Result<String, Error> {
    Ok(session.read().await?.map_or(0, |session| session.data.views).to_string())
}

/// Three extractors, as in an app whose middleware and handler each want the session.
async fn thrice(one: Session, two: Option<Session>, three: Session) -> Result<String, Error> {
    one.read().await?;
    if let Some(two) = two {
        two.read().await?;
    }
    read(three).await
}

async fn view(session: Session) -> Result<String, Error> {
    let count = |customer: &mut Customer| {
        customer.views += 1;
        customer.views
    };
    Ok(session.upsert(count).await?.value.to_string())
}

/// Two changes at once.
async fn both(session: Session) -> Result<String, Error> {
    let count = || session.upsert(|customer| customer.views += 1);
    let (one, two) = tokio::join!(count(), count());
    let key = one?.session.key;
    let two = two?.session;
    Ok(format!("{} {}", two.data.views, key == two.key))
}

/// Refuses the fourth of each.
async fn add(session: Session, Path(item): Path<String>) -> Result<String, ChangeError<SoldOut>> {
    let added = session
        .try_upsert(move |customer| {
            let count = customer.cart.entry(item).or_default();
            *count += 1;
            if *count > 3 { Err(SoldOut) } else { Ok(*count) }
        })
        .await?;
    Ok(added.value.to_string())
}

/// Refuses what isn't in the cart.
async fn look(session: Session, Path(item): Path<String>) -> Result<String, ChangeError<SoldOut>> {
    let seen = session.try_update(move |customer| customer.cart.get(&item).copied().ok_or(SoldOut)).await?;
    Ok(seen.map_or_else(|| "no session".to_owned(), |seen| seen.value.to_string()))
}

/// Uses the session, and then takes longer than it may.
async fn slow(session: Session) -> Result<String, Error> {
    view(session).await?;
    tokio::time::sleep(Duration::from_secs(60)).await;
    Ok("never".to_owned())
}

async fn panic(session: Session) -> Result<String, Error> {
    view(session).await?;
    panic!("on purpose");
}

async fn sign_out(session: Session) -> Result<&'static str, Error> {
    session.sign_out().await?;
    Ok("bye")
}
