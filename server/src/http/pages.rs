//! The pages, and the answers that carry them.

use std::sync::Arc;

use app::{
    api::ApiError,
    kept::Kept,
    page,
    shell::{Document, Opening, Surroundings},
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

use super::{
    assets::Site,
    compression::{Repeated, compress},
};

/// How many pages are kept: 3 MB of them.
const CAPACITY: usize = 512;

/// Makes the site's pages.
pub(crate) struct Pages {
    site: Site,
    /// Pages of counts that were made before. Many visitors see the same: one of five greetings, a small number, two
    /// days.
    made: Cache<Seen, Arc<Page>>,
}

/// All that the page of a count is made of, so that whoever sees the same may get the same page.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Seen {
    around: Surroundings,
    view: View,
    kept: Kept,
}

impl Pages {
    pub(crate) fn new(site: Site) -> Self {
        Self { site, made: Cache::new(CAPACITY) }
    }

    /// The page of a visitor's count.
    pub(crate) fn counted(&self, headers: &HeaderMap, session: Session<Visitor>) -> Response {
        let kept = Kept::new(self.site.store(), session.created_at, session.expires_at, session.ends_at);
        self.page(Seen { around: self.site.around(headers), view: session.data.into(), kept }).answer(headers)
    }

    fn page(&self, seen: Seen) -> Arc<Page> {
        self.made.get(&seen).unwrap_or_else(|| {
            let Seen { around, view, kept } = seen.clone();
            let page = Arc::new(Page::from(page::home(&around, view, kept)));
            self.made.insert(seen, Arc::clone(&page));
            page
        })
    }

    /// The page for who has it loaded ahead of time.
    pub(crate) fn not_counted(&self, headers: &HeaderMap) -> Response {
        Page::from(page::not_counted(&self.site.around(headers))).answer(headers)
    }

    /// The page for who could not be counted.
    pub(crate) fn failed(&self, headers: &HeaderMap, error: ApiError) -> Response {
        Page::from(page::failed(&self.site.around(headers), error)).answer(headers)
    }

    /// The page for an address where nothing is.
    pub(crate) fn not_found(&self, headers: &HeaderMap) -> Response {
        Page::from(page::not_found(&self.site.around(headers))).answer(headers)
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

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, SystemTime},
    };

    use app::{card::Origin, greeting::Greeting, shell::Assets};

    use super::*;

    fn seen() -> Seen {
        let around = Surroundings { assets: Assets::new("/a.css", "/a.js", "/a.wasm"), origin: None, watched: false };
        let [day, next] = days();
        Seen { around, view: View { views: 1, greeting: Greeting::first() }, kept: Kept::new("SQLite", day, day, next) }
    }

    fn days() -> [SystemTime; 2] {
        [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::from_hours(24)]
    }

    #[test]
    fn a_page_is_made_once_for_who_sees_the_same_and_for_nobody_else() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("pkg")).expect("a folder");
        for name in ["a.css", "a.js", "a.wasm"] {
            fs::write(folder.path().join("pkg").join(name), "").expect("a file");
        }
        let pages = Pages::new(Site::open(folder.path(), false, false, "SQLite").expect("a site"));
        let [day, next] = days();
        let with = |change: fn(&mut Seen)| {
            let mut seen = seen();
            change(&mut seen);
            seen
        };
        let kept = |kept| Seen { kept, ..seen() };
        let all = [
            seen(),
            with(|seen| seen.around.origin = Origin::new(false, "example.com")),
            with(|seen| seen.around.assets = Assets::new("/b.css", "/a.js", "/a.wasm")),
            with(|seen| seen.view.views = 2),
            with(|seen| seen.view.greeting = Greeting::pick("Hola Mundo").expect("a greeting")),
            kept(Kept::new("Firestore", day, day, next)),
            kept(Kept::new("SQLite", next, day, next)),
            kept(Kept::new("SQLite", day, next, next + Duration::from_secs(1))),
            kept(Kept::new("SQLite", day, day, day)),
        ];
        let html = |page: &Page| compress("", &page.rest, &HeaderMap::new()).0;
        for (n, one) in all.iter().enumerate() {
            let page = pages.page(one.clone());
            for (m, other) in all.iter().enumerate() {
                let other = pages.page(other.clone());
                assert_eq!(Arc::ptr_eq(&page, &other), n == m, "{n} {m}");
                assert_eq!(html(&page) == html(&other), n == m, "{n} {m}");
            }
        }
    }
}
