//! The account's page, with a list of the devices where the user is signed in.

use std::time::SystemTime;

use axum::{
    Form,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use exact_sessions::{Error, SessionKey, UserSession};
use serde::Deserialize;

use crate::{
    page::{page, text},
    visit::{Confirmed, Session, SignedIn},
};

pub(crate) async fn account(session: Session, who: SignedIn) -> Result<Html<String>, Error> {
    let mut devices = session.of_same_user().await?;
    devices.sort_by_key(|device| std::cmp::Reverse(device.last_seen));
    let rows: String = devices.iter().map(|device| row(device, device.key == who.key)).collect();
    let content = format!(
        "<p>You are {}. <a href=/>Shop</a></p>\n\
         <h2>Your devices</h2>\n<ul>\n{rows}</ul>\n\
         <form method=post action=/account/devices/end-others><button>Sign out all others</button></form>\n\
         <h2>Password</h2>\n<form method=post action=/account/password>\
         <label>New password <input name=password type=password autocomplete=new-password required></label> \
         <button>Change</button></form>\n\
         <form method=post action=/sign-out><button>Sign out</button></form>",
        text(&who.user.id)
    );
    Ok(page(who.theme, "Your account", &content))
}

fn row(device: &UserSession, is_this: bool) -> String {
    let label = text(device.label.as_deref().filter(|label| !label.is_empty()).unwrap_or("A device"));
    let since = SystemTime::now().duration_since(device.last_seen).unwrap_or_default().as_secs() / 3600;
    let seen = if since == 0 { "within the last hour".to_owned() } else { format!("{since} hours ago") };
    // The key is a name of the session, and no secret.
    let end = format!(
        "<form method=post action=/account/devices/end><button name=key value={}>End</button></form>",
        device.key
    );
    let this = if is_this { " (this one)" } else { "" };
    format!("<li>{label}{this}, active {seen} {end}</li>\n")
}

#[derive(Deserialize)]
pub(crate) struct Device {
    key: String,
}

/// Ends a session if it's one of this user's.
pub(crate) async fn end_one(
    session: Session,
    _: Confirmed,
    Form(Device { key }): Form<Device>,
) -> Result<Response, Error> {
    let Some(key) = SessionKey::parse(&key) else { return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response()) };
    session.end_one_of_same_user(key).await?;
    Ok(Redirect::to("/account").into_response())
}

pub(crate) async fn end_others(session: Session, _: Confirmed) -> Result<Redirect, Error> {
    session.end_others_of_same_user().await?;
    Ok(Redirect::to("/account"))
}
