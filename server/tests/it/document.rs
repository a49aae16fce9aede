//! What is in Firestore: the tutorial's fields and the engine's, under a name that tells nobody the cookie.

use serde_json::json;

use crate::support::{
    Browser, Store, TestApp,
    emulator::{Emulated, fields},
    store::key_of,
};

fn emulated(app: &TestApp) -> &Emulated {
    match &app.store {
        Store::Emulator(emulated) => emulated,
        Store::Sqlite(_) => unreachable!("the app is on the emulator"),
    }
}

#[tokio::test]
async fn a_document_has_these_fields() {
    let Some(app) = TestApp::on_emulator() else { return };
    let server = app.start().await;
    let mut browser = Browser::new();
    for views in 1..=12_usize {
        let view = browser.view(&server).await;
        let document = emulated(&app).document(browser.id()).await.expect("a document");
        let name = document["name"].as_str().expect("a name");
        assert!(name.ends_with(&format!("/databases/(default)/documents/sessions/{}", key_of(browser.id()))), "{name}");

        let fields = fields(&document);
        let data = app.store.session(browser.id()).await.expect("a session").data;
        let names: Vec<_> = fields.keys().filter(|name| !data.contains_key(*name)).collect();
        assert_eq!(names, ["_session", "created_at", "expires_at"], "all else is the application's");
        assert_eq!(fields["greeting"], json!({"stringValue": view.greeting}));
        assert_eq!(fields["views"], json!({"integerValue": views.to_string()}));
        for time in ["created_at", "expires_at"] {
            assert!(fields[time]["timestampValue"].is_string(), "{document}");
        }
        let revisions =
            fields["_session"]["mapValue"]["fields"]["revisions"]["arrayValue"]["values"].as_array().expect("an array");
        assert_eq!(revisions.len(), views.min(8), "a token for each write, of the last eight");
        assert!(revisions.iter().all(|revision| revision["stringValue"].is_string()), "{document}");
        assert!(!document.to_string().contains(browser.id()), "the cookie is not stored");
    }
}

#[tokio::test]
async fn the_end_is_two_weeks_after_the_last_view() {
    let Some(app) = TestApp::on_emulator() else { return };
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let stored = app.store.session(browser.id()).await.expect("a session");
    let parse = |time: Option<String>| humantime::parse_rfc3339(&time.expect("a time")).expect("a time");
    let (created, expires) = (parse(stored.created_at), parse(stored.expires_at));
    assert_eq!(expires.duration_since(created).expect("the end is later").as_secs(), 14 * 24 * 60 * 60);
}

#[tokio::test]
async fn database_and_collection_are_the_ones_that_were_set() {
    let Some(emulator) = Emulated::new() else { return };
    let app = TestApp::on(emulator.named("greetings", "visitors"));
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    browser.view(&server).await;
    assert_eq!((app.store.views(browser.id()).await, app.store.sessions().await), (2, 1));
    let log = server.log();
    assert!(log.contains("greetings") && log.contains("visitors"), "{log}");

    // Servers whose settings differ in one of them see nothing of it.
    for (name, value) in [("FIRESTORE_DATABASE", "(default)"), ("SESSION_COLLECTION", "sessions")] {
        let other = TestApp::on(emulated(&app).clone()).with(name, value);
        let response = browser.clone().load(&other.start().await).await;
        assert_eq!((response.view().views, response.new_id().is_some()), (1, true), "another {name}");
    }
    assert_eq!(app.store.views(browser.id()).await, 2);
}
