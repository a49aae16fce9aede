//! A store that is gone, slow or silent: visitors hear so in time, and nothing is lost.

use std::time::{Duration, Instant};

use rusqlite::TransactionBehavior;
use tokio::time::sleep;

use crate::support::{
    Browser, CEILING, Instance, Response, Store, TestApp, View,
    browser::UNKNOWN,
    emulator::Emulated,
    proxy::{Network, Proxy},
    tally::Tally,
};

/// The servers' deadline for all store work of a request.
const DEADLINE: &str = "500ms";

/// An app whose way to the emulator can be broken.
pub(crate) async fn breakable() -> Option<(TestApp, Proxy)> {
    let emulated = Emulated::new()?;
    let proxy = Proxy::to(&emulated.host).await;
    let emulated = emulated.through(&proxy.address.to_string());
    Some((TestApp::on(emulated).with("STORE_TIMEOUT", DEADLINE), proxy))
}

/// Waits until the store works again for this server.
pub(crate) async fn recovered(server: &Instance) {
    let begun = Instant::now();
    while status(server, "/readyz").await != 200 {
        assert!(begun.elapsed() < CEILING, "it does not recover");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Sends a request again as long as the response is a 503, and returns also how many of them there were: to a deadline
/// as short as the one here, a busy machine is an outage, too.
async fn until_served(mut send: impl AsyncFnMut() -> Response) -> (Response, u64) {
    let (begun, mut refused) = (Instant::now(), 0);
    loop {
        let response = send().await;
        if response.status != 503 {
            return (response, refused);
        }
        assert!(begun.elapsed() < CEILING, "it is never served: {response:?}");
        refused += 1;
        sleep(Duration::from_millis(20)).await;
    }
}

/// The view of a visitor, however often it takes.
async fn served_view(server: &Instance, browser: &mut Browser) -> View {
    until_served(async || browser.load(server).await).await.0.view()
}

async fn status(server: &Instance, path: &str) -> u16 {
    let mut browser = Browser::new();
    browser.send(browser.request(reqwest::Method::GET, &server.url(path))).await.status
}

/// Asserts that a response says that the store is not there, says no more, and leaves the cookie alone. `Retry-After`
/// shows that the deadline for store work had an effect: the request's own time limit, which is later, sends none.
fn assert_unavailable(response: &Response, what: &str) {
    assert_eq!(response.status, 503, "{what}: {response:?}");
    let seconds = response.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{what}: {response:?}");
    assert_eq!(response.cookies(), [""; 0], "{what}");
    let body = response.body.to_lowercase();
    for inside in ["firestore", "sqlite", "grpc", "database", "127.0.0.1", "transport", "deadline", "panicked"] {
        assert!(!body.contains(inside), "{what} tells {inside:?}: {body}");
    }
}

/// A greeting that the visitor does not have: one that changes nothing needs no write, and a locked file can be read.
fn other_greeting(first: &View) -> &'static str {
    if first.greeting == "Hola Mundo" { "Ciao Mondo" } else { "Hola Mundo" }
}

fn choice_of(greeting: &str) -> String {
    format!("greeting={}", greeting.replace(' ', "+"))
}

/// Asserts what holds while the store can't be used; `other` is a greeting that the visitor does not have.
async fn assert_outage(server: &Instance, browser: &mut Browser, other: &str, what: &str) {
    assert_unavailable(&browser.load(server).await, what);
    assert_unavailable(&Browser::new().load(server).await, &format!("{what}, a new visitor"));
    let choice = choice_of(other);
    for (path, fields) in [("/api/refresh", ""), ("/api/greeting", &choice), ("/api/forget", "")] {
        assert_unavailable(&browser.post(server, path, fields).await, &format!("{what}, {path}"));
    }

    assert_eq!(status(server, "/readyz").await, 503, "{what}");
    assert_eq!(status(server, "/pkg/hello.c0ffee.js").await, 200, "{what}");
    assert_eq!(status(server, "/nothing").await, 404, "{what}");
    let head = browser.send(browser.request(reqwest::Method::HEAD, &server.url("/"))).await;
    assert_eq!(head.status, 200, "{what}");

    // Also while requests wait for the store.
    let waiting = tokio::spawn({
        let (mut browser, page) = (browser.clone(), server.url("/"));
        async move { browser.send(browser.request(reqwest::Method::GET, &page)).await }
    });
    assert_eq!(status(server, "/healthz").await, 200, "{what}");
    assert_unavailable(&waiting.await.expect("no panic"), what);
}

/// Asserts what holds after an outage in which the visitor loaded the page twice, refreshed once, picked
/// another greeting and "forget me", all refused: each has happened once or not at all.
async fn assert_nothing_lost(app: &TestApp, server: &Instance, browser: &mut Browser, first: &View, what: &str) {
    let stored = app.store.session(browser.id()).await;
    let (response, refused) = until_served(async || browser.load(server).await).await;
    let View { views, greeting } = response.view();
    let Some(stored) = stored else {
        assert_eq!((views, response.new_id().is_some()), (1, true), "{what}: it was forgotten");
        return;
    };
    assert_eq!(response.new_id(), None, "{what}");
    // A load that was refused may have counted.
    let counted = views - stored.data["views"].as_u64().expect("a count");
    assert!((1..=1 + refused).contains(&counted), "{what}: {stored:?}, then {views} after {refused} refusals");
    assert!((first.views + 1..=first.views + 4 + refused).contains(&views), "{what}: {views} after {first:?}");
    assert!(
        [&first.greeting, other_greeting(first)].contains(&greeting.as_str()),
        "{what}: {greeting} after {first:?}"
    );
}

#[tokio::test]
async fn an_outage_of_firestore_is_a_503_and_loses_nothing() {
    for network in [Network::Stalls, Network::Refuses, Network::LosesResponses] {
        let Some((app, proxy)) = breakable().await else { return };
        let server = app.start().await;
        let mut browser = Browser::new();
        let first = served_view(&server, &mut browser).await;
        let what = format!("{network:?}");

        proxy.set(network);
        assert_outage(&server, &mut browser, other_greeting(&first), &what).await;
        proxy.set(Network::Works);
        recovered(&server).await;
        if network == Network::Refuses {
            assert_eq!(app.store.views(browser.id()).await, 1, "what was never sent has not happened");
        }
        assert_nothing_lost(&app, &server, &mut browser, &first, &what).await;
    }
}

#[tokio::test]
async fn a_locked_file_is_a_503_and_loses_nothing() {
    let app = TestApp::on_sqlite().with("STORE_TIMEOUT", DEADLINE);
    let server = app.start().await;
    let mut browser = Browser::new();
    let first = served_view(&server, &mut browser).await;
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    {
        let mut connection = file.open();
        let _writing = connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("a lock");
        assert_outage(&server, &mut browser, other_greeting(&first), "locked").await;
        // What needs no write is done: the choice of the greeting that the visitor has.
        let choice = choice_of(&first.greeting);
        let (same, _) = until_served(async || browser.post(&server, "/api/greeting", &choice).await).await;
        assert_eq!(same.view(), first);
    }
    recovered(&server).await;
    assert_nothing_lost(&app, &server, &mut browser, &first, "locked").await;
}

#[tokio::test]
async fn a_long_deadline_is_a_503_as_well() {
    let app = TestApp::on_sqlite().with("STORE_TIMEOUT", "11s");
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let mut connection = file.open();
    let _writing = connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("a lock");
    assert_unavailable(&browser.load(&server).await, "a long deadline");
}

#[tokio::test]
async fn views_over_a_network_that_breaks_all_the_time_count_once() {
    let Some((app, proxy)) = breakable().await else { return };
    let app = app.with("STORE_TIMEOUT", "2s");
    let servers = app.start_two().await;
    let mut browser = Browser::new();
    served_view(&servers[0], &mut browser).await;

    let tally = Tally::default();
    let mut visitors = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (tally, mut browser) = (tally.clone(), browser.clone());
        let pages = servers.each_ref().map(|server| server.url("/"));
        visitors.spawn(async move {
            for view in 0..25 {
                assert!(tally.view(&mut browser, &pages[(n + view) % 2]).await, "the server itself is there");
            }
        });
    }
    let breaking = async {
        loop {
            sleep(Duration::from_millis(rand::random_range(20..120))).await;
            proxy.cut();
        }
    };
    tokio::select! {
        _visits = visitors.join_all() => {}
        () = breaking => {}
    }
    assert_eq!(tally.answered() as u64 + tally.unanswered(), 200);
    eprintln!("{} views answered, {} not", tally.answered(), tally.unanswered());
    assert!(tally.answered() > 0);
    tally.check(app.store.views(browser.id()).await);
}

