//! The card that other sites make of a link to this one (Open Graph, <https://ogp.me>).

use std::borrow::Cow;

use http::uri::Authority;
use leptos::prelude::*;

/// The longest name of a host, in bytes (RFC 1035, 2.3.4).
const HOST_MAX: usize = 255;

/// Where the visitor reached this site: `https://example.com`, say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(String);

impl Origin {
    /// From the `Host` of a request, which a client can fill with anything; `None` if it's no host and port, or longer
    /// than a name can be.
    #[must_use]
    pub(crate) fn new(https: bool, host: &str) -> Option<Self> {
        let authority: Authority = host.parse().ok()?;
        let name_and_port = match authority.port() {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        let scheme = if https { "https" } else { "http" };
        (name_and_port == host && authority.host().len() <= HOST_MAX).then(|| Self(format!("{scheme}://{host}")))
    }
}

/// A picture of a page, 1200 by 630 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its path: `/card.png` is the file `public/card.png`.
    pub path: &'static str,
    /// What it shows, for a person who can't see it.
    pub text: &'static str,
}

/// The lines of the head that describe the card of the page at this path. Its addresses must be absolute, so without an
/// origin there are none, and no picture.
pub(crate) fn open_graph(
    title: &'static str,
    description: &'static str,
    picture: Option<Picture>,
    path: &str,
    origin: Option<&Origin>,
) -> impl IntoView + use<> {
    let url = origin.map(|Origin(origin)| property("og:url", format!("{origin}{path}")));
    let picture = picture.zip(origin).map(|(Picture { path, text }, Origin(origin))| {
        view! {
            {property("og:image", format!("{origin}{path}"))}
            {property("og:image:width", "1200")}
            {property("og:image:height", "630")}
            {property("og:image:alt", text)}
            <meta name="twitter:card" content="summary_large_image"/>
        }
    });
    view! {
        {property("og:type", "website")}
        {property("og:title", title)}
        {property("og:description", description)}
        {url}
        {picture}
    }
}

/// A line of it, which `view!` can't write.
fn property(property: &'static str, content: impl Into<Cow<'static, str>>) -> impl IntoView {
    leptos::html::meta().attr("property", property).attr("content", content.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let origin = |https, host| Origin::new(https, host).map(|Origin(origin)| origin);
        for host in ["example.com", "localhost:8080", "127.0.0.1:80", "[::1]:8080"] {
            assert_eq!(origin(false, host), Some(format!("http://{host}")));
            assert_eq!(origin(true, host), Some(format!("https://{host}")));
        }
        for bad in ["", "a b", "a/b", "a?b", "user@example.com", "example.com:", "example.com:port", "a\"><script>"] {
            assert_eq!(origin(true, bad), None, "{bad:?}");
        }
        let (longest, too_long) = (format!("{}:65535", "a".repeat(HOST_MAX)), "a".repeat(HOST_MAX + 1));
        assert!(Origin::new(true, &longest).is_some() && Origin::new(true, &too_long).is_none());
    }

    #[test]
    fn without_an_origin_the_card_has_no_picture() {
        const PICTURE: Picture = Picture { path: "/card.png", text: "a cat" };
        let html = |origin: Option<Origin>| {
            Owner::new().with(|| open_graph("Hi", "There", Some(PICTURE), "/session", origin.as_ref()).to_html())
        };
        let with = html(Origin::new(true, "example.com"));
        assert!(with.contains(r#"property="og:image" content="https://example.com/card.png""#), "{with}");
        assert!(with.contains("summary_large_image") && with.contains("a cat"), "{with}");
        assert!(with.contains(r#"property="og:url" content="https://example.com/session""#), "{with}");
        let without = html(None);
        assert!(without.contains(r#"property="og:title" content="Hi""#), "{without}");
        assert!(!without.contains("image"), "{without}");
    }
}
