//! The whole site in this process: router, layers and pages, without a socket, a browser or a file of sessions. Most
//! tests need no more.

use app::visitor::Visitor as Data;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use server::http::{App, LogIds, NewSessionRateLimiter, OtherBuilds, Site, router};
use sessions::{Settings, store::memory::MemoryStore, testing::Visitor};
use tempfile::TempDir;

/// The site over HTTPS, whose built files are empty. The folder is removed when the last part is dropped.
pub(crate) fn site() -> (Router, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let pkg = folder.path().join("pkg");
    std::fs::create_dir(&pkg).expect("a folder");
    for kind in ["css", "js", "wasm"] {
        std::fs::write(pkg.join(format!("hello-sessions.{kind}")), "").expect("a file");
    }
    let app = App {
        sessions: Data::sessions(MemoryStore::default(), Settings::default()),
        cookies: Data::cookie(true).expect("a cookie"),
        site: Site::open(folder.path(), false, true, "memory").expect("a site"),
        other_builds: OtherBuilds::open(folder.path()).expect("a site"),
        new_sessions: NewSessionRateLimiter::new(0, 0),
        https_only: true,
        stopping: tokio_util::sync::CancellationToken::new(),
        log_ids: LogIds::new(None),
    };
    (router(app), folder)
}

#[tokio::test]
async fn a_visitor_is_counted() {
    let (app, _folder) = site();
    let mut ada = Visitor::new(Data::cookie(true).expect("a cookie"));
    for views in 1..=3 {
        let page = ada.get(&app, "/").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains(&format!("{views} views")), "{}", page.text());
    }
}

#[tokio::test]
async fn what_another_site_sends_does_nothing() {
    let (app, _folder) = site();
    let mut ada = Visitor::new(Data::cookie(true).expect("a cookie"));
    ada.get(&app, "/").await;
    let forged = Request::post("/api/refresh").header(header::HOST, "localhost").header("sec-fetch-site", "cross-site");
    let response = ada.send(&app, forged.body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(response.headers().get(header::SET_COOKIE), None);
    assert!(ada.get(&app, "/").await.text().contains("2 views"), "the session is still there");
}

#[tokio::test]
async fn an_unknown_address_is_a_page_that_counts_nothing() {
    let (app, _folder) = site();
    let mut ada = Visitor::new(Data::cookie(true).expect("a cookie"));
    let page = ada.get(&app, "/nothing-here").await;
    assert_eq!((page.status, ada.id()), (StatusCode::NOT_FOUND, None));
    assert!(page.headers.contains_key(header::CONTENT_SECURITY_POLICY));
}
