//! The server functions: by script, and by forms from a browser without it.

use reqwest::Method;

use crate::support::{
    Browser, Instance, Response, TestApp, View,
    browser::{GREETINGS, UNKNOWN},
};

on_both_stores!(
    a_refresh_counts_one_and_answers_data,
    the_visitor_picks_the_greeting,
    arguments_may_be_json,
    a_greeting_picked_first_makes_a_session_with_no_views,
    a_greeting_that_is_none_changes_nothing,
    forgetting_deletes_session_and_cookie,
    forgetting_without_a_session_does_no_harm,
    forms_lead_back_to_the_page,
);

/// What a browser without JavaScript asks for when it sends a form.
const NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn submit(browser: &mut Browser, at: &Instance, path: &str, fields: &str) -> Response {
    let form = browser.form(at, path, fields);
    browser.send(form.header("Accept", NAVIGATION).header("Referer", at.url("/"))).await
}

async fn a_refresh_counts_one_and_answers_data(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    let first = browser.view(&server).await;
    for views in 2..=4 {
        let response = browser.post(&server, "/api/refresh", "").await;
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.view(), View { views, ..first.clone() });
        assert_eq!(response.cookies(), [""; 0]);
    }
    assert_eq!(browser.view(&server).await.views, 5);

    let new = Browser::new().post(&server, "/api/refresh", "").await;
    assert_eq!(new.view().views, 1);
    assert!(new.new_id().is_some(), "a visitor without a session gets one");
}

async fn the_visitor_picks_the_greeting(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    for (n, greeting) in (2..).zip(GREETINGS) {
        let response =
            browser.post(&server, "/api/greeting", &format!("greeting={}", greeting.replace(' ', "+"))).await;
        let picked = View { views: n - 1, greeting: greeting.to_owned() };
        assert_eq!(response.view(), picked, "picking counts no view");
        assert_eq!(browser.view(&server).await, View { views: n, ..picked });
        assert_eq!(app.store.session(browser.id()).await.expect("a session").data["greeting"], greeting);
    }
}

/// As the page's script sends it.
async fn arguments_may_be_json(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    let request = browser.request(Method::POST, &server.url("/api/greeting"));
    let request =
        request.header("Content-Type", "application/vnd.server-fn+json").body("{\"greeting\":\"Hola Mundo\"}");
    assert_eq!(browser.send(request).await.view(), View { views: 0, greeting: "Hola Mundo".to_owned() });
}

async fn a_greeting_picked_first_makes_a_session_with_no_views(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    let response = browser.post(&server, "/api/greeting", "greeting=Ciao%20Mondo").await;
    assert_eq!(response.view(), View { views: 0, greeting: "Ciao Mondo".to_owned() });
    assert_eq!(browser.view(&server).await, View { views: 1, greeting: "Ciao Mondo".to_owned() });
}

