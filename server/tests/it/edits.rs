//! Sessions that somebody edits by hand: what makes sense takes effect at the next view, what does not is
//! repaired, and what is not ours stays.

use serde_json::{Value, json};

use crate::support::{Browser, Instance, Store, TestApp, View, browser::GREETINGS, emulator::fields};

on_both_stores!(an_edit_takes_effect_at_the_next_view, a_broken_field_is_repaired, fields_of_others_stay,);

/// Two instances that both know the session: an edit must reach the one that saw it last, too.
async fn viewed(app: &TestApp) -> ([Instance; 2], Browser, View) {
    let servers = app.start_two().await;
    let mut browser = Browser::new();
    browser.view(&servers[0]).await;
    browser.view(&servers[1]).await;
    let view = browser.view(&servers[0]).await;
    (servers, browser, view)
}

/// Views the session on each server: it must be the same session, counting on from this number.
async fn assert_counts_on(servers: &[Instance; 2], browser: &mut Browser, from: u64, what: &str) -> View {
    let [first, second] = servers;
    let response = browser.load(first).await;
    let view = response.view();
    assert_eq!((view.views, response.new_id()), (from, None), "{what}");
    let response = browser.load(second).await;
    assert_eq!((response.view(), response.new_id()), (View { views: from + 1, ..view.clone() }, None), "{what}");
    view
}

async fn an_edit_takes_effect_at_the_next_view(app: TestApp) {
    let (servers, mut browser, _) = viewed(&app).await;
    let id = browser.id().to_owned();
    for (count, shown) in [(json!(41), 42), (json!(7.0), 8), (json!(0), 1), (json!(9_000_000_000_u64), 9_000_000_001)] {
        app.store.edit(&id, "views", Some(&count)).await;
        assert_counts_on(&servers, &mut browser, shown, &count.to_string()).await;
        assert_eq!(app.store.views(&id).await, shown + 1);
    }
    for (n, greeting) in (0..).zip(["Hola Mundo", "Moin", "Grüezi mitenand", "1 < 2"]) {
        app.store.edit(&id, "greeting", Some(&json!(greeting))).await;
        let view = assert_counts_on(&servers, &mut browser, 9_000_000_003 + 2 * n, greeting).await;
        assert_eq!(view.greeting.replace("&lt;", "<"), greeting);
    }
    app.store.edit(&id, "greeting", Some(&json!("<script>alert(1)</script>"))).await;
    let page = browser.load(&servers[0]).await.body;
    assert!(!page.contains("<script>alert"), "{page}");
}

async fn a_broken_field_is_repaired(app: TestApp) {
    let (servers, mut browser, View { greeting, .. }) = viewed(&app).await;
    let id = browser.id().to_owned();
    for broken in [
        Some(json!(-1)),
        Some(json!(1.5)),
        Some(json!("7")),
        Some(json!(true)),
        Some(json!(1e300)),
        Some(Value::Null),
        Some(json!([1])),
        Some(json!({"a": 1})),
        None,
    ] {
        app.store.edit(&id, "views", broken.as_ref()).await;
        let view = assert_counts_on(&servers, &mut browser, 1, &format!("{broken:?}")).await;
        assert_eq!(view.greeting, greeting, "the other field is kept");
        assert_eq!(app.store.views(&id).await, 2, "it is repaired");
    }
    for (n, broken) in (0..).zip([
        Some(json!("")),
        Some(json!(" ")),
        Some(json!("x".repeat(1000))),
        Some(json!(3)),
        Some(Value::Null),
        Some(json!(["Hola Mundo"])),
        None,
    ]) {
        app.store.edit(&id, "greeting", broken.as_ref()).await;
        let view = assert_counts_on(&servers, &mut browser, 3 + 2 * n, &format!("{broken:?}")).await;
        assert!(GREETINGS.contains(&view.greeting.as_str()), "{view:?}");
        assert_eq!(app.store.session(&id).await.expect("a session").data["greeting"], json!(view.greeting));
    }
    assert_eq!(app.store.sessions().await, 1);
}

async fn fields_of_others_stay(app: TestApp) {
    let (servers, mut browser, _) = viewed(&app).await;
    let id = browser.id().to_owned();
    let others = [
        ("note", json!("a regular")),
        ("visits", json!(3)),
        ("ratio", json!(0.25)),
        ("nothing", Value::Null),
        ("tags", json!(["a", 1, true])),
        ("address", json!({"city": "Köln", "zip": {"code": 50667}})),
    ];
    for (name, value) in &others {
        app.store.edit(&id, name, Some(value)).await;
    }
    assert_counts_on(&servers, &mut browser, 4, "others").await;
    browser.post(&servers[0], "/api/greeting", "greeting=Hola+Mundo").await.view();
    app.store.edit(&id, "views", Some(&json!("broken"))).await;
    assert_counts_on(&servers, &mut browser, 1, "others").await;

    let stored = app.store.session(&id).await.expect("a session").data;
    for (name, value) in others {
        assert_eq!(stored.get(name), Some(&value), "{name}");
    }
    assert_eq!((&stored["greeting"], &stored["views"]), (&json!("Hola Mundo"), &json!(2)));
}

