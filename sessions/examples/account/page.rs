//! Pages as HTML.

use axum::response::Html;
use html_escape::encode_safe;

use crate::visit::Theme;

/// A page with this title and content, which is HTML already.
pub(crate) fn page(theme: Theme, title: &str, content: &str) -> Html<String> {
    let scheme = match theme {
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    Html(format!(
        "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\n\
         <title>{title}</title>\n<style>:root {{ color-scheme: {scheme}; font-family: sans-serif }}</style>\n\
         <h1>{title}</h1>\n{content}\n</html>\n"
    ))
}

/// Text, as it may stand in HTML.
pub(crate) fn text(text: &str) -> String {
    encode_safe(text).into_owned()
}
