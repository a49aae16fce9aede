//! `server sessions`: what it deletes is gone for servers that run, and nothing else is; and what an outage does.

use std::time::Duration;

use serde_json::json;

use crate::{
    manage::viewed,
    support::{
        Store, TestApp,
        browser::UNKNOWN,
        emulator::Emulated,
        proxy::{Network, Proxy},
        store::{Many, key_of},
    },
};

on_both_stores!(
    who_is_deleted_begins_anew,
    many_are_deleted_only_if_somebody_says_so,
    a_purge_deletes_what_has_expired_and_nothing_else,
    a_purge_deletes_what_its_filter_says,
);

async fn who_is_deleted_begins_anew(app: TestApp) {
    let (server, mut browsers) = viewed(&app, 2).await;
    let id = browsers[1].id().to_owned();
    let deleted = app.run_with_input(&["sessions", "delete", "-"], &id).await.well();
    assert_eq!(deleted.out, "Deleted 1 session.\n");
    assert_eq!(app.store.session(&id).await, None);
    app.run(&["sessions", "delete", &key_of(&id)]).await.assert_fails(1, &[&key_of(&id)]);

    let response = browsers[1].load(&server).await;
    assert_eq!((response.view().views, response.new_id().is_some_and(|new| new != id)), (1, true));
    assert_eq!(browsers[0].view(&server).await.views, 2, "the other one goes on");
}

async fn many_are_deleted_only_if_somebody_says_so(app: TestApp) {
    let (_server, browsers) = viewed(&app, 3).await;
    let [first, second, third] = [0, 1, 2].map(|n| key_of(browsers[n].id()));
    let args = ["sessions", "delete", &first, &second];
    app.run(&args).await.assert_fails(64, &["--yes", "2 sessions"]);
    app.run_with_input(&args, "y\n").await.assert_fails(64, &["--yes"]);
    app.run(&["sessions", "purge", "--all"]).await.assert_fails(64, &["--yes"]);
    assert_eq!(app.store.sessions().await, 3);
    let piped = format!("{first}\n\n{}\n{first}\n", browsers[1].id());
    assert_eq!(
        app.run_with_input(&["sessions", "delete", "-", "--yes"], &piped).await.well().out,
        "Deleted 2 sessions.\n"
    );
    let rest = app.run(&["sessions", "delete", "--yes", &first, &third]).await;
    assert_eq!((rest.code, &*rest.out, rest.err.contains(&first)), (Some(1), "Deleted 1 session.\n", true), "{rest:?}");
    assert_eq!(app.store.sessions().await, 0);
}

async fn a_purge_deletes_what_has_expired_and_nothing_else(app: TestApp) {
    let (server, mut browsers) = viewed(&app, 2).await;
    app.store.fill(Many::expired(600)).await;
    app.store.fill(Many::old(3)).await;
    let counted = app.run(&["sessions", "purge", "--dry-run"]).await.well();
    assert!(counted.out.contains("600 sessions that have expired"), "{counted:?}");
    assert_eq!(app.store.sessions().await, 605);
    let purged = app.run(&["sessions", "purge", "--yes"]).await.well();
    assert!(purged.out.contains("Deleted 600 sessions that have expired"), "{purged:?}");
    assert_eq!(app.store.sessions().await, 5);
    assert!(app.run(&["sessions", "purge", "--yes"]).await.well().out.contains("Deleted 0 sessions"));
    for (browser, views) in browsers.iter_mut().zip([2, 3]) {
        assert_eq!(browser.view(&server).await.views, views);
    }
}

async fn a_purge_deletes_what_its_filter_says(app: TestApp) {
    let (server, mut browsers) = viewed(&app, 1).await;
    app.store.fill(Many::expired(2)).await;
    app.store.fill(Many::old(3)).await;
    for (args, deleted, left) in [
        (&["--live", "--older-than", "30d"][..], 3, 3),
        (&["--older-than", "30d"], 2, 1),
        (&["--live", "--older-than", "1h"], 0, 1),
        (&["--all"], 1, 0),
    ] {
        let purged = app.run(&[&["sessions", "purge", "--yes", "--json"], args].concat()).await.well();
        let counts = json!({"matched": deleted, "deleted": deleted, "spared": 0, "dry_run": false});
        assert_eq!((purged.json(), app.store.sessions().await), (vec![counts], left), "{args:?}");
    }
    assert_eq!(browsers[0].view(&server).await.views, 1, "it begins again");
}

#[tokio::test]
async fn a_file_that_stays_locked_is_an_outage() {
    let app = TestApp::on_sqlite();
    let (_server, browsers) = viewed(&app, 2).await;
    let app = app.with("STORE_TIMEOUT", "500ms");
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let mut other = file.open();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("a lock");
    app.run(&["sessions", "set", browsers[0].id(), "views=9"])
        .await
        .assert_fails(69, &["SESSION_STORE", "sessions.db"]);
    let app = app.with("STORE_TIMEOUT", "30s");
    assert_eq!(app.run(&["sessions", "list", "--json"]).await.well().json().len(), 2, "reading goes on");

    // It waits for a lock that goes in time.
    let args = ["sessions", "delete", browsers[0].id()];
    let (deleted, ()) = tokio::join!(app.run(&args), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        held.rollback().expect("an open file");
    });
    deleted.well();
}

#[tokio::test]
async fn an_outage_is_one_line_and_a_code_of_its_own() {
    for network in [Network::Stalls, Network::Refuses, Network::LosesResponses] {
        let Some(emulated) = Emulated::new() else { return };
        let proxy = Proxy::to(&emulated.host).await;
        let app = TestApp::on(emulated.through(&proxy.address.to_string())).with("STORE_TIMEOUT", "500ms");
        proxy.set(network);
        for args in [
            &["sessions", "list"][..],
            &["sessions", "show", UNKNOWN],
            &["sessions", "set", UNKNOWN, "views=1"],
            &["sessions", "purge", "--dry-run"],
        ] {
            app.run(args).await.assert_fails(69, &["SESSION_STORE", "Firestore emulator"]);
        }
    }
}
