//! `server sessions`: what it shows is what servers see, and what it changes they see at the next view.

use app::visitor::Visitor;
use serde_json::{Value, json};
use sessions::{Settings, SignIn, store::sqlite::SqliteStore};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{
    Browser, Instance, TestApp, View,
    browser::UNKNOWN,
    command::ended,
    store::{Many, OLD, Store, key_of},
};

on_both_stores!(
    a_list_has_each_session_and_no_cookie,
    a_list_goes_on_where_another_ended,
    a_session_is_found_by_its_id_and_by_its_cookie,
    a_set_count_takes_effect_at_the_next_view,
    what_the_page_could_not_read_is_not_set,
    an_expired_session_is_not_set,
    names_that_are_no_keys_end_no_list,
    nobody_reads_on,
);

#[tokio::test]
async fn a_store_that_is_not_there_is_named_and_not_made() {
    let app = TestApp::on_sqlite();
    for args in [
        &["sessions", "list"][..],
        &["sessions", "show", UNKNOWN],
        &["sessions", "set", UNKNOWN, "views=1"],
        &["sessions", "delete", UNKNOWN],
        &["sessions", "purge", "--yes"],
    ] {
        app.run(args).await.assert_fails(1, &["SESSION_STORE", "sessions.db"]);
        assert_eq!(std::fs::read_dir(app.folder()).expect("a folder").count(), 1, "the site and nothing else");
    }
    // Another program's database is not ours to change.
    let other = rusqlite::Connection::open(app.path("other.db")).expect("a file");
    other.execute_batch("CREATE TABLE other (x)").expect("a table");
    let app = app.with("SESSION_STORE", "sqlite:other.db");
    app.run(&["sessions", "list"]).await.assert_fails(1, &["SESSION_STORE", "other.db", "sessions"]);
    let tables = other.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u32>(0));
    assert_eq!(tables.expect("a count"), 1);
}

#[tokio::test]
async fn a_bad_command_is_one_line() {
    let app = TestApp::on_sqlite().with("PORT", "a command that needs no port looks at none");
    let id = key_of(UNKNOWN);
    for (args, words) in [
        (&["sessions"][..], &["list"][..]),
        (&["sessions", "nonsense"], &["nonsense"]),
        (&["sessions", "list", "--limit", "0"], &["--limit"]),
        (&["sessions", "list", "--older-than", "soon"], &["--older-than"]),
        (&["sessions", "list", "--expired", "--live"], &["--expired", "--live"]),
        (&["sessions", "list", "--session-store", "redis"], &["SESSION_STORE"]),
        (&["sessions", "list", "--store-timeout", "never"], &["STORE_TIMEOUT"]),
        (&["sessions", "purge", "--all", "--expired"], &["--all"]),
        (&["sessions", "set", &id], &["FIELD=VALUE"]),
        (&["sessions", "show", "me"], &["ID"]),
        (&["sessions", "delete", "-"], &["ID"]),
    ] {
        app.run_with_input(args, "neither\n").await.assert_fails(64, words);
    }
}

/// Views with so many browsers, the first once, the second twice and so on.
pub(crate) async fn viewed(app: &TestApp, browsers: u64) -> (Instance, Vec<Browser>) {
    let server = app.start().await;
    let mut all = Vec::new();
    for views in 1..=browsers {
        let mut browser = Browser::new();
        for _ in 0..views {
            browser.view(&server).await;
        }
        all.push(browser);
    }
    (server, all)
}

async fn a_list_has_each_session_and_no_cookie(app: TestApp) {
    let (_server, browsers) = viewed(&app, 3).await;
    let (table, json) =
        (app.run(&["sessions", "list"]).await.well(), app.run(&["sessions", "list", "--json"]).await.well());
    assert_eq!((table.out.lines().count(), json.json().len()), (4, 3), "{table:?}");
    assert!(table.out.starts_with("ID "), "{table:?}");
    for browser in &browsers {
        let key = key_of(browser.id());
        let stored = app.store.session(browser.id()).await.expect("a session");
        let line = table.out.lines().find(|line| line.starts_with(&key)).expect("a line");
        let listed = json.json().into_iter().find(|listed| listed["id"] == key).expect("an object");
        assert_eq!((&listed["state"], &listed["data"]), (&json!("live"), &Value::Object(stored.data.clone())));
        for (name, time) in [("created_at", stored.created_at), ("expires_at", stored.expires_at)] {
            let (listed, time) = (listed[name].as_str().expect("a time"), time.expect("a time"));
            // To the second: Firestore leaves noughts at the end away.
            assert_eq!((&listed[..19], listed.len(), listed.ends_with('Z')), (&time[..19], 27, true));
            assert!(line.contains(&format!("{}Z", &time[..19])), "{line}");
        }
        let greeting = stored.data["greeting"].as_str().expect("a greeting");
        let cells: Vec<_> = line.split_whitespace().collect();
        assert_eq!((cells[1], cells[4], line.ends_with(greeting)), ("live", &*stored.data["views"].to_string(), true));
        for printed in [&table.out, &json.out] {
            assert!(!printed.contains(browser.id()), "the cookie is a secret");
        }
    }
    assert_eq!(app.run(&["sessions", "list", "--expired", "--json"]).await.well().out, "");
    assert_eq!(app.run(&["sessions", "list", "--live", "--json"]).await.well().out, json.out);
    assert_eq!(app.run(&["sessions", "list", "--older-than", "1d", "--json"]).await.well().out, "");
    app.store.fill(Many::expired(1)).await;
    let expired = app.run(&["sessions", "list", "--expired", "--older-than", "1d", "--json"]).await.well().json();
    assert_eq!((expired.len(), &expired[0]["state"], &expired[0]["created_at"]), (1, &json!("expired"), &json!(OLD)));
    assert_eq!(app.run(&["sessions", "list", "--live", "--json"]).await.well().out, json.out);
}

