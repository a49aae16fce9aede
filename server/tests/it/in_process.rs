//! The whole site in this process: router, layers and pages, without a socket, a browser or a file of sessions. What an
//! app's own tests need for most of its pages; the others of this folder are for what only a process can show.

use app::visitor::Visitor as Data;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use server::http::{App, LogIds, NewSessionRateLimiter, OtherBuilds, Site, router};
use sessions::{Sessions, Settings, SignIn, store::memory::MemoryStore, testing::Visitor};
use tempfile::TempDir;

/// The site over HTTPS.
pub(crate) fn site() -> (Router, TempDir) {
    site_with(true)
}

/// The site, whose built files are empty. The folder is removed when the last part is dropped.
fn site_with(https_only: bool) -> (Router, TempDir) {
    site_of(https_only, Data::sessions(MemoryStore::default(), Settings::default()))
}

fn site_of(https_only: bool, sessions: Sessions<Data>) -> (Router, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let pkg = folder.path().join("pkg");
    std::fs::create_dir(&pkg).expect("a folder");
    for kind in ["css", "js", "wasm"] {
        std::fs::write(pkg.join(format!("hello-sessions.{kind}")), "").expect("a file");
    }
    let app = App {
        sessions,
        cookies: Data::cookie(https_only).expect("a cookie"),
        site: Site::open(folder.path(), false, https_only, "memory").expect("a site"),
        other_builds: OtherBuilds::open(folder.path()).expect("a site"),
        new_sessions: NewSessionRateLimiter::new(0, 0),
        https_only,
        stopping: tokio_util::sync::CancellationToken::new(),
        log_ids: LogIds::new(None),
    };
    (router(app), folder)
}

