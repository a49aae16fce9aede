//! The pages, and the answers that carry them.

use std::sync::Arc;

use app::{
    api::ApiError,
    card::Origin,
    kept::Kept,
    page,
    shell::{Document, Opening},
    view::View,
    visitor::Visitor,
};
use axum::{
    http::{
        HeaderMap,
        header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, VARY},
    },
    response::{Html, IntoResponse as _, Response},
};
use leptos::nonce::Nonce;
use quick_cache::sync::Cache;
use sessions::Session;

use crate::{
    assets::Site,
    compression::{Repeated, compress},
};

/// How many pages of counts are kept: 3 MB of them.
const KEPT: usize = 512;

/// Makes the site's pages.
#[derive(Clone)]
pub(crate) struct Pages {
    site: Site,
    /// Pages of counts that were made before. Many visitors see the same: one of five greetings, a small number, two
    /// days. There are none while the assets change under the running server.
    counts: Option<Arc<Cache<Count, Arc<Page>>>>,
}

/// All that the page of a count depends on.
#[derive(PartialEq, Eq, Hash)]
struct Count {
    origin: Option<Origin>,
    view: View,
    kept: Kept,
}

impl Pages {
    pub(crate) fn new(site: Site) -> Self {
        let counts = (!site.is_watched()).then(|| Arc::new(Cache::new(KEPT)));
        Self { site, counts }
    }

    /// The page of a visitor's count.
    pub(crate) fn count(&self, headers: &HeaderMap, session: Session<Visitor>) -> Response {
        let in_any_case = session.expires_at >= session.ends_at;
        let until = session.expires_at.min(session.ends_at);
        let kept = Kept::new(self.site.store(), session.created_at, until, in_any_case);
        let count = Count { origin: self.site.origin(headers), view: session.data.into(), kept };
        let made_before = self.counts.as_ref().and_then(|counts| counts.get(&count));
        made_before.unwrap_or_else(|| self.make(count)).answer(headers)
    }

    fn make(&self, count: Count) -> Arc<Page> {
        let around = self.site.around(count.origin.clone());
        let page = Arc::new(Page::from(page::home(&around, count.view.clone(), count.kept.clone())));
        if let Some(counts) = &self.counts {
            counts.insert(count, Arc::clone(&page));
        }
        page
    }

    /// The page for who has it loaded ahead of time.
    pub(crate) fn not_counted(&self, headers: &HeaderMap) -> Response {
        let around = self.site.around(self.site.origin(headers));
        Page::from(page::not_counted(&around)).answer(headers)
    }

    /// The page for who could not be counted.
    pub(crate) fn failed(&self, headers: &HeaderMap, error: ApiError) -> Response {
        Page::from(page::failed(&self.site.around(None), error)).answer(headers)
    }

    /// The page for an address where nothing is.
    pub(crate) fn not_found(&self, headers: &HeaderMap) -> Response {
        Page::from(page::not_found(&self.site.around(None))).answer(headers)
    }
}

/// A page, made once and sent again and again.
struct Page {
    opening: Opening,
    rest: Repeated,
}

impl From<Document> for Page {
    fn from(Document { opening, rest }: Document) -> Self {
        Self { opening, rest: rest.into() }
    }
}

impl Page {
    /// The answer to a request with these headers. It has a nonce of its own.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let nonce = Nonce::new();
        let (body, coding) = compress(&self.opening.html(&nonce), &self.rest, headers);
        let fields = [
            (CACHE_CONTROL, "no-store".to_owned()),
            (CONTENT_SECURITY_POLICY, self.opening.policy(&nonce)),
            (VARY, "accept-encoding".to_owned()),
        ];
        (fields, coding.map(|coding| [(CONTENT_ENCODING, coding)]), Html(body)).into_response()
    }
}
