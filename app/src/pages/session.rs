//! `/session`: what is stored about the visitor, to read, to correct, to download and to delete. Looking at it counts
//! nothing and creates nothing.

use axum::{
    Json,
    http::header::CONTENT_DISPOSITION,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use leptos::prelude::*;
use serde::Serialize;
use sessions::{Session, axum::SessionHandle};

use super::{home, notice};
use crate::{
    greeting::GREETINGS,
    protocol::error_response,
    server_fns::{ApiError, session},
    shell::{Meta, Page},
    stored_data::{StoredData, stored_fields},
    visitor::Visitor,
};

const META: Meta = Meta::new("Your session")
    .described("What this site stores about you, and how to correct, download and delete it.")
    .pictured(home::CARD);

/// The page.
pub async fn page(page: Page, handle: SessionHandle<Visitor>) -> Response {
    match session::read(&handle).await {
        Ok(Some(session)) => page.render(META, move || stored(&session)).await,
        Ok(None) => page.render(META, nothing_stored).await,
        Err(error) => notice::failed(page, error).await,
    }
}

fn stored(session: &Session<Visitor>) -> impl IntoView + use<> {
    let greeting = session.data.greeting();
    let current = greeting.text().to_owned();
    let options = GREETINGS.map(|(text, language)| {
        view! { <option value=text lang=language selected={text == current}>{text}</option> }
    });
    // One that the owner wrote is on offer as long as it's there.
    let owners = greeting.language().is_none().then(|| {
        view! { <option value=current.clone() selected>{current.clone()}</option> }
    });
    view! {
        <h1>"Your session"</h1>
        <p id="sentence">"This is what this site stores about you."</p>
        {stored_fields(session::fields(session))}
        <StoredData/>
        <p class="controls">
            <a class="button" href="/session.json" download>"Download"</a>
            <a class="link" href="/">"To the greeting"</a>
        </p>
        {privacy()}
        <form id="correct" method="post" action="/api/correct" autocomplete="off">
            <h2>"Correct it"</h2>
            <input type="hidden" name="correction[shown][greeting]" value=current/>
            <input type="hidden" name="correction[shown][views]" value=session.data.views()/>
            <label>
                "Greeting "
                <select name="correction[greeting]">{owners} {options.into_iter().collect_view()}</select>
            </label>
            <label>
                "Views "
                <input name="correction[views]" type="number" min="0" max="9007199254740991" required value=session.data.views()/>
            </label>
            <button>"Correct"</button>
        </form>
        <form id="delete" method="post" action="/api/forget">
            <h2>"Delete it"</h2>
            <p>"The session and its cookie are gone at once. The next view of the greeting begins a new one."</p>
            <button>"Forget me"</button>
        </form>
    }
}

fn nothing_stored() -> impl IntoView {
    view! {
        <h1>"Your session"</h1>
        <p id="sentence">"Nothing is stored about you."</p>
        <p class="controls"><a class="button" href="/">"To the greeting"</a></p>
        {privacy()}
    }
}

fn privacy() -> impl IntoView {
    view! {
        <section id="privacy">
            <h2>"Privacy"</h2>
            <p>
                "One cookie holds a random number that tells your browser from others. It is \
                 needed for the count, is not read by scripts, and is sent to no other site. The store keeps only a hash \
                 of it, what you see here, when you were last here, and random marks of the last few changes, by which \
                 none is counted twice. \
                 There are no names, no addresses and no trackers. When you stay away, it is deleted by itself."
            </p>
        </section>
    }
}

/// What is stored for the visitor's sake: the application's fields as they are stored, and the session's times.
#[derive(Serialize)]
struct Download {
    #[serde(flatten)]
    data: Visitor,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// The same as JSON; 404 without a session.
pub async fn download(handle: SessionHandle<Visitor>) -> Response {
    let time = |time| Timestamp::try_from(time).unwrap_or_default();
    match session::read(&handle).await {
        Ok(Some(session)) => {
            let file = [(CONTENT_DISPOSITION, "attachment; filename=\"session.json\"")];
            let (created_at, expires_at) = (time(session.created_at), time(session.expires_at));
            (file, Json(Download { data: session.data.clone(), created_at, expires_at })).into_response()
        }
        Ok(None) => error_response(&ApiError::NoSession, Json(ApiError::NoSession)),
        Err(error) => error_response(&error, Json(error)),
    }
}
