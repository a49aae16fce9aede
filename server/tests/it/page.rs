//! What the page holds beside the count: how long the session lives, what other sites show of a link to it, and nonces.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::support::{Browser, Instance, TestApp};

#[tokio::test]
async fn it_says_whether_returning_prolongs_the_session() {
    let app = TestApp::on_sqlite().with("SESSION_IDLE_TIMEOUT", "14d");
    let prolonged = Browser::new().load(&app.start().await).await;
    assert!(prolonged.body.contains("</time> unless you return."), "{}", prolonged.body);
    let app = app.with("SESSION_LIFETIME", "7d");
    let ends = Browser::new().load(&app.start().await).await;
    assert!(ends.body.contains("</time>, whether or not you return."), "{}", ends.body);
}

#[tokio::test]
async fn a_link_to_it_has_a_picture_at_an_absolute_address() {
    let app = TestApp::on_sqlite();
    let plain = app.start().await;
    let card = picture(&plain, "example.com:8080").await;
    assert_eq!(card.as_deref(), Some("http://example.com:8080/card.png"));

    let app = app.with("HTTPS_ONLY", "true");
    let secure = app.start().await;
    assert_eq!(picture(&secure, "example.com").await.as_deref(), Some("https://example.com/card.png"));

    let mut browser = Browser::new();
    let page =
        browser.send(browser.request(Method::GET, &plain.url("/session?a=b")).header("Host", "example.com")).await;
    assert!(page.body.contains("property=\"og:url\" content=\"http://example.com/session\""), "{}", page.body);

    for bad in ["someone@example.com", "example.com:port", "\"><script>", "example.com/elsewhere"] {
        assert_eq!(picture(&plain, bad).await, None, "{bad}");
    }
}

#[tokio::test]
async fn each_answer_has_a_nonce_of_its_own() {
    // With a second script, which reloads the page when it has changed.
    for (app, scripts) in [(TestApp::on_sqlite(), 1), (TestApp::on_sqlite().with("LEPTOS_WATCH", "1"), 2)] {
        let server = app.start().await;
        let mut nonces = BTreeSet::new();
        // More visitors than greetings, so some see what others have seen.
        for _ in 0..12 {
            let response = Browser::new().load(&server).await;
            let nonce = response.nonce();
            assert_eq!(response.body.matches(&format!("nonce=\"{nonce}\"")).count(), scripts, "{}", response.body);
            assert_eq!(response.body.matches("<script").count(), scripts, "{}", response.body);
            assert!(nonces.insert(nonce.to_owned()), "a nonce is good for one response");
        }
    }
}

/// The address of the picture that the page names when a request has this `Host`.
async fn picture(server: &Instance, host: &str) -> Option<String> {
    let mut browser = Browser::new();
    let page = browser.send(browser.request(Method::GET, &server.url("/")).header("Host", host)).await;
    assert_eq!(page.status, 200, "{host}");
    assert!(page.body.contains("property=\"og:title\""), "{host}");
    let (_, after) = page.body.split_once("property=\"og:image\" content=\"")?;
    after.split_once('"').map(|(address, _)| address.to_owned())
}