#[tokio::test]
async fn a_visitor_is_counted_greeted_as_chosen_and_forgotten() {
    let (app, _folder) = site();
    let mut ada = Visitor::new(Data::cookie(true).expect("a cookie"));
    for views in 1..=3 {
        let page = ada.get(&app, "/").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains(&format!("{views} view")), "{}", page.text());
    }
    let chosen = ada.post(&app, "/api/greeting", &[("greeting", "Hola Mundo")]).await;
    assert_eq!((chosen.status, chosen.location()), (StatusCode::SEE_OTHER, Some("/")));
    let stored = ada.get(&app, "/session.json").await;
    let stored: serde_json::Value = serde_json::from_slice(&stored.body).expect("JSON");
    assert_eq!((&stored["greeting"], &stored["views"]), (&"Hola Mundo".into(), &3.into()));
    let mut bob = Visitor::new(Data::cookie(true).expect("a cookie"));
    assert_eq!(bob.get(&app, "/session.json").await.status, StatusCode::NOT_FOUND);

    ada.post(&app, "/api/forget", &()).await;
    assert_eq!(ada.id(), None);
    assert_eq!(ada.get(&app, "/session.json").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_another_site_sends_does_nothing() {
    let (app, _folder) = site();
    let mut ada = Visitor::new(Data::cookie(true).expect("a cookie"));
    ada.get(&app, "/").await;
    let forged = Request::post("/api/forget").header(header::HOST, "localhost").header("sec-fetch-site", "cross-site");
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

/// On 408 browsers would send it again.
#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_not_sent_again_by_the_browser() {
    let (app, _folder) = site();
    let mut ada = Visitor::new(Data::cookie(true).expect("a cookie"));
    let body = Body::from_stream(futures::stream::pending::<Result<&str, std::convert::Infallible>>());
    let request = Request::post("/api/refresh").header(header::HOST, "localhost").body(body).expect("a request");
    assert_eq!(ada.send(&app, request).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn every_response_is_guarded() {
    let (app, _folder) = site_with(false);
    let mut ada = Visitor::new(Data::cookie(false).expect("a cookie"));
    for path in
        ["/", "/session", "/session.json", "/nowhere", "/healthz", "/readyz", "/favicon.svg", "/pkg/hello.c0ffee.js"]
    {
        let page = ada.get(&app, path).await;
        let header = |name: &str| page.headers.get(name).map(|value| value.to_str().expect("text"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(name), Some(value), "{path}");
        }
        assert_eq!(header("strict-transport-security"), None, "{path}");
        assert!(header("permissions-policy").is_some_and(|policy| policy.contains("camera=()")), "{path}");
        let Some("text/html; charset=utf-8") = header("content-type") else { continue };
        let policy = header("content-security-policy").expect("a policy");
        for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
        let (html, nonce) = (page.text(), format!("nonce=\"{nonce}\""));
        assert_eq!(html.matches(&nonce).count(), html.matches("<script").count(), "{path}");
        assert_eq!(header("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn https_only_leads_to_https_and_says_so() {
    let (app, _folder) = site();
    let get = |path: &str, scheme: Option<&str>| {
        let request = Request::get(path).header(header::HOST, "example.com");
        let request = scheme.iter().fold(request, |request, scheme| request.header("x-forwarded-proto", *scheme));
        request.body(Body::empty()).expect("a request")
    };
    let mut ada = Visitor::new(Data::cookie(true).expect("a cookie"));
    let response = ada.send(&app, get("/?a=b", Some("http"))).await;
    assert_eq!((response.status(), ada.id()), (StatusCode::PERMANENT_REDIRECT, None));
    assert_eq!(response.headers()[header::LOCATION], "https://example.com/?a=b");
    for scheme in [None, Some("https")] {
        let response = ada.send(&app, get("/", scheme)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::STRICT_TRANSPORT_SECURITY], "max-age=63072000");
    }
}

/// A field that the page knows nothing of is listed and downloaded like the others.
#[tokio::test]
async fn what_is_stored_is_all_listed() {
    let (app, _folder) = site();
    let mut ada = Visitor::new(Data::cookie(true).expect("a cookie"));
    ada.get(&app, "/").await;
    let download: serde_json::Value = serde_json::from_slice(&ada.get(&app, "/session.json").await.body).expect("JSON");
    let page = ada.get(&app, "/session").await.text();
    let listed = page.matches("<dt>").count();
    let times = ["created_at", "expires_at"];
    let fields = download.as_object().expect("an object").keys().filter(|name| !times.contains(&name.as_str()));
    let mut count = 0;
    for name in fields {
        let label = format!("<dt>{}{}</dt>", name[..1].to_uppercase(), name[1..].replace('_', " "));
        assert!(page.contains(&label), "{label} in {page}");
        count += 1;
    }
    assert_eq!(listed, count + 3, "and since when, until when and where: {page}");
}

/// An app that signs people in gets there; the page itself does not.
#[tokio::test]
async fn an_id_that_a_sign_in_has_replaced_is_a_conflict() {
    let sessions = Data::sessions(MemoryStore::default(), Settings::default());
    let (app, _folder) = site_of(true, sessions.clone());
    let mut ada = Visitor::new(Data::cookie(true).expect("a cookie"));
    ada.get(&app, "/").await;
    sessions.sign_in(ada.id(), SignIn::new("ada"), |_| {}).await.expect("a sign-in");

    let page = ada.get(&app, "/").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.text().contains("You have just signed in or out."), "{}", page.text());
    let script = Request::post("/api/refresh").header(header::HOST, "localhost");
    let script = script.header(header::CONTENT_TYPE, "application/vnd.server-fn+json").body(Body::from("{}"));
    let response = ada.send(&app, script.expect("a request")).await;
    assert_eq!((response.status(), response.headers().get(header::SET_COOKIE)), (StatusCode::CONFLICT, None));
    let form = ada.post(&app, "/api/refresh", &()).await;
    assert_eq!((form.status, form.location()), (StatusCode::SEE_OTHER, Some("/")), "a form leads back to the page");
}
