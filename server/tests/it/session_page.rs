//! What is stored about a visitor: read, downloaded and corrected, and never counted or created by looking at it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Browser, Instance, Response, TestApp, View};

on_both_stores!(
    looking_at_it_counts_and_creates_nothing,
    the_download_is_what_is_stored,
    it_is_corrected_by_script_and_by_form,
    a_greeting_that_the_owner_wrote_stays_when_the_count_is_corrected,
    a_wrong_correction_changes_nothing,
);

async fn get(browser: &mut Browser, at: &Instance, path: &str) -> Response {
    browser.send(browser.request(Method::GET, &at.url(path))).await
}

/// Calls a server function as the page's script does.
async fn call(browser: &mut Browser, at: &Instance, path: &str, arguments: &Value) -> Response {
    let request = browser.request(Method::POST, &at.url(path)).header("Content-Type", "application/vnd.server-fn+json");
    browser.send(request.body(arguments.to_string())).await
}

fn json(response: &Response) -> Value {
    assert_eq!(response.header("content-type"), Some("application/json"), "{response:?}");
    serde_json::from_str(&response.body).expect("JSON")
}

/// What is listed under this name.
fn value_of(stored: &Response, name: &str) -> String {
    let stored = json(stored);
    let fields = stored.as_array().expect("a list");
    let field = fields.iter().find(|field| field["name"] == name).unwrap_or_else(|| panic!("{name} in {stored}"));
    field["value"].as_str().expect("text").to_owned()
}

async fn looking_at_it_counts_and_creates_nothing(app: TestApp) {
    let server = app.start().await;
    for mut browser in [Browser::new(), Browser::with_id(crate::support::browser::UNKNOWN)] {
        let page = get(&mut browser, &server, "/session").await;
        assert_eq!((page.status, page.cookies()), (200, vec![]));
        assert!(page.body.contains("Nothing is stored about you."), "{}", page.body);
        let download = get(&mut browser, &server, "/session.json").await;
        assert_eq!((download.status, json(&download)), (404, json!("no_session")));
        let stored = call(&mut browser, &server, "/api/stored-data", &json!({})).await;
        assert_eq!((stored.status, json(&stored)), (200, json!([])));
        let corrected = json!({"correction": {"greeting": "Hola Mundo", "views": 5}});
        let corrected = call(&mut browser, &server, "/api/correct", &corrected).await;
        assert_eq!((corrected.status, json(&corrected), corrected.cookies()), (404, json!("no_session"), vec![]));
    }
    assert_eq!(app.store.sessions().await, 0);

    let mut browser = Browser::new();
    let View { greeting, .. } = browser.view(&server).await;
    for _ in 0..3 {
        let page = get(&mut browser, &server, "/session").await;
        assert_eq!((page.status, page.cookies()), (200, vec![]));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(page.body.contains(&format!("<dd>{greeting}</dd>")), "{}", page.body);
        assert!(!page.body.contains(browser.id()), "the page does not tell the id");
        assert_eq!(get(&mut browser, &server, "/session.json").await.status, 200);
        let stored = call(&mut browser, &server, "/api/stored-data", &json!({})).await;
        assert_eq!((value_of(&stored, "Greeting"), value_of(&stored, "Views")), (greeting.clone(), "1".to_owned()));
    }
    assert_eq!(app.store.views(browser.id()).await, 1);
    assert_eq!(app.store.sessions().await, 1);
}

async fn the_download_is_what_is_stored(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    let View { greeting, views } = browser.view(&server).await;
    let download = get(&mut browser, &server, "/session.json").await;
    assert_eq!(download.header("content-disposition"), Some("attachment; filename=\"session.json\""));
    assert_eq!(download.header("cache-control"), Some("no-store"));
    let json = json(&download);
    let object = json.as_object().expect("an object");
    assert!(object.keys().all(|name| !name.starts_with('_')), "nothing of the engine's: {object:?}");
    let data = app.store.session(browser.id()).await.expect("a session").data;
    assert!(data.keys().all(|name| object.contains_key(name)), "all that the application stores: {object:?}");
    assert_eq!((&json["greeting"], &json["views"]), (&json!(greeting), &json!(views)));
    let time = |name: &str| humantime::parse_rfc3339(json[name].as_str().expect("a time")).expect("a time");
    assert_eq!(time("expires_at").duration_since(time("created_at")).expect("later").as_secs(), 14 * 24 * 60 * 60);
}

