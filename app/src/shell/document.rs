//! The document: head and body.

use std::sync::Arc;

use axum::http::Uri;
use leptos::{nonce::Nonce, prelude::*};

use super::Site;
use crate::components::open_graph::{Origin, Picture, open_graph};

/// What the head says of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    title: &'static str,
    description: Option<&'static str>,
    picture: Option<Picture>,
}

impl Meta {
    /// A page with this title.
    #[must_use]
    pub const fn new(title: &'static str) -> Self {
        Self { title, description: None, picture: None }
    }

    /// A page that others may link to: what search engines and other sites say of it.
    #[must_use]
    pub const fn described(self, description: &'static str) -> Self {
        Self { description: Some(description), ..self }
    }

    /// The same with a picture for the cards that other sites make of links.
    #[must_use]
    pub const fn pictured(self, picture: Picture) -> Self {
        Self { picture: Some(picture), ..self }
    }
}

/// Where a page is: the site's origin, if the request says so, and the page's path.
pub(super) struct Address {
    pub(super) origin: Option<Origin>,
    pub(super) uri: Uri,
}

/// The whole document around the HTML of a page, which holds islands if `interactive`.
pub(super) fn document(
    site: &Site,
    nonce: &Nonce,
    Meta { title, description, picture }: Meta,
    Address { origin, uri }: &Address,
    interactive: bool,
    page: String,
) -> impl IntoView + use<> {
    let Site { assets, watched, .. } = site.clone();
    let boot = interactive.then(|| {
        let (nonce, boot) = (nonce.clone(), Arc::clone(&assets.boot));
        view! {
            <link rel="modulepreload" href=Arc::clone(&assets.js)/>
            <link rel="preload" href=Arc::clone(&assets.wasm) r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
            <script type="module" nonce=nonce>{boot}</script>
        }
    });
    let described = description.map(|description| {
        view! {
            <meta name="description" content=description/>
            {open_graph(title, description, picture, uri.path(), origin.as_ref())}
        }
    });
    let reload = watched.then(|| {
        let options = LeptosOptions::builder().output_name("").build();
        view! { <AutoReload options/> }
    });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#faf8f4" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#171614" media="(prefers-color-scheme: dark)"/>
                <title>{title}</title>
                {described}
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/apple-touch-icon.png"/>
                <link rel="stylesheet" href=assets.css/>
                {boot}
                {reload}
            </head>
            <body inner_html=page></body>
        </html>
    }
}