async fn a_list_goes_on_where_another_ended(app: TestApp) {
    let (_server, _browsers) = viewed(&app, 5).await;
    let all = app.run(&["sessions", "list", "--json"]).await.well().out;
    let (mut listed, mut after) = (String::new(), "0".repeat(64));
    loop {
        let page = app.run(&["sessions", "list", "--json", "--limit", "2", "--after", &after]).await;
        assert_eq!(page.code, Some(0), "{page:?}");
        listed.push_str(&page.out);
        let last = page.json().last().map(|last| last["id"].as_str().expect("an id").to_owned());
        after = last.expect("at least one");
        if page.err.is_empty() {
            break;
        }
        assert_eq!((page.json().len(), page.err.contains(&after)), (2, true), "it says how to go on: {page:?}");
    }
    assert_eq!(listed, all);
}

async fn a_session_is_found_by_its_id_and_by_its_cookie(app: TestApp) {
    let (_server, browsers) = viewed(&app, 1).await;
    let (id, key) = (browsers[0].id(), key_of(browsers[0].id()));
    let people = app.run(&["sessions", "show", &key]).await.well().out;
    let scripts = app.run(&["sessions", "show", "--json", &key]).await.well();
    let greeting = app.store.session(id).await.expect("a session").data["greeting"].clone();
    let shown = &scripts.json()[0];
    let data = &shown["data"];
    assert_eq!((&shown["id"], &data["views"], &data["greeting"]), (&json!(key), &json!(1), &greeting));
    for word in [&key, "live", "views", greeting.as_str().expect("text")] {
        assert!(people.contains(word), "{people}");
    }
    assert_eq!(app.run(&["sessions", "show", id]).await.well().out, people);
    for input in [id, &format!("{id}\n"), &format!("  {key}\r\n")] {
        assert_eq!(app.run_with_input(&["sessions", "show", "-"], input).await.well().out, people);
    }
    assert!(!people.contains(id) && !scripts.out.contains(id), "the cookie is a secret");

    let missing = app.run(&["sessions", "show", UNKNOWN]).await;
    missing.assert_fails(1, &[&key_of(UNKNOWN)]);
    assert!(!missing.err.contains(UNKNOWN), "the cookie is a secret: {missing:?}");
    let shouted = id.to_uppercase();
    for wrong in [&shouted, &key[1..], "../x", ""] {
        let refused = app.run(&["sessions", "show", wrong]).await;
        refused.assert_fails(64, &["ID"]);
        assert!(wrong.is_empty() || !refused.err.contains(wrong), "it is not printed back: {refused:?}");
    }
}

async fn a_set_count_takes_effect_at_the_next_view(app: TestApp) {
    let (server, mut browsers) = viewed(&app, 1).await;
    let browser = &mut browsers[0];
    let id = browser.id().to_owned();
    app.store.edit(&id, "note", Some(&json!("a regular"))).await;
    browser.view(&server).await;
    let before = app.store.session(&id).await.expect("a session");

    let set =
        app.run(&["sessions", "set", &key_of(&id), "views=41", "greeting=Grüezi mitenand", "--json"]).await.well();
    let mut data = before.data.clone();
    data.extend([("views".to_owned(), json!(41)), ("greeting".to_owned(), json!("Grüezi mitenand"))]);
    assert_eq!((&data["note"], &set.json()[0]["data"]), (&json!("a regular"), &Value::Object(data.clone())));
    let after = app.store.session(&id).await.expect("a session");
    assert_eq!(after.data, data);
    assert_eq!((after.created_at, after.expires_at), (before.created_at, before.expires_at), "it is no view");

    let response = browser.load(&server).await;
    assert_eq!(response.view(), View { views: 42, greeting: "Grüezi mitenand".to_owned() });
    assert_eq!(response.new_id(), None);
    app.run(&["sessions", "set", &key_of(&id), "greeting=1 = \"1\""]).await.well();
    assert_eq!(app.store.session(&id).await.expect("a session").data["greeting"], "1 = \"1\"");
    app.run_with_input(&["sessions", "set", "-", "views=7.0"], &id).await.well();
    assert_eq!(browser.view(&server).await.views, 8);
}

