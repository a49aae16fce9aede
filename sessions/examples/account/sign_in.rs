//! Signing up, in and out.

use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use exact_sessions::{Error, Keep, SignIn};
use serde::Deserialize;

use crate::{
    accounts::Accounts,
    app::Failure,
    page::page,
    visit::{Session, Theme, Visit},
};

/// OWASP ASVS 5.0, 6.2.1.
pub(crate) const SHORTEST_PASSWORD: usize = 8;

#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
    /// What the user calls this device.
    #[serde(default)]
    device: String,
    /// Set if the box was ticked.
    remember: Option<String>,
}

pub(crate) async fn form() -> Html<String> {
    let fields = "<p><label>Name <input name=name autocomplete=username required></label>\n\
         <p><label>Password <input name=password type=password autocomplete=current-password required></label>\n\
         <p><label>This device <input name=device value='My browser'></label>\n\
         <p><label><input name=remember type=checkbox> Remember me</label>\n";
    let content = format!(
        "<form method=post action=/sign-in>{fields}<p><button>Sign in</button>\n\
         <button formaction=/sign-up>Make an account</button></form>"
    );
    page(Theme::default(), "Sign in", &content)
}

pub(crate) async fn sign_up(
    session: Session,
    State(accounts): State<Accounts>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Failure> {
    if credentials.password.chars().count() < SHORTEST_PASSWORD {
        return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, "The password needs eight characters or more."));
    }
    match accounts.create(credentials.name.clone(), credentials.password.clone()).await? {
        Some(user) => Ok(begin(session, user, credentials).await?),
        None => Ok(again(StatusCode::CONFLICT, "Somebody has this name already.")),
    }
}

pub(crate) async fn sign_in(
    session: Session,
    State(accounts): State<Accounts>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Failure> {
    let wrong = || Ok(again(StatusCode::UNAUTHORIZED, "The name or the password is wrong."));
    let Some(account) = accounts.check(&credentials.name, credentials.password.clone()).await? else { return wrong() };
    let signed_in = begin(session.clone(), account.id.clone(), credentials).await?;
    // Somebody may have changed the password meanwhile, and ended all sessions that there were. This one was not there.
    if !accounts.is_current(&account) {
        session.sign_out().await?;
        return wrong();
    }
    Ok(signed_in)
}

/// One transaction: a new id, the user bound to it, and the guest's cart and colours moved along.
async fn begin(
    session: Session,
    user: String,
    Credentials { device, remember, .. }: Credentials,
) -> Result<Response, Error> {
    let keep = if remember.is_some() { Keep::Settings } else { Keep::UntilBrowserCloses };
    session.sign_in(SignIn::new(user).label(device).keep(keep), |_| {}).await?;
    Ok(Redirect::to("/account").into_response())
}

fn again(status: StatusCode, why: &str) -> Response {
    let content = format!("<p>{why}</p>\n<p><a href=/sign-in>Try again</a></p>");
    (status, page(Theme::default(), "Sign in", &content)).into_response()
}

/// The colours stay, the cart does not: the next person at this browser may be another.
pub(crate) async fn sign_out(session: Session) -> Result<Redirect, Error> {
    session.sign_out_keeping(|visit| Visit { theme: visit.theme, ..Visit::default() }).await?;
    Ok(Redirect::to("/"))
}
