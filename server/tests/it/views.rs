//! The main thing: a visitor sees a count that goes up by one, and the same greeting each time.

use serde_json::json;

use crate::support::{Browser, TestApp, View, browser::GREETINGS, store::key_of};

on_both_stores!(
    a_first_view_makes_a_session,
    further_views_count_in_it,
    every_browser_has_a_session_of_its_own,
    a_count_goes_on_after_a_restart_and_on_another_instance,
    a_session_deleted_by_hand_is_replaced,
    https_only_hardens_the_cookie,
);

async fn a_first_view_makes_a_session(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    let response = browser.load(&server).await;

    let View { views, greeting } = response.view();
    assert_eq!(views, 1);
    assert!(GREETINGS.contains(&greeting.as_str()), "{greeting}");
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(response.header("cache-control"), Some("no-store"));

    let id = browser.id();
    let ninety_days = 90 * 24 * 60 * 60;
    let cookie = format!("session_id={id}; HttpOnly; SameSite=Lax; Path=/; Max-Age={ninety_days}");
    assert_eq!(response.cookies(), [cookie]);
    assert!(!response.body.contains(id) && !response.body.contains(&key_of(id)), "the page does not tell the id");

    let stored = app.store.session(id).await.expect("a session");
    assert_eq!((&stored.data["greeting"], &stored.data["views"]), (&json!(greeting), &json!(1)));
    assert_eq!(app.store.sessions().await, 1);
}

async fn further_views_count_in_it(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    let first = browser.view(&server).await;
    let id = browser.id().to_owned();
    for views in 2..=5 {
        let response = browser.load(&server).await;
        assert_eq!(response.view(), View { views, ..first.clone() });
        assert_eq!(response.cookies(), [""; 0], "the cookie stays as it is");
        assert_eq!(app.store.views(&id).await, views);
    }
    assert_eq!(app.store.sessions().await, 1);
}

async fn every_browser_has_a_session_of_its_own(app: TestApp) {
    let server = app.start().await;
    let (mut one, mut other) = (Browser::new(), Browser::new());
    assert_eq!(one.view(&server).await.views, 1);
    assert_eq!(other.view(&server).await.views, 1);
    assert_eq!(one.view(&server).await.views, 2);
    assert_eq!(one.view(&server).await.views, 3);
    assert_eq!(other.view(&server).await.views, 2);
    assert_ne!(one.id(), other.id());
    assert_eq!(app.store.sessions().await, 2);
}

async fn a_count_goes_on_after_a_restart_and_on_another_instance(app: TestApp) {
    let [one, other] = app.start_two().await;
    let mut browser = Browser::new();
    let first = browser.view(&one).await;
    // Twice each, so that each has an old state in memory when its turn comes again.
    for (views, server) in (2..).zip([&one, &other, &other, &one, &one, &other]) {
        assert_eq!(browser.view(server).await, View { views, ..first.clone() });
    }
    one.kill().await;
    other.kill().await;
    assert_eq!(browser.view(&app.start().await).await, View { views: 8, ..first });
    assert_eq!(app.store.sessions().await, 1);
}

async fn a_session_deleted_by_hand_is_replaced(app: TestApp) {
    let [warm, cold] = app.start_two().await;
    for server in [&warm, &cold] {
        let mut browser = Browser::new();
        browser.view(&warm).await;
        browser.view(&warm).await;
        let old = browser.id().to_owned();
        app.store.delete(&old).await;

        let response = browser.load(server).await;
        assert_eq!(response.view().views, 1);
        assert_ne!(response.new_id().expect("a new cookie"), old);
        assert_eq!(app.store.session(&old).await, None, "it does not come back");
        assert_eq!(browser.view(server).await.views, 2);
    }
}

async fn https_only_hardens_the_cookie(app: TestApp) {
    let app = app.with("HTTPS_ONLY", "true");
    let server = app.start().await;
    let response = Browser::new().load(&server).await;
    let [cookie] = response.cookies()[..] else { panic!("{response:?}") };
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    assert!(pair.starts_with("__Host-session_id="), "{cookie}");
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7776000");

    let id = response.new_id().expect("a cookie");
    let send = |name: &str| {
        let mut browser = Browser::new();
        let request = browser.request(reqwest::Method::GET, &server.url("/")).header("Cookie", format!("{name}={id}"));
        async move { browser.send(request).await.view().views }
    };
    assert_eq!(send("__Host-session_id").await, 2);
    assert_eq!(send("session_id").await, 1, "a cookie that anybody may have set is not taken");
}