async fn a_greeting_that_is_none_changes_nothing(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let before = app.store.session(browser.id()).await;
    for body in [
        "",
        "greeting",
        "greeting=",
        "greeting=Moin",
        "greeting=hola+mundo",
        "greeting=Hola+Mundo+",
        "greeting=%ff%fe",
        "greeting=Hola+Mundo&greeting=Ciao+Mondo",
        "Greeting=Hola+Mundo",
        "{\"greeting\": \"Hola Mundo\"}",
        "&&&===",
    ] {
        for accept in ["*/*", NAVIGATION] {
            let form = browser.form(&server, "/api/greeting", body).header("Accept", accept);
            let response = browser.send(form).await;
            assert!((400..500).contains(&response.status), "{body:?}: {response:?}");
            assert_eq!(response.cookies(), [""; 0]);
            assert_eq!(app.store.session(browser.id()).await, before, "{body:?}");
        }
    }
    // A server may close the connection of a client that sends that much, before all of it is there.
    let huge = format!("greeting=Hola+Mundo{}", "+".repeat(3 << 20));
    if let Ok(response) = browser.try_send(browser.form(&server, "/api/greeting", &huge)).await {
        assert!((400..500).contains(&response.status), "{response:?}");
    }
    assert_eq!(app.store.session(browser.id()).await, before, "a huge form");

    let unknown = browser.post(&server, "/api/greeting", "greeting=Moin").await;
    assert_eq!((unknown.header("content-type"), &*unknown.body), (Some("application/json"), "\"unknown_greeting\""));

    let form = browser.form(&server, "/api/greeting", "greeting=Moin").header("Accept", NAVIGATION);
    let refused = browser.send(form.header("Referer", server.url("/session?a=b"))).await;
    assert_eq!((refused.status, refused.header("location")), (422, None));
    assert!(refused.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{refused:?}");
    assert!(
        refused.body.contains("Load the page again") && refused.body.contains("href=\"/session?a=b\""),
        "{refused:?}"
    );
    let form = browser.form(&server, "/api/greeting", "greeting=Moin").header("Accept", NAVIGATION);
    let elsewhere = browser.send(form.header("Referer", "https://elsewhere.example/x")).await;
    assert!(elsewhere.status == 422 && !format!("{elsewhere:?}").contains("elsewhere"), "{elsewhere:?}");

    let without_cookie = Browser::new().post(&server, "/api/greeting", "greeting=Moin").await;
    assert_eq!((without_cookie.status, without_cookie.new_id()), (422, None));
    assert_eq!(app.store.sessions().await, 1);
}

async fn forgetting_deletes_session_and_cookie(app: TestApp) {
    let [one, other] = app.start_two().await;
    let mut browser = Browser::new();
    browser.view(&one).await;
    browser.view(&other).await;
    let mut late = browser.clone();
    let old = browser.id().to_owned();

    let response = browser.post(&one, "/api/forget", "").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.cookies(), ["session_id=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]);
    assert_eq!(app.store.session(&old).await, None);

    for server in [&one, &other] {
        assert_eq!(late.view(server).await.views, 1, "the old cookie leads nowhere");
        late = Browser::with_id(&old);
        assert_eq!(app.store.session(&old).await, None);
    }
    assert_eq!(browser.view(&other).await.views, 1);
}

async fn forgetting_without_a_session_does_no_harm(app: TestApp) {
    let server = app.start().await;
    let mut somebody = Browser::new();
    somebody.view(&server).await;
    for mut browser in [Browser::new(), Browser::with_id("a/b"), Browser::with_id(UNKNOWN)] {
        let response = browser.post(&server, "/api/forget", "").await;
        assert_eq!((response.status, response.new_id().as_deref()), (200, Some("")));
    }
    assert_eq!(app.store.sessions().await, 1);
    assert_eq!(somebody.view(&server).await.views, 2);
}

async fn forms_lead_back_to_the_page(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let back = |response: &Response| {
        assert!(matches!(response.status, 302 | 303), "{response:?}");
        assert_eq!(response.header("location"), Some("/"));
    };

    back(&submit(&mut browser, &server, "/api/greeting", "greeting=Salut+le+Monde").await);
    // Back to the page that the form was on, if it is one of this site.
    let (own, host) = (server.url(""), server.address());
    for (referer, location) in [
        (format!("{own}/session"), "/session"),
        (format!("{own}/session?a=b"), "/session?a=b"),
        (format!("{own}//elsewhere.com/"), "/"),
        ("http://elsewhere.com/session".to_owned(), "/"),
        (format!("http://{host}.elsewhere.com/session"), "/"),
        ("nonsense".to_owned(), "/"),
    ] {
        let form = browser.form(&server, "/api/greeting", "greeting=Salut+le+Monde").header("Accept", NAVIGATION);
        let response = browser.send(form.header("Referer", &referer)).await;
        assert_eq!((response.status, response.header("location")), (303, Some(location)), "{referer}");
    }
    assert_eq!(browser.view(&server).await, View { views: 2, greeting: "Salut le Monde".to_owned() });

    let old = browser.id().to_owned();
    let response = submit(&mut browser, &server, "/api/forget", "").await;
    back(&response);
    assert_eq!(response.new_id().as_deref(), Some(""));
    assert_eq!(app.store.session(&old).await, None);
    assert_eq!(browser.view(&server).await.views, 1);

    // A script that wants another type gets the reason as text instead.
    for path in ["/api/refresh", "/api/greeting", "/api/forget"] {
        let response = browser.send(browser.request(Method::GET, &server.url(path))).await;
        assert_eq!(response.status, 405, "{path} by a link");
    }
    assert_eq!(browser.view(&server).await.views, 2);
}