#[tokio::test]
async fn a_row_whose_columns_make_no_sense_is_repaired() {
    let app = TestApp::on_sqlite();
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let (servers, mut browser, View { greeting, .. }) = viewed(&app).await;
    let id = browser.id().to_owned();
    for (n, set) in (0..).zip([
        "created_at = 'yesterday'",
        "created_at = NULL",
        "created_at = '2999-01-01T00:00:00Z'",
        "expires_at = 'soon'",
        "expires_at = NULL",
        "expires_at = '9999-12-31T23:59:59.999999Z'",
        "created_at = '', expires_at = ''",
        "session = 'zzz 1 2 3'",
        "session = ''",
        "session = '{}'",
        "session = '{\"revisions\": 3}'",
        "version = 0",
    ]) {
        file.change(&id, &format!("UPDATE sessions SET {set} WHERE id = ?1"));
        let view = assert_counts_on(&servers, &mut browser, 4 + 2 * n, set).await;
        assert_eq!(view.greeting, greeting);
    }
    let times = "created_at GLOB '20??-??-??T*Z' AND expires_at GLOB '20??-??-??T*Z'";
    file.change(&id, &format!("UPDATE sessions SET data = data WHERE id = ?1 AND {times}"));

    for data in ["", "not JSON", "null", "[]", "3", "\"{}\"", "{\"views\":"] {
        file.change(&id, &format!("UPDATE sessions SET data = '{data}' WHERE id = ?1"));
        let view = assert_counts_on(&servers, &mut browser, 1, data).await;
        assert!(GREETINGS.contains(&view.greeting.as_str()), "{view:?}");
    }
}

#[tokio::test]
async fn a_document_whose_fields_have_other_types_is_repaired() {
    let Some(app) = TestApp::on_emulator() else { return };
    let Store::Emulator(emulated) = &app.store else { unreachable!() };
    let (servers, mut browser, View { greeting, .. }) = viewed(&app).await;
    let id = browser.id().to_owned();
    let (text, number) = (json!({"stringValue": "yesterday"}), json!({"integerValue": "1"}));
    for (n, (name, value)) in (0..).zip([
        ("created_at", Some(&text)),
        ("created_at", Some(&number)),
        ("created_at", Some(&json!({"timestampValue": "2999-01-01T00:00:00Z"}))),
        ("created_at", None),
        ("expires_at", Some(&text)),
        ("expires_at", Some(&json!({"timestampValue": "9999-12-31T23:59:59Z"}))),
        ("expires_at", None),
        ("_session", Some(&text)),
        ("_session", Some(&json!({"arrayValue": {"values": [text, number, {"nullValue": null}]}}))),
        ("_session", Some(&json!({"mapValue": {"fields": {"revisions": number}}}))),
        ("_session", None),
    ]) {
        let fields = value.map_or(json!({}), |value| json!({ name: value }));
        emulated.patch(&id, &[name], fields).await;
        let what = format!("{name} {value:?}");
        let view = assert_counts_on(&servers, &mut browser, 4 + 2 * n, &what).await;
        assert_eq!(view.greeting, greeting);
    }
    let document = emulated.document(&id).await.expect("a document");
    for name in ["created_at", "expires_at"] {
        assert!(fields(&document)[name]["timestampValue"].is_string(), "{document}");
    }

    // Types that JSON does not have, where a count and a greeting belong, and beside them.
    let others = json!({
        "when": {"timestampValue": "2020-02-02T02:02:02Z"},
        "where": {"geoPointValue": {"latitude": 50.9, "longitude": 6.9}},
        "bytes": {"bytesValue": "AAE="},
        "list": {"arrayValue": {"values": [{"bytesValue": "AAE="}, {"integerValue": "1"}]}},
        "a.b": {"stringValue": "dotted"},
        "mit Leerzeichen": {"integerValue": "5"},
    });
    let names = ["when", "where", "bytes", "list", "%60a.b%60", "%60mit%20Leerzeichen%60"];
    emulated.patch(&id, &names, others.clone()).await;
    for broken in [json!({"timestampValue": "2020-02-02T02:02:02Z"}), json!({"doubleValue": "NaN"})] {
        emulated.patch(&id, &["views", "greeting"], json!({"views": broken, "greeting": broken})).await;
        let view = assert_counts_on(&servers, &mut browser, 1, &broken.to_string()).await;
        assert!(GREETINGS.contains(&view.greeting.as_str()), "{view:?}");
    }
    let document = emulated.document(&id).await.expect("a document");
    for (name, value) in others.as_object().expect("fields") {
        assert_eq!(fields(&document).get(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn text_that_is_no_unicode_is_repaired() {
    let app = TestApp::on_sqlite();
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    for column in ["created_at", "expires_at", "session", "data"] {
        let (servers, mut browser, _) = viewed(&app).await;
        file.change(browser.id(), &format!("UPDATE sessions SET {column} = CAST(x'ff' AS TEXT) WHERE id = ?1"));
        let from = if column == "data" { 1 } else { 4 };
        assert_counts_on(&servers, &mut browser, from, column).await;
    }
}
