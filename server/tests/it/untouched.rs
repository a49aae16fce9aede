//! What must not touch a session: looking whether the page is there, loading it ahead of time, health
//! checks, assets, and addresses where nothing is.

use reqwest::{Method, RequestBuilder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Browser, COMPRESSED, Instance, SITE, Store, TestApp, store::Stored};

on_both_stores!(
    asking_and_loading_ahead_count_nothing,
    health_checks_touch_no_session,
    assets_touch_no_session,
    addresses_where_nothing_is_touch_no_session,
);

/// A session to see that nothing happens to it, and a browser without one to see that it gets none.
struct Watch {
    visitor: Browser,
    stranger: Browser,
    before: Option<Stored>,
}

impl Watch {
    async fn new(app: &TestApp, at: &Instance) -> Self {
        let mut visitor = Browser::new();
        visitor.view(at).await;
        let before = app.store.session(visitor.id()).await;
        Self { visitor, stranger: Browser::new(), before }
    }

    /// Sends a request with and without a cookie and returns the status, which must be the same.
    async fn untouched_by(&mut self, store: &Store, request: impl Fn(&Browser) -> RequestBuilder, what: &str) -> u16 {
        let mut statuses = [0; 2];
        for (browser, status) in [&mut self.visitor, &mut self.stranger].into_iter().zip(&mut statuses) {
            let request = request(browser);
            let response = browser.send(request).await;
            assert_eq!(response.cookies(), [""; 0], "{what}: a cookie");
            assert!(!response.body.contains(" views for "), "{what}: a count");
            *status = response.status;
        }
        assert_eq!(statuses[0], statuses[1], "{what}");
        assert_eq!(store.session(self.visitor.id()).await, self.before, "{what}: the session has changed");
        assert_eq!(store.sessions().await, 1, "{what}: a new session");
        statuses[0]
    }
}

async fn asking_and_loading_ahead_count_nothing(app: TestApp) {
    let server = app.start().await;
    let mut watch = Watch::new(&app, &server).await;
    let head = |browser: &Browser| browser.request(Method::HEAD, &server.url("/"));
    assert_eq!(watch.untouched_by(&app.store, head, "HEAD").await, 200);
    for (name, value) in [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Sec-Purpose", "prefetch;anonymous-client-ip"),
        ("Purpose", "prefetch"),
        ("Purpose", "preview"),
        ("X-Moz", "prefetch"),
    ] {
        let ahead = |browser: &Browser| browser.request(Method::GET, &server.url("/")).header(name, value);
        let status = watch.untouched_by(&app.store, ahead, &format!("{name}: {value}")).await;
        assert_eq!(status, 200, "{name}: {value}");
    }
    let other = Method::from_bytes(b"PURGE").expect("a method");
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE, other] {
        let request = |browser: &Browser| browser.request(method.clone(), &server.url("/"));
        let status = watch.untouched_by(&app.store, request, method.as_str()).await;
        assert!((400..500).contains(&status), "{method}: {status}");
    }
    assert_eq!(watch.visitor.view(&server).await.views, 2);
}

async fn health_checks_touch_no_session(app: TestApp) {
    let server = app.start().await;
    let mut watch = Watch::new(&app, &server).await;
    for path in ["/healthz", "/readyz"] {
        for method in [Method::GET, Method::HEAD] {
            let request = |browser: &Browser| browser.request(method.clone(), &server.url(path));
            assert_eq!(watch.untouched_by(&app.store, request, path).await, 200, "{method} {path}");
        }
    }
}

async fn assets_touch_no_session(app: TestApp) {
    let server = app.start().await;
    let mut watch = Watch::new(&app, &server).await;
    for (path, content) in SITE {
        let url = server.url(&format!("/{path}"));
        let request = |browser: &Browser| browser.request(Method::GET, &url);
        assert_eq!(watch.untouched_by(&app.store, request, path).await, 200);

        let response = watch.visitor.send(request(&watch.visitor)).await;
        assert_eq!(response.body, content);
        let hashed = path.starts_with("pkg/");
        let caching = if hashed { "public, max-age=31536000, immutable" } else { "public, max-age=86400" };
        assert_eq!(response.header("cache-control"), Some(caching), "{path}");
        assert!(!response.headers.get_all("vary").iter().any(|vary| vary.as_bytes() == b"Cookie"), "{path}");
    }

    // A page of the site names each asset.
    let page = watch.visitor.load(&server).await.body;
    for (path, _) in SITE {
        assert!(page.contains(&format!("\"/{path}\"")), "{path} is not in {page}");
    }

    let (path, _) = SITE[0];
    let compressed =
        watch.visitor.request(Method::GET, &server.url(&format!("/{path}"))).header("Accept-Encoding", "br");
    let response = watch.visitor.send(compressed).await;
    assert_eq!((response.header("content-encoding"), response.body.as_str()), (Some("br"), COMPRESSED.1));
}

async fn addresses_where_nothing_is_touch_no_session(app: TestApp) {
    let server = app.start().await;
    let mut watch = Watch::new(&app, &server).await;
    for path in [
        "/nothing",
        "/nothing/",
        "//",
        "/index.html",
        "/pkg",
        "/pkg/",
        "/pkg/nothing.js",
        "/pkg/hello.c0ffee.js/",
        "/favicon.svg/x",
        "/api",
        "/api/",
        "/api/nothing",
        "/%ff",
        "/nothing?session_id=x",
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = |browser: &Browser| browser.request(method.clone(), &server.url(path));
            assert_eq!(watch.untouched_by(&app.store, request, path).await, 404, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn odd_addresses_and_methods_are_not_found() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    let mut watch = Watch::new(&app, &server).await;
    for path in ["/nothing", "/%00", "/pkg/%00"] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
            let request = |browser: &Browser| browser.request(method.clone(), &server.url(path));
            assert_eq!(watch.untouched_by(&app.store, request, path).await, 404, "{method} {path}");
        }
    }
    for length in 245..265 {
        let path = format!("/{}", "x".repeat(length));
        for method in [Method::GET, Method::HEAD] {
            let request = |browser: &Browser| {
                browser.request(method.clone(), &server.url(&path)).header("Accept-Encoding", "gzip, br")
            };
            let status = watch.untouched_by(&app.store, request, &path).await;
            assert!((400..500).contains(&status), "{method} of a name of {length}: {status}");
        }
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_site() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    std::fs::write(app.path("secret"), "the secret").expect("a file");
    for path in [
        "/../../secret",
        "/pkg/../../../secret",
        "/%2e%2e/%2e%2e/secret",
        "/pkg/%2e%2e/%2e%2e/%2e%2e/secret",
        "/..%2f..%2fsecret",
        "/pkg/..%2f..%2f..%2fsecret",
        "/..%5c..%5csecret",
        "//secret",
        &app.path("secret").display().to_string(),
        &format!("/pkg/{}", app.path("secret").display()),
        &format!("/pkg/%2f{}", app.path("secret").display()),
    ] {
        // By hand, since clients tidy paths up.
        let mut connection = TcpStream::connect(server.address()).await.expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.expect("a connection");
        let mut response = Vec::new();
        connection.read_to_end(&mut response).await.expect("a response");
        let response = String::from_utf8_lossy(&response);
        assert!(response.starts_with("HTTP/1.1 4") && !response.contains("the secret"), "{path}: {response}");
    }
}
