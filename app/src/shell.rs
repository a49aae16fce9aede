//! The HTML around a page: the head, the script that brings the island to life, and the policy for scripts.

use std::sync::Arc;

use leptos::{nonce::Nonce, prelude::*};

use crate::card::{Origin, card};

const DESCRIPTION: &str = "A greeting in one of five languages and a count of your visits, kept by a session \
     that is right on any number of servers.";

/// Where the browser gets the assets from. Their names hold a hash of what is in them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Surroundings {
    /// The assets it loads.
    pub assets: Assets,
    /// Where the visitor reached it, if the request says so.
    pub origin: Option<Origin>,
    /// Whether `cargo leptos watch` runs, and reloads the page when it has changed.
    pub watched: bool,
}

/// A page, rendered, but for the nonce that its scripts carry: that one is good for one response.
#[derive(Clone, Debug)]
pub struct Document {
    /// A small part of the HTML, with the place of the nonce.
    pub opening: Opening,
    /// The rest, the same for every nonce.
    pub rest: String,
}

/// The HTML of a page up to its last nonce; empty if it has no script.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Each is followed by the nonce.
    parts: Vec<String>,
    watched: bool,
}

impl Document {
    /// From HTML that was rendered with this nonce, which nobody can have put into what the page shows.
    fn new(mut html: String, nonce: &Nonce, watched: bool) -> Self {
        let rest = html.split_off(html.rfind(&**nonce).map_or(0, |last| last + nonce.len()));
        let parts = html.split_terminator(&**nonce).map(str::to_owned).collect();
        Self { opening: Opening { parts, watched }, rest }
    }
}

impl Opening {
    /// The HTML with this nonce.
    #[must_use]
    pub fn html(&self, nonce: &Nonce) -> String {
        self.parts.iter().flat_map(|part| [part.as_str(), nonce]).collect()
    }

    /// The value of the `Content-Security-Policy` field that the page needs: our own style, images and answers, and
    /// scripts that carry the nonce, with what they load themselves.
    #[must_use]
    pub fn policy(&self, nonce: &Nonce) -> String {
        let reload = if self.watched { " ws:" } else { "" };
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self'; connect-src 'self'{reload}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
    }
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
    let head = (preloads(&around.assets), card(title, DESCRIPTION, around.origin.as_ref()));
    document(title, around, |nonce| script(&around.assets, nonce), head, page)
}

/// Renders a page that nothing moves on. It loads no script.
pub fn still<P: IntoView>(title: &'static str, around: &Surroundings, page: impl FnOnce() -> P) -> Document {
    document(title, around, |_nonce| (), (), page)
}

/// Whatever a page shows is known before: it waits for nothing, so it's rendered in one go.
fn document<P: IntoView, S: IntoView>(
    title: &'static str,
    around: &Surroundings,
    script: impl FnOnce(Nonce) -> S,
    head: impl IntoView,
    page: impl FnOnce() -> P,
) -> Document {
    Owner::new().with(|| {
        let nonce = Nonce::new();
        // For the scripts that Leptos itself puts into the page.
        provide_context(nonce.clone());
        let html = shell(title, around, script(nonce.clone()), head, page()).to_html();
        Document::new(html, &nonce, around.watched)
    })
}

/// What brings the island to life, once the page is there.
fn script(assets: &Assets, nonce: Nonce) -> impl IntoView + use<> {
    let script = Arc::clone(&assets.script);
    view! {
        <script type="module" nonce=nonce>
            {script}
        </script>
    }
}

/// What the script loads, as early as can be.
fn preloads(assets: &Assets) -> impl IntoView + use<> {
    let Assets { js, wasm, .. } = assets.clone();
    view! {
        <link rel="modulepreload" href=js/>
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
    }
}

/// What carries the nonce comes first, so that nearly all of the page is the same for every nonce.
fn shell(
    title: &'static str,
    around: &Surroundings,
    script: impl IntoView,
    head: impl IntoView,
    page: impl IntoView,
) -> impl IntoView {
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
                {script}
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

#[cfg(test)]
mod tests {
    use super::*;

    fn around(watched: bool) -> Surroundings {
        Surroundings { assets: Assets::new("/a.css", "/a.js", "/a.wasm"), origin: None, watched }
    }

    #[test]
    fn scripts_carry_the_nonce_that_is_given() {
        for watched in [false, true] {
            let Document { opening, rest } = alive("A title", &around(watched), || "a page");
            let nonce = Nonce::from_value("a nonce");
            let html = opening.html(&nonce) + &rest;
            let count = |text| html.matches(text).count();
            let scripts = count("<script");
            assert!(scripts > 0 && [count("nonce="), count("nonce=\"a nonce\"")] == [scripts; 2], "{html}");
            assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>"), "{html}");
            let policy = opening.policy(&nonce);
            assert!(policy.contains("'nonce-a nonce'") && policy.contains(" ws:") == watched, "{policy}");
        }
    }

    #[test]
    fn a_document_is_cut_at_each_place_of_the_nonce() {
        let nonce = Nonce::from_value("old");
        let Document { opening, rest } = Document::new("<a old><b old>, rest".to_owned(), &nonce, true);
        assert_eq!(opening.html(&Nonce::from_value("new")) + &rest, "<a new><b new>, rest");
        assert_eq!(rest, ">, rest");
    }

    #[test]
    fn nearly_all_of_a_page_is_the_same_for_every_nonce() {
        let Document { opening, rest } = alive("A title", &around(false), || "a page");
        assert!(opening.html(&Nonce::new()).len() < rest.len() / 10);
        let Document { opening, rest } = still("A title", &around(false), || "a page");
        assert_eq!((opening.html(&Nonce::new()).as_str(), rest.contains("<script")), ("", false));
    }
}
