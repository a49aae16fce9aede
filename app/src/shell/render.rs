//! How a page becomes a response: rendered as a whole, with everything that its resources loaded.
//!
//! Leptos' own handlers (`leptos_axum::render_app_async`) do the same for an app with a router, as a stream of one
//! chunk. Here a page is an axum handler, which knows its status, cookie and data before it renders, and its response
//! has a length, so it can be compressed in one piece.

use std::{
    convert::Infallible,
    sync::{Arc, LazyLock, PoisonError},
};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
        request::Parts,
    },
    response::{Html, IntoResponse, Response},
};
use futures::{FutureExt, StreamExt};
use hydration_context::{SharedContext, SsrSharedContext};
use leptos::{
    nonce::Nonce,
    prelude::*,
    reactive::{computed::ScopedFuture, owner::Owner},
};
use leptos_axum::ResponseOptions;

use super::{
    Site,
    document::{Address, Meta, document},
};

/// A page to render, for the request that a handler got.
///
/// ```ignore
/// pub async fn about(page: Page) -> Response {
///     page.render(Meta::new("About"), || view! { <h1>"About"</h1> }).await
/// }
/// ```
#[derive(Debug)]
pub struct Page {
    site: Arc<Site>,
    parts: Parts,
}

impl<S> FromRequestParts<S> for Page
where
    Arc<Site>: FromRef<S>,
    S: Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self { site: Arc::from_ref(state), parts: parts.clone() })
    }
}

impl Page {
    /// The site that the page is on.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The path of the request for this page.
    #[must_use]
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// Renders the page. In its view, `use_context` has the request's [`Parts`], the [`ResponseOptions`], the [`Site`]
    /// in an `Arc`, and the nonce that its inline scripts must carry; server functions and `leptos_axum::extract` work.
    pub async fn render<V: IntoView>(self, meta: Meta, view: impl FnOnce() -> V + Send) -> Response {
        let (nonce, options) = (Nonce::new(), ResponseOptions::default());
        let shared = Arc::new(SsrSharedContext::new_islands());
        let owner = Owner::new_root(Some(Arc::clone(&shared) as Arc<dyn SharedContext + Send + Sync>));
        let Self { site, parts } = self;
        let address = Address { origin: site.origin(&parts.headers), uri: parts.uri.clone() };
        let html = owner.with(|| {
            provide_context(parts);
            provide_context(options.clone());
            provide_context(nonce.clone());
            provide_context(Arc::clone(&site));
            ScopedFuture::new(html(&site, meta, &nonce, address, &shared, view))
        });
        let html = html.await;
        owner.unset_with_forced_cleanup();

        let policy = policy(&nonce, site.watched);
        let fields = [(CACHE_CONTROL, "no-store".to_owned()), (CONTENT_SECURITY_POLICY, policy)];
        let mut response = (fields, Html(html)).into_response();
        let options = std::mem::take(&mut *options.0.write().unwrap_or_else(PoisonError::into_inner));
        if let Some(status) = options.status {
            *response.status_mut() = status;
        }
        response.headers_mut().extend(options.headers);
        response
    }
}

async fn html<V: IntoView>(
    site: &Site,
    meta: Meta,
    nonce: &Nonce,
    address: Address,
    shared: &SsrSharedContext,
    view: impl FnOnce() -> V + Send,
) -> String {
    let mut stream = view! { <main>{view()}</main> }.to_html_stream_in_order();
    let mut page = String::new();
    while let Some(chunk) = stream.next().await {
        page.push_str(&chunk);
    }
    let interactive = page.contains("<leptos-island");
    if interactive && let Some(script) = resources(shared).await {
        page.extend(["<script nonce=\"", nonce, "\">", &script, "</script>"]);
    }
    document(site, nonce, meta, &address, interactive, page).to_html()
}

/// The script that hands what resources have loaded to the islands; `None` if there is nothing to hand over.
async fn resources(shared: &SsrSharedContext) -> Option<String> {
    while let Some(deferred) = shared.await_deferred() {
        deferred.await;
    }
    let script: String = shared.pending_data()?.collect().await;
    (script != *NOTHING).then_some(script)
}

/// What that script is on a page without resources.
static NOTHING: LazyLock<String> = LazyLock::new(|| {
    let empty = SsrSharedContext::new_islands().pending_data();
    empty.and_then(|script| script.collect::<String>().now_or_never()).unwrap_or_default()
});

/// The value of `Content-Security-Policy`: our own style, images and responses, and scripts that carry the nonce of this
/// response, with what they load themselves.
fn policy(nonce: &Nonce, watched: bool) -> String {
    let reload = if watched { " ws:" } else { "" };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self'; connect-src 'self'{reload}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}