#[tokio::test]
async fn views_through_outages_of_all_kinds_count_once() {
    let Some((app, proxy)) = breakable().await else { return };
    let servers = app.start_two().await;
    let mut browser = Browser::new();
    served_view(&servers[0], &mut browser).await;

    let tally = Tally::default();
    let visitors: Vec<_> = (0..8).map(|n| tally.keep_viewing(&browser, &servers[n % 2])).collect();
    let kinds = [Network::LosesResponses, Network::Stalls, Network::Refuses];
    for network in kinds.into_iter().cycle().take(9) {
        // Long enough for some writes; then for some deadlines to pass.
        sleep(Duration::from_millis(rand::random_range(50..300))).await;
        proxy.set(network);
        sleep(Duration::from_millis(rand::random_range(100..1000))).await;
        proxy.set(Network::Works);
    }
    for server in &servers {
        recovered(server).await;
    }
    let (answered, begun) = (tally.answered(), Instant::now());
    while tally.answered() < answered + 20 {
        assert!(begun.elapsed() < CEILING, "hardly a view is answered: {tally:?}");
        sleep(Duration::from_millis(5)).await;
    }
    for server in servers {
        server.kill().await;
    }
    for visitor in visitors {
        visitor.await.expect("no panic");
    }
    // What the proxy held may still be on its way to the emulator.
    sleep(Duration::from_millis(200)).await;
    tally.check(app.store.views(browser.id()).await);
}

#[tokio::test]
async fn a_server_starts_without_its_store_and_recovers_by_itself() {
    let Some((app, proxy)) = breakable().await else { return };
    for network in [Network::Refuses, Network::Stalls] {
        proxy.set(network);
        let server = app.start().await;
        assert_outage(&server, &mut Browser::with_id(UNKNOWN), "Hola Mundo", &format!("{network:?} at start")).await;
        proxy.set(Network::Works);
        recovered(&server).await;
        assert_eq!(served_view(&server, &mut Browser::new()).await.views, 1);
    }
}

#[tokio::test]
async fn a_server_starts_where_no_emulator_is() {
    let app = TestApp::on_sqlite().without("SESSION_STORE");
    let app = app.with("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1").with("STORE_TIMEOUT", DEADLINE);
    let server = app.start().await;
    assert_outage(&server, &mut Browser::with_id(UNKNOWN), "Hola Mundo", "no emulator").await;
}
