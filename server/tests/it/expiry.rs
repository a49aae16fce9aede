//! When sessions end: after a time without being used, and after their lifetime. No test fails since the machine
//! is slow: they wait for what must happen, or for at least as long as it takes.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::support::{Browser, CEILING, Instance, Store, TestApp};

on_both_stores!(
    an_idle_session_ends,
    a_session_that_is_never_seen_again_ends_early,
    a_session_that_is_viewed_stays,
    a_session_ends_after_its_lifetime,
    a_session_whose_end_was_moved_by_hand_ends_then,
);

async fn an_idle_session_ends(app: TestApp) {
    let app = app.with("SESSION_IDLE_TIMEOUT", "1s");
    let [warm, cold] = app.start_two().await;
    for server in [&warm, &cold] {
        let mut browser = Browser::new();
        browser.view(&warm).await;
        let old = browser.id().to_owned();
        sleep(Duration::from_millis(1100)).await;

        let response = browser.load(server).await;
        assert_eq!(response.view().views, 1);
        assert!(response.new_id().is_some_and(|new| new != old), "the old id is not adopted");
        assert_eq!(app.store.views(browser.id()).await, 1);
        // Firestore's TTL policy or the sweep removes it; until then it stays as it was.
        assert!(app.store.session(&old).await.is_none_or(|old| old.data["views"] == 1));
    }
}

async fn a_session_that_is_never_seen_again_ends_early(app: TestApp) {
    let lives = async |app: &TestApp, browser: &Browser| {
        let stored = app.store.session(browser.id()).await.expect("a session");
        let time = |text: Option<String>| humantime::parse_rfc3339(&text.expect("a time")).expect("a time");
        time(stored.expires_at).duration_since(time(stored.created_at)).expect("it begins before it ends")
    };
    let app = app.with("SESSION_FIRST_TIMEOUT", "1h");
    let server = app.start().await;
    let mut returning = Browser::new();
    returning.view(&server).await;
    assert_eq!(lives(&app, &returning).await, Duration::from_hours(1));
    returning.view(&server).await;
    assert!(
        lives(&app, &returning).await > Duration::from_hours(24),
        "a second view shows that the visitor keeps cookies"
    );

    let app = app.with("SESSION_FIRST_TIMEOUT", "1s");
    let server = app.start().await;
    let mut late = Browser::new();
    late.view(&server).await;
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(late.view(&server).await.views, 1);
}

async fn a_session_that_is_viewed_stays(app: TestApp) {
    let idle = Duration::from_secs(5);
    let app = app.with("SESSION_IDLE_TIMEOUT", "5s");
    let server = app.start().await;
    let begun = Instant::now();
    while !stays(&server, idle).await {
        assert!(begun.elapsed() < 2 * CEILING, "the machine stands still all the time");
    }
}

/// Views a session for longer than the idle timeout and asserts that it goes on. Returns `false` if it may have ended,
/// since the machine has let too much time pass between two views.
async fn stays(server: &Instance, idle: Duration) -> bool {
    let mut browser = Browser::new();
    let begun = Instant::now();
    let mut last = begun;
    for views in 1.. {
        let sent = Instant::now();
        let response = browser.load(server).await;
        // A session may end by a twentieth of the timeout early.
        if last.elapsed() > idle * 9 / 10 {
            return false;
        }
        last = sent;
        assert_eq!((response.view().views, response.new_id().is_some()), (views, views == 1));
        if begun.elapsed() > idle + idle / 2 {
            break;
        }
        sleep(idle / 10).await;
    }
    true
}

async fn a_session_ends_after_its_lifetime(app: TestApp) {
    let lifetime = Duration::from_secs(3);
    let app = app.with("SESSION_IDLE_TIMEOUT", "20s").with("SESSION_LIFETIME", "3s");
    let servers = app.start_two().await;
    let mut browser = Browser::new();
    let begun = Instant::now();
    let first = browser.load(&servers[0]).await;
    assert!(first.cookies()[0].ends_with("; Max-Age=3"), "{first:?}");
    let old = browser.id().to_owned();

    for (views, server) in (2..).zip(servers.iter().cycle()) {
        sleep(Duration::from_millis(100)).await;
        let response = browser.load(server).await;
        if response.new_id().is_some() {
            assert_eq!(response.view().views, 1);
            assert!(begun.elapsed() >= lifetime, "it ended early");
            break;
        }
        assert_eq!(response.view().views, views);
        assert!(begun.elapsed() < CEILING, "it never ends");
    }
    assert_ne!(browser.id(), old);
    assert_eq!(Browser::with_id(&old).view(&servers[0]).await.views, 1, "it does not come back");
}

async fn a_session_whose_end_was_moved_by_hand_ends_then(app: TestApp) {
    let server = app.start().await;
    let past = "2020-02-02T02:02:02.000000Z";
    for name in ["expires_at", "created_at"] {
        let mut browser = Browser::new();
        browser.view(&server).await;
        let id = browser.id().to_owned();
        match &app.store {
            Store::Sqlite(file) => file.change(&id, &format!("UPDATE sessions SET {name} = '{past}' WHERE id = ?1")),
            Store::Emulator(emulated) => {
                emulated.patch(&id, &[name], serde_json::json!({ name: { "timestampValue": past } })).await;
            }
        }
        let response = browser.load(&server).await;
        assert_eq!((response.view().views, response.new_id().is_some_and(|new| new != id)), (1, true), "{name}");
    }
}

#[tokio::test]
async fn expired_rows_are_removed_and_others_stay() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    let (mut gone, mut other) = (Browser::new(), Browser::new());
    gone.view(&server).await;
    other.view(&server).await;
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let past = "UPDATE sessions SET expires_at = '2020-02-02T02:02:02.000000Z' WHERE id = ?1";
    file.change(gone.id(), past);

    // A server sweeps when it starts.
    let _sweeper = app.start().await;
    let begun = Instant::now();
    while app.store.session(gone.id()).await.is_some() {
        assert!(begun.elapsed() < CEILING, "it is not removed");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(other.view(&server).await.views, 2);
}
