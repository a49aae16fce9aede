//! `server check`: what it finds is what keeps a server from working.

use std::{
    fs::{self, OpenOptions},
    io::{Seek, SeekFrom, Write},
};

use serde_json::Value;

use crate::support::{
    Browser, Ran, Store, TestApp,
    emulator::Emulated,
    proxy::{Network, Proxy},
    store::Many,
};

on_both_stores!(what_is_sound_is_said_to_be, a_check_leaves_the_sessions_alone, a_bad_setting_is_named);

/// What is said of a subject in all, worst first.
fn verdicts(checked: &Ran, subject: &str) -> Vec<String> {
    let findings = checked.json();
    let of_it = findings.iter().filter(|finding| finding["subject"] == subject);
    let mut verdicts: Vec<_> = of_it.map(|finding| finding["verdict"].as_str().expect("text").to_owned()).collect();
    verdicts.sort();
    verdicts
}

/// Asserts that one thing is bad, which makes the code 1, and that it is said with these words.
fn assert_bad(checked: &Ran, subject: &str, words: &[&str]) {
    assert_eq!((checked.code, &*checked.err), (Some(1), ""), "{checked:?}");
    let bad: Vec<Value> = checked.json().into_iter().filter(|finding| finding["verdict"] == "bad").collect();
    assert!(!bad.is_empty() && bad.iter().all(|finding| finding["subject"] == subject), "{checked:?}");
    for word in words {
        assert!(bad[0]["detail"].as_str().expect("text").contains(word), "{word:?} is not in {bad:?}");
    }
}

async fn what_is_sound_is_said_to_be(app: TestApp) {
    app.start().await.kill().await;
    let people = app.run(&["check"]).await.well();
    assert!(people.out.lines().all(|line| line.starts_with("ok ")), "{people:?}");
    let scripts = app.run(&["check", "--json"]).await.well();
    assert_eq!(people.out.lines().count(), scripts.json().len());
    for subject in ["settings", "site", "address", "store"] {
        let verdicts = verdicts(&scripts, subject);
        assert!(!verdicts.is_empty() && verdicts.iter().all(|verdict| verdict == "ok"), "{subject}: {scripts:?}");
    }
}

async fn a_check_leaves_the_sessions_alone(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let before = app.run(&["sessions", "list", "--json"]).await.well().out;
    let port = server.address().rsplit(':').next().expect("a port").to_owned();
    let app = app.with("PORT", &port);
    let checked = app.run(&["check", "--json"]).await.well();
    assert_eq!(verdicts(&checked, "address"), ["warning"], "its own server listens there: {checked:?}");
    assert_eq!(app.run(&["sessions", "list", "--json"]).await.well().out, before);
    assert_eq!(browser.view(&server).await.views, 2);
}

async fn a_bad_setting_is_named(app: TestApp) {
    app.with("SESSION_LIFETIME", "for ever").run(&["check"]).await.assert_fails(64, &["SESSION_LIFETIME"]);
}

#[tokio::test]
async fn settings_that_do_not_fit_are_warned_of() {
    let app = TestApp::on_sqlite().with("SESSION_IDLE_TIMEOUT", "91d").with("K_SERVICE", "hello");
    let checked = app.run(&["check", "--json"]).await.well();
    for words in ["SESSION_IDLE_TIMEOUT", "SESSION_STORE", "HTTPS_ONLY", "HOST"] {
        let warned = checked.json().iter().any(|finding| {
            finding["verdict"] == "warning" && finding["detail"].as_str().expect("text").starts_with(words)
        });
        assert!(warned, "{words}: {checked:?}");
    }
}

#[tokio::test]
async fn what_a_server_lacks_is_bad() {
    let app = TestApp::on_sqlite();
    app.start().await.kill().await;
    fs::remove_file(app.path("target/site/pkg/hello.c0ffee.wasm")).expect("a file");
    assert_bad(&app.run(&["check", "--json"]).await, "site", &["LEPTOS_SITE_ROOT", ".wasm"]);

    let app = TestApp::on_sqlite().with("HOST", "192.0.2.1");
    assert_bad(&app.run(&["check", "--json"]).await, "address", &["HOST", "192.0.2.1"]);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made() {
    let app = TestApp::on_sqlite();
    let checked = app.run(&["check", "--json"]).await.well();
    assert_eq!(verdicts(&checked, "store"), ["warning"], "{checked:?}");
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    assert!(!file.path().exists());
    fs::write(app.path("file"), "regular").expect("a file");
    let app = TestApp::on_sqlite().with("SESSION_STORE", &format!("sqlite:{}/x.db", app.path("file").display()));
    assert_bad(&app.run(&["check", "--json"]).await, "store", &["SESSION_STORE", "no folder"]);
}

#[tokio::test]
async fn damage_behind_an_intact_header_is_found() {
    let app = TestApp::on_sqlite();
    app.start().await.kill().await;
    app.store.fill(Many::old(5000)).await;
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let truncated = file.open().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, u32>(0));
    assert_eq!(truncated.expect("an open file"), 0);
    let length = fs::metadata(file.path()).expect("a file").len();
    let mut pages = OpenOptions::new().write(true).open(file.path()).expect("a file");
    pages.seek(SeekFrom::Start(length / 2)).expect("a file");
    pages.write_all(&rand::random::<[u8; 32]>().repeat(512)).expect("a file");

    app.start().await.kill().await;
    assert_bad(&app.run(&["check", "--json"]).await, "store", &["SESSION_STORE", "sessions.db"]);
}

#[tokio::test]
async fn a_store_out_of_reach_is_bad() {
    for network in [Network::Stalls, Network::Refuses] {
        let Some(emulated) = Emulated::new() else { return };
        let proxy = Proxy::to(&emulated.host).await;
        let app = TestApp::on(emulated.through(&proxy.address.to_string())).with("STORE_TIMEOUT", "500ms");
        proxy.set(network);
        assert_bad(&app.run(&["check", "--json"]).await, "store", &["SESSION_STORE", "Firestore emulator"]);
    }
}