async fn it_is_corrected_by_script_and_by_form(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;

    let corrected = json!({"correction": {"greeting": "Hola Mundo", "views": 41}});
    let stored = call(&mut browser, &server, "/api/correct", &corrected).await;
    assert_eq!((&*value_of(&stored, "Greeting"), &*value_of(&stored, "Views")), ("Hola Mundo", "41"));
    assert_eq!(browser.view(&server).await, View { views: 42, greeting: "Hola Mundo".to_owned() });

    // With the brackets as browsers send them, and as other programs do.
    for (fields, views) in [
        ("correction%5Bgreeting%5D=Ciao+Mondo&correction%5Bviews%5D=6", 7),
        ("correction[greeting]=Ciao+Mondo&correction[views]=8", 9),
    ] {
        let form = browser.form(&server, "/api/correct", fields).header("Accept", "text/html");
        let back = browser.send(form.header("Referer", server.url("/session"))).await;
        assert_eq!((back.status, back.header("location")), (303, Some("/session")));
        assert_eq!(browser.view(&server).await, View { views, greeting: "Ciao Mondo".to_owned() });
    }
    assert_eq!(app.store.session(browser.id()).await.expect("a session").data["views"], 9);

    // Without a session it leads back to the page that says so.
    let mut stranger = Browser::new();
    let form = stranger.form(&server, "/api/correct", "correction[greeting]=Ciao+Mondo&correction[views]=6");
    let back = stranger.send(form.header("Accept", "text/html").header("Referer", server.url("/session"))).await;
    assert_eq!((back.status, back.header("location"), back.cookies()), (303, Some("/session"), vec![]));
}

async fn a_greeting_that_the_owner_wrote_stays_when_the_count_is_corrected(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    app.store.edit(browser.id(), "greeting", Some(&json!("Moin moin"))).await;

    let page = get(&mut browser, &server, "/session").await;
    let form = page.body.split("id=\"correct\"").nth(1).expect("a form");
    let first = form.split("<option").nth(1).expect("an option");
    assert!(first.contains("value=\"Moin moin\" selected"), "what the form sends: {first}");
    let selected = form.matches(" selected").count();
    assert_eq!(selected, 1, "{form}");

    // As the form sends it: only what differs from what it had in it is corrected.
    let shown = "&correction[shown][greeting]=Moin+moin&correction[shown][views]=1";
    for (fields, views, greeting) in [
        ("correction[greeting]=Moin+moin&correction[views]=6", 7, "Moin moin"),
        ("correction[greeting]=Hola+Mundo&correction[views]=1", 8, "Hola Mundo"),
        ("correction[greeting]=Moin+moin&correction[views]=1", 9, "Hola Mundo"),
    ] {
        let sent = browser.post(&server, "/api/correct", &format!("{fields}{shown}")).await;
        assert_eq!(sent.status, 200, "{sent:?}");
        assert_eq!(browser.view(&server).await, View { views, greeting: greeting.to_owned() }, "{fields}");
    }
}

async fn a_wrong_correction_changes_nothing(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let before = app.store.session(browser.id()).await;
    for (arguments, status) in [
        (json!({"correction": {"greeting": "Moin", "views": 5}}), 422),
        (json!({"correction": {"greeting": "Hola Mundo", "views": -1}}), 400),
        (json!({"correction": {"greeting": "Hola Mundo", "views": 1.5}}), 400),
        (json!({"correction": {"greeting": "Hola Mundo"}}), 400),
        (json!({"correction": "Hola Mundo"}), 400),
        (json!({}), 400),
        (json!([]), 400),
    ] {
        let response = call(&mut browser, &server, "/api/correct", &arguments).await;
        assert_eq!(response.status, status, "{arguments}");
        assert_eq!(app.store.session(browser.id()).await, before, "{arguments}");
    }
    for fields in ["correction=5", "correction[views]=5", "correction[greeting]=Hola+Mundo&correction[views]=x", ""] {
        let response = browser.post(&server, "/api/correct", fields).await;
        assert_eq!(response.status, 400, "{fields}");
        assert_eq!(app.store.session(browser.id()).await, before, "{fields}");
    }
}

#[tokio::test]
async fn without_its_store_it_says_so() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let app = TestApp::on_sqlite()
        .with("SESSION_STORE", "firestore")
        .with("GOOGLE_CLOUD_PROJECT", "down")
        .with("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
        .with("STORE_TIMEOUT", "300ms");
    let down = app.start().await;
    for path in ["/session", "/session.json"] {
        let response = get(&mut browser, &down, path).await;
        assert_eq!((response.status, response.cookies()), (503, vec![]), "{path}");
        assert_eq!(response.header("retry-after"), Some("2"), "{path}");
    }
}