async fn what_the_page_could_not_read_is_not_set(app: TestApp) {
    let (server, mut browsers) = viewed(&app, 2).await;
    let id = browsers[1].id().to_owned();
    for (field, words) in [
        ("views=many", &["views=many", "number"][..]),
        ("views=-1", &["views=-1"]),
        ("views", &["FIELD=VALUE"]),
        ("views=", &["number"]),
        ("views=\"7\"", &["number"]),
        ("greeting=null", &["greeting", "null"]),
        ("greeting=", &["greeting", "empty"]),
        ("greeting=41", &["greeting", "string"]),
        ("view=41", &["\"view\"", "greeting", "views"]),
        ("expires_at=2999-01-01T00:00:00Z", &["expires_at"]),
        ("revisions=[]", &["revisions"]),
    ] {
        app.run(&["sessions", "set", &id, "views=5", field]).await.assert_fails(64, words);
    }
    assert_eq!(browsers[1].view(&server).await.views, 3);
    app.run(&["sessions", "set", UNKNOWN, "views=5"]).await.assert_fails(1, &[&key_of(UNKNOWN)]);
    assert_eq!(app.store.sessions().await, 2, "none was made");
}

async fn an_expired_session_is_not_set(app: TestApp) {
    // A server that starts cleans up.
    app.start().await.kill().await;
    app.store.fill(Many::expired(1)).await;
    let before = app.run(&["sessions", "list", "--json"]).await.well();
    let key = before.json()[0]["id"].as_str().expect("an id").to_owned();
    app.run(&["sessions", "set", &key, "views=5"]).await.assert_fails(1, &[&key, "expired"]);
    assert_eq!(app.run(&["sessions", "list", "--json"]).await.well().out, before.out);
}

/// The page itself gives no new ids, an application that signs people in does.
#[tokio::test]
async fn a_session_with_a_new_id_is_set_where_the_old_one_leads_to_it() {
    let app = TestApp::on_sqlite();
    app.start().await.kill().await;
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let store = SqliteStore::open_existing(file.path()).expect("a store");
    let sessions = Visitor::sessions(store, Settings::default());
    let old = sessions.upsert(None, Visitor::count_view).await.expect("a session").new_id.expect("an id");
    let new = sessions.rotate(old).await.expect("a response").expect("a session").session.key;
    let set = app.run(&["sessions", "set", &old.key().to_string(), "views=41", "--json"]).await.well().json();
    assert_eq!((&set[0]["id"], &set[0]["data"]["views"]), (&json!(new.to_string()), &json!(41)));

    let old = sessions.upsert(None, Visitor::count_view).await.expect("a session").new_id.expect("an id");
    sessions.sign_in(Some(old), SignIn::new("ada"), |_| {}).await.expect("a sign-in");
    let key = old.key().to_string();
    app.run(&["sessions", "set", &key, "views=41"]).await.assert_fails(1, &[&key, "replaced"]);
}

async fn names_that_are_no_keys_end_no_list(app: TestApp) {
    let (_server, browsers) = viewed(&app, 2).await;
    // More than a page has, and before every key there is.
    app.store.fill(Many { prefix: "--", ..Many::expired(700) }).await;
    let listed = app.run(&["sessions", "list", "--json"]).await.well().json();
    let mut keys: Vec<_> = browsers.iter().map(|browser| json!(key_of(browser.id()))).collect();
    keys.sort_by_key(ToString::to_string);
    assert_eq!(listed.iter().map(|listed| listed["id"].clone()).collect::<Vec<_>>(), keys);
    app.run(&["sessions", "purge", "--all", "--yes"]).await.well();
    assert_eq!(app.store.sessions().await, 700, "what others put there stays");
}

async fn nobody_reads_on(app: TestApp) {
    let _server = app.start().await;
    app.store.fill(Many::old(2000)).await;
    for args in [&["sessions", "list"][..], &["sessions", "list", "--json"]] {
        let mut child = app.spawn(args);
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        out.read_line(&mut String::new()).await.expect("a line");
        drop(out);
        ended(child).await.well();
    }
}
