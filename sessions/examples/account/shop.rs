//! The first page: a cart, and a choice of colours. It's for guests, too.

use axum::{
    Form,
    response::{Html, Redirect},
};
use exact_sessions::Error;
use serde::Deserialize;

use crate::{
    page::{page, text},
    visit::{Session, Theme},
};

const GOODS: [&str; 3] = ["tea", "coffee", "cake"];

pub(crate) async fn home(session: Session) -> Result<Html<String>, Error> {
    let session = session.read().await?;
    let visit = session.as_ref().map(|session| session.data.clone()).unwrap_or_default();
    let account = match session.as_ref().and_then(|session| session.user.as_ref()) {
        Some(user) => format!(
            "<p>Signed in as {}. <a href=/account>Your account</a></p>\n\
             <form method=post action=/sign-out><button>Sign out</button></form>",
            text(&user.id)
        ),
        None => "<p><a href=/sign-in>Sign in</a></p>".to_owned(),
    };
    let cart: String = visit.cart.iter().map(in_cart).collect();
    let goods: String = GOODS.map(|item| format!("<button name=item value={item}>{item}</button>")).concat();
    let content = format!(
        "{account}\n<h2>Your cart</h2>\n<ul>{cart}</ul>\n<form method=post action=/cart>{goods}</form>\n\
         <form method=post action=/theme><button name=theme value=light>light</button>\
         <button name=theme value=dark>dark</button></form>"
    );
    Ok(page(visit.theme, "Shop", &content))
}

fn in_cart((item, count): (&String, &u32)) -> String {
    format!("<li>{count} x {}</li>", text(item))
}

#[derive(Deserialize)]
pub(crate) struct Item {
    item: String,
}

/// However many tabs do this at once: each adds one.
pub(crate) async fn add(session: Session, Form(Item { item }): Form<Item>) -> Result<Redirect, Error> {
    if GOODS.contains(&item.as_str()) {
        session.upsert(move |visit| *visit.cart.entry(item).or_default() += 1).await?;
    }
    Ok(Redirect::to("/"))
}

#[derive(Deserialize)]
pub(crate) struct Preferences {
    theme: Theme,
}

pub(crate) async fn set_theme(session: Session, Form(wished): Form<Preferences>) -> Result<Redirect, Error> {
    session.upsert(move |visit| visit.theme = wished.theme).await?;
    Ok(Redirect::to("/"))
}
