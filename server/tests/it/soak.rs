//! Two servers on one store, and everything goes wrong at random: they are killed, stopped and stand still, the network
//! to the store breaks or its file is locked, clients don't read or hang up, crowds of new visitors come. Meanwhile
//! visitors view the page, each keeps the books, and in the end no view that was answered is lost or counted twice.
//!
//! `make soak` runs it for an hour, `make test` for half a minute on each store. It prints its seed; with `SOAK_SEED` the
//! same things go wrong at the same times, as far as a machine repeats itself.

use std::{
    env,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;
use rusqlite::TransactionBehavior;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    outage::{breakable, recovered},
    support::{
        Browser, CEILING, Instance, Store, TestApp,
        proxy::{Network, Proxy},
        tally::Tally,
    },
};

const VISITORS: u64 = 12;

/// What a server may have more of in the end than after a quarter of the time: files for connections that are just
/// open, and kB that its allocator keeps.
const MORE_FILES: usize = 100;
const MORE_MEMORY: u64 = 64 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    soak(TestApp::on_sqlite(), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firestore() {
    let Some((app, proxy)) = breakable().await else { return };
    soak(app, Some(proxy)).await;
}

/// Where the two servers are just now.
type Addresses = Arc<RwLock<[String; 2]>>;

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    env::var(name).ok().and_then(|value| value.parse().ok())
}

async fn soak(app: TestApp, proxy: Option<Proxy>) {
    let seconds = setting("SOAK_SECONDS").unwrap_or(30);
    let seed = setting("SOAK_SEED").unwrap_or_else(rand::random::<u64>);
    eprintln!("{seconds} seconds, SOAK_SEED={seed}");
    // Longer than what goes wrong: a view that is not answered may have counted, which hides one that counts twice.
    let app = app
        .with("STORE_TIMEOUT", "5s")
        .with("SESSION_CACHE_BYTES", "200000")
        .with("RUST_LOG", "warn,server::startup=info");
    let mut servers = app.start_two().await;
    let end = Instant::now() + Duration::from_secs(seconds);
    let addresses: Addresses = Arc::new(RwLock::new(servers.each_ref().map(|server| server.url(""))));

    let mut visitors = JoinSet::new();
    for n in 0..VISITORS {
        visitors.spawn(visit(Arc::clone(&addresses), end, StdRng::seed_from_u64(seed.wrapping_add(n))));
    }
    let mut crowds = JoinSet::new();
    crowds.spawn(crowd(Arc::clone(&addresses), end, StdRng::seed_from_u64(!seed)));
    crowds.spawn(bad_clients(Arc::clone(&addresses), end, StdRng::seed_from_u64(!seed ^ 1)));

    let mut random = StdRng::seed_from_u64(seed);
    let mut after_a_quarter = None;
    while Instant::now() < end {
        sleep(Duration::from_millis(random.random_range(200..1500))).await;
        go_wrong(&app, proxy.as_ref(), &mut servers, &addresses, &mut random).await;
        if after_a_quarter.is_none() && Instant::now() + Duration::from_secs(seconds * 3 / 4) > end {
            after_a_quarter = Some(servers[1].usage());
        }
    }
    for server in &servers {
        recovered(server).await;
    }
    while let Some(ended) = crowds.join_next().await {
        ended.expect("no panic");
    }
    let visitors = visitors.join_all().await;
    // What was on its way when a server ended may still arrive.
    sleep(Duration::from_millis(500)).await;

    let (mut answered, mut unanswered) = (0, 0);
    for (browser, tally) in visitors {
        let stored = app.store.views(browser.id()).await;
        tally.check(stored);
        assert!(tally.answered() > 0, "a visitor has seen no view");
        answered += tally.answered();
        unanswered += tally.unanswered();
    }
    let (files_before, memory_before) = after_a_quarter.expect("a quarter of the time has passed");
    let (files, memory) = servers[1].usage();
    eprintln!(
        "{answered} views answered, {unanswered} not; {files_before} open files, then {files}; {memory_before} kB, \
         then {memory}"
    );
    assert!(files <= files_before + MORE_FILES, "{files} open files");
    assert!(memory <= memory_before + MORE_MEMORY, "{memory} kB");
    for server in &servers {
        assert!(!server.log().contains("panicked"), "{}", server.log());
    }
}

