//! The HTML around a page: the head, the script that brings the island to life, and the policy for scripts.

use std::sync::Arc;

use leptos::{
    nonce::{provide_nonce, use_nonce},
    prelude::*,
};

use crate::card::{Origin, card};

const DESCRIPTION: &str = "A greeting in one of five languages and a count of your visits, kept by a session \
     that is right on any number of servers.";

/// Where the browser gets the assets from. Their names hold a hash of what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    css: Arc<str>,
    js: Arc<str>,
    wasm: Arc<str>,
    /// The script that brings the islands to life.
    script: Arc<str>,
}

impl Assets {
    /// The paths of the style sheet, of the JavaScript that loads the WASM, and of the WASM.
    #[must_use]
    pub fn new(css: &str, js: &str, wasm: &str) -> Self {
        let script = HYDRATE.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        let script = script.replace("JS", &format!("{js:?}")).replace("WASM", &format!("{wasm:?}"));
        Self { css: css.into(), js: js.into(), wasm: wasm.into(), script: script.into() }
    }
}

/// What is around a page.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The assets it loads.
    pub assets: Assets,
    /// Where the visitor reached it, if the request says so.
    pub origin: Option<Origin>,
    /// Whether `cargo leptos watch` runs, and reloads the page when it has changed.
    pub watched: bool,
}

/// A page, rendered.
#[derive(Clone, Debug)]
pub struct Document {
    /// The whole HTML.
    pub html: String,
    /// The value of the `Content-Security-Policy` field that it needs: our own style, images and answers, and
    /// scripts that carry this document's nonce, with what they load themselves.
    pub policy: String,
}

/// The script that loads the WASM and hydrates the islands. It says on the `html` element how that went:
/// `data-hydrated` is `true` or `failed`. Leptos' own script catches no failure.
const HYDRATE: &str = r"
const state = document.documentElement.dataset;
try {
  const wasm = await import(JS);
  await wasm.default({ module_or_path: WASM });
  wasm.hydrate();
  for (const island of document.querySelectorAll('leptos-island')) await wasm[island.dataset.component](island);
  state.hydrated = 'true';
} catch (error) {
  state.hydrated = 'failed';
  console.error('The page works, but its script did not start:', error);
}";

/// Renders a page with an island in it, with the script that brings it to life, and for others to link to.
pub fn alive<P: IntoView>(title: &'static str, around: &Surroundings, page: impl FnOnce() -> P) -> Document {
    document(title, around, page, |nonce| {
        (card(title, DESCRIPTION, around.origin.as_ref()), life(&around.assets, nonce))
    })
}

/// Renders a page that nothing moves on. It loads no script.
pub fn still<P: IntoView>(title: &'static str, around: &Surroundings, page: impl FnOnce() -> P) -> Document {
    document(title, around, page, |_nonce| ())
}

/// Whatever a page shows is known before: it waits for nothing, so it's rendered in one go.
fn document<P: IntoView, H: IntoView>(
    title: &'static str,
    around: &Surroundings,
    page: impl FnOnce() -> P,
    head: impl FnOnce(String) -> H,
) -> Document {
    Owner::new().with(|| {
        provide_nonce();
        let nonce = use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default();
        let html = shell(title, around, head(nonce.clone()), page()).to_html();
        Document { html, policy: policy(&nonce, around.watched) }
    })
}

/// What loads the island's code, as early as can be.
fn life(assets: &Assets, nonce: String) -> impl IntoView + use<> {
    let Assets { js, wasm, script, .. } = assets.clone();
    view! {
        <link rel="modulepreload" href=js/>
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
        <script type="module" nonce=nonce>
            {script}
        </script>
    }
}

fn shell(title: &'static str, around: &Surroundings, head: impl IntoView, page: impl IntoView) -> impl IntoView {
    let css = Arc::clone(&around.assets.css);
    let reload = around.watched.then(|| {
        let options = LeptosOptions::builder().output_name("").build();
        view! { <AutoReload options/> }
    });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="description" content=DESCRIPTION/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#faf8f4" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#171614" media="(prefers-color-scheme: dark)"/>
                <title>{title}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/apple-touch-icon.png"/>
                <link rel="stylesheet" href=css/>
                {head}
                {reload}
            </head>
            <body>
                <main>{page}</main>
            </body>
        </html>
    }
}

fn policy(nonce: &str, watched: bool) -> String {
    let reload = if watched { " ws:" } else { "" };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self'; connect-src 'self'{reload}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}
