//! Entering the password again, and changing it.

use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use crate::{
    accounts::Accounts,
    app::Failure,
    page::page,
    sign_in::SHORTEST_PASSWORD,
    visit::{Confirmed, Session, SignedIn},
};

#[derive(Deserialize)]
pub(crate) struct Password {
    password: String,
}

pub(crate) async fn form(who: SignedIn) -> Html<String> {
    let content = "<p>Enter your password again, and then repeat what you wanted to do.</p>\n\
         <form method=post action=/account/confirm>\
         <label>Password <input name=password type=password autocomplete=current-password required></label> \
         <button>Confirm</button></form>";
    page(who.theme, "It's you?", content)
}

pub(crate) async fn confirm(
    session: Session,
    who: SignedIn,
    State(accounts): State<Accounts>,
    Form(Password { password }): Form<Password>,
) -> Result<Response, Failure> {
    if !accounts.is_password_of(&who.user.id, password).await? {
        return Ok((StatusCode::UNAUTHORIZED, form(who).await).into_response());
    }
    session.confirm().await?;
    Ok(Redirect::to("/account").into_response())
}

/// Changes the password and ends all other sessions: another person may have begun one with the old password.
pub(crate) async fn change(
    session: Session,
    Confirmed(user): Confirmed,
    State(accounts): State<Accounts>,
    Form(Password { password }): Form<Password>,
) -> Result<Response, Failure> {
    if password.chars().count() < SHORTEST_PASSWORD {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, "The password needs eight characters or more.").into_response());
    }
    accounts.set_password(&user.id, password).await?;
    session.end_others_of_same_user().await?;
    Ok(Redirect::to("/account").into_response())
}