/// One thing goes wrong, and is over when this returns. The second server is never ended, so that what it keeps shows.
async fn go_wrong(
    app: &TestApp,
    proxy: Option<&Proxy>,
    servers: &mut [Instance; 2],
    addresses: &Addresses,
    random: &mut StdRng,
) {
    let while_ms = |random: &mut StdRng| Duration::from_millis(random.random_range(50..1500));
    match random.random_range(0..8) {
        kind @ 0..2 => {
            let new = app.start().await;
            addresses.write().expect("no panic")[0] = new.url("");
            let old = std::mem::replace(&mut servers[0], new);
            if kind == 0 {
                old.kill().await;
            } else {
                let mut old = old;
                old.signal("TERM").await;
                assert!(old.ended().await.success(), "it stops on SIGTERM: {}", old.log());
            }
        }
        2 => {
            let server = &servers[random.random_range(0..2)];
            server.signal("STOP").await;
            sleep(while_ms(random)).await;
            server.signal("CONT").await;
        }
        _ => match (&app.store, proxy) {
            (_, Some(proxy)) => {
                let kinds = [Network::Stalls, Network::Refuses, Network::LosesResponses];
                proxy.set(kinds[random.random_range(0..kinds.len())]);
                sleep(while_ms(random)).await;
                proxy.set(Network::Works);
            }
            (Store::Sqlite(file), None) => {
                let mut connection = file.open();
                let time = while_ms(random);
                let folds = random.random_bool(0.3);
                let work = move || {
                    let write = connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("a lock");
                    std::thread::sleep(time);
                    drop(write);
                    if folds {
                        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("a checkpoint");
                    }
                };
                tokio::task::spawn_blocking(work).await.expect("no panic");
            }
            _ => unreachable!("the emulator is behind the proxy"),
        },
    }
}

/// A visitor who views the page on either server, now and then several times at once.
async fn visit(addresses: Addresses, end: Instant, mut random: StdRng) -> (Browser, Tally) {
    let (mut browser, tally) = (Browser::new(), Tally::default());
    while browser.id.is_none() {
        assert!(Instant::now() < end + CEILING, "it gets no session");
        let page = page(&addresses, &mut random);
        match browser.try_send(browser.request(Method::GET, &page)).await {
            Ok(response) if response.status == 200 => assert_eq!(response.view().views, 1, "{response:?}"),
            Ok(response) => assert_eq!(response.status, 503, "{response:?}"),
            // The server was ended. A session that it made is nobody's.
            Err(_gone) => {}
        }
        sleep(Duration::from_millis(20)).await;
    }
    while Instant::now() < end || tally.answered() == 0 {
        assert!(Instant::now() < end + CEILING, "no view of it is answered");
        let mut at_once = JoinSet::new();
        let several = if random.random_bool(0.2) { random.random_range(2..8) } else { 1 };
        for _ in 0..several {
            let (tally, mut browser, page) = (tally.clone(), browser.clone(), page(&addresses, &mut random));
            at_once.spawn(async move { tally.view(&mut browser, &page).await });
        }
        at_once.join_all().await;
        sleep(Duration::from_millis(random.random_range(0..20))).await;
    }
    (browser, tally)
}

fn page(addresses: &Addresses, random: &mut StdRng) -> String {
    format!("{}/", addresses.read().expect("no panic")[random.random_range(0..2)])
}

/// Crowds of visitors without a cookie: each begins a session, or hears that it can't.
async fn crowd(addresses: Addresses, end: Instant, mut random: StdRng) {
    while Instant::now() < end {
        sleep(Duration::from_millis(random.random_range(500..3000))).await;
        let mut visitors = JoinSet::new();
        for _ in 0..random.random_range(10..100) {
            let page = page(&addresses, &mut random);
            visitors.spawn(async move {
                let mut browser = Browser::new();
                if let Ok(response) = browser.try_send(browser.request(Method::GET, &page)).await {
                    assert!(matches!(response.status, 200 | 503), "{response:?}");
                    assert_eq!(response.status == 200, browser.id.is_some(), "{response:?}");
                }
            });
        }
        visitors.join_all().await;
    }
}

/// Clients that send half a request, or ask for much and don't read it, and hang up after a while.
async fn bad_clients(addresses: Addresses, end: Instant, mut random: StdRng) {
    let mut connections = Vec::new();
    while Instant::now() < end {
        sleep(Duration::from_millis(random.random_range(10..200))).await;
        let page = page(&addresses, &mut random);
        let address = page.trim_start_matches("http://").trim_end_matches('/');
        let Ok(mut connection) = TcpStream::connect(address).await else { continue };
        let request: &[u8] = match random.random_range(0..3) {
            0 => b"GET / HTTP/1.1\r\nHos",
            1 => b"POST /api/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
            _ => &b"GET /pkg/hello.c0ffee.wasm HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50),
        };
        // It may be gone already, or refuse more.
        let _ = timeout(Duration::from_secs(1), connection.write_all(request)).await;
        connections.push(connection);
        if connections.len() > 50 {
            connections.swap_remove(random.random_range(0..connections.len()));
        }
    }
}
