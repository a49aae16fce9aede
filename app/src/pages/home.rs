//! `/`: greets the visitor and counts the view.

use axum::{
    http::{HeaderMap, Method},
    response::Response,
};
use leptos::prelude::*;
use sessions::axum::SessionHandle;

use super::notice;
use crate::{
    components::{session_forms::session_forms, session_info::SessionInfo},
    counter::{self, Counter, CounterView},
    island_state,
    server_fns::session,
    shell::{Meta, Page},
    visitor::Visitor,
};

const META: Meta = Meta::new("Hello, again").described(
    "A greeting in one of five languages and a count of your visits, kept by a session that is right on any number of \
     servers.",
);

/// Looking at the page counts a view. Asking whether it is there, or loading it ahead of time, does not: that page counts
/// when it is looked at, by its script where there is one, by its link elsewhere.
pub async fn page(page: Page, session: SessionHandle<Visitor>, method: Method, headers: HeaderMap) -> Response {
    if !is_view(&method, &headers) {
        return render(page, None, None).await;
    }
    match session::count_view(&session).await {
        Ok(session) => {
            let info = SessionInfo::new(page.site().store, session.created_at, session.expires_at, session.ends_at);
            render(page, Some(session.data.clone().into()), Some(info)).await
        }
        Err(error) => notice::failed(page, error).await,
    }
}

/// Renders the page of a view, if one was counted, with what it says of the session.
pub async fn render(page: Page, counted: Option<CounterView>, info: Option<SessionInfo>) -> Response {
    let view = move || {
        let forms = session_forms(counted.as_ref().map(|view| view.greeting.text()), info);
        view! {
            {island_state::provide(counter::STATE, counted)}
            <Counter/>
            {forms}
        }
    };
    page.render(META, view).await
}

/// Whether somebody looks at the page now. Browsers that load ahead say so in `Sec-Purpose` (Fetch standard), older ones
/// in `Purpose` or `X-Moz`.
fn is_view(method: &Method, headers: &HeaderMap) -> bool {
    let ahead = ["sec-purpose", "purpose", "x-moz"].into_iter().flat_map(|name| headers.get_all(name)).any(|purpose| {
        let purpose = String::from_utf8_lossy(purpose.as_bytes()).to_ascii_lowercase();
        ["prefetch", "prerender", "preview"].iter().any(|word| purpose.contains(word))
    });
    method == Method::GET && !ahead
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_looking_at_the_page_is_a_view() {
        for (method, header, view) in [
            (Method::GET, None, true),
            (Method::HEAD, None, false),
            (Method::GET, Some(("sec-purpose", "prefetch")), false),
            (Method::GET, Some(("sec-purpose", "prefetch;prerender")), false),
            (Method::GET, Some(("sec-purpose", "prefetch;anonymous-client-ip")), false),
            (Method::GET, Some(("purpose", "Prefetch")), false),
            (Method::GET, Some(("purpose", "preview")), false),
            (Method::GET, Some(("x-moz", "prefetch")), false),
            (Method::GET, Some(("sec-fetch-mode", "navigate")), true),
            (Method::GET, Some(("sec-purpose", "something-new")), true),
        ] {
            let mut headers = HeaderMap::new();
            if let Some((name, value)) = header {
                headers.insert(name, HeaderValue::from_static(value));
            }
            assert_eq!(is_view(&method, &headers), view, "{method} {header:?}");
        }
    }
}
