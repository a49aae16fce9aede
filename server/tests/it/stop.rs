//! How the server stops: it finishes what it has begun.

use std::time::Duration;

use reqwest::Method;
use rusqlite::TransactionBehavior;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::{Browser, CEILING, Instance, Store, TestApp};

/// What waits for a request ends after the grace for requests in flight, which is 25 seconds; what does not wait takes
/// a moment. Where a connection without a whole head would be closed before, `TRUSTED_PROXIES` makes that later.
const WITHIN_THE_GRACE: Duration = Duration::from_secs(20);

async fn refuses(at: &Instance) {
    let refused = async {
        while TcpStream::connect(at.address()).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(CEILING, refused).await.expect("it stops listening");
}

#[tokio::test]
async fn a_signal_ends_it_with_success() {
    for signal in ["TERM", "INT"] {
        let app = TestApp::on_sqlite();
        let mut server = app.start().await;
        Browser::new().view(&server).await;
        server.signal(signal).await;
        assert_eq!(server.ended().await.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let app = TestApp::on_sqlite();
    let mut server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;

    // The view can't be counted as long as somebody else writes.
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let mut connection = file.open();
    let writing = connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("a lock");
    let page = server.url("/");
    let view = tokio::spawn({
        let mut browser = browser.clone();
        async move { browser.send(browser.request(Method::GET, &page)).await }
    });
    sleep(Duration::from_millis(500)).await;
    server.signal("TERM").await;
    refuses(&server).await;
    assert!(!view.is_finished(), "it waits");
    writing.rollback().expect("an open file");

    let response = view.await.expect("no panic");
    assert_eq!(response.view().views, 2);
    assert_eq!(server.ended().await.code(), Some(0));
    assert_eq!(app.store.views(browser.id()).await, 2);
}

/// Browsers open connections ahead of need, and keep used ones open.
#[tokio::test]
async fn a_connection_without_a_request_does_not_delay_it() {
    let app = TestApp::on_sqlite().with("TRUSTED_PROXIES", "1");
    let mut server = app.start().await;
    let mut used = TcpStream::connect(server.address()).await.expect("a connection");
    used.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a connection");
    let read = timeout(CEILING, used.read(&mut [0; 1024])).await.expect("a response").expect("a connection");
    assert!(read > 0);

    server.signal("TERM").await;
    let ended = timeout(WITHIN_THE_GRACE, server.ended()).await.expect("it ends before the grace is over");
    assert_eq!(ended.code(), Some(0));
}

/// A form of which half arrives: its sender has lost the network, or means no good.
#[tokio::test]
async fn half_a_request_does_not_delay_it() {
    let app = TestApp::on_sqlite().with("TRUSTED_PROXIES", "1");
    let mut server = app.start().await;
    let mut half = TcpStream::connect(server.address()).await.expect("a connection");
    let head = "POST /api/greeting HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    half.write_all(format!("{head}Content-Length: 19\r\n\r\ngreeting=").as_bytes()).await.expect("a connection");
    let mut quarter = TcpStream::connect(server.address()).await.expect("a connection");
    quarter.write_all(b"POST /api/forget HTTP/1.1\r\nHo").await.expect("a connection");
    sleep(Duration::from_millis(200)).await;

    server.signal("TERM").await;
    let ended = timeout(WITHIN_THE_GRACE, server.ended()).await.expect("it does not wait for the rest");
    assert_eq!(ended.code(), Some(0));
    let mut response = String::new();
    half.read_to_string(&mut response).await.expect("a response");
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
    assert_eq!(app.store.sessions().await, 0);
}

/// Whatever balances the load needs a moment to hear that this server is about to go.
#[tokio::test]
async fn while_it_drains_it_is_not_ready_and_serves_on() {
    let app = TestApp::on_sqlite().with("DRAIN_TIME", "15s");
    let mut server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let mut slow = TcpStream::connect(server.address()).await.expect("a connection");
    let head = "POST /api/greeting HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    slow.write_all(format!("{head}Content-Length: 19\r\n\r\ngreeting=").as_bytes()).await.expect("a connection");
    server.signal("TERM").await;
    let not_ready = async {
        loop {
            let response = browser.send(browser.request(Method::GET, &server.url("/readyz"))).await;
            if response.status == 503 {
                return response;
            }
        }
    };
    let response = timeout(CEILING, not_ready).await.expect("readiness fails");
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(browser.send(browser.request(Method::GET, &server.url("/healthz"))).await.status, 200);
    assert_eq!(browser.view(&server).await.views, 2);

    // A form that takes its time gets it, as at any other moment.
    sleep(Duration::from_millis(1500)).await;
    slow.write_all(b"Hola+Mundo").await.expect("a connection");
    let mut response = String::new();
    slow.read_to_string(&mut response).await.expect("a response");
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert_eq!(server.ended().await.code(), Some(0));
    assert_eq!(app.store.views(browser.id()).await, 2);
}

/// At a terminal nobody waits for anything.
#[tokio::test]
async fn an_interrupt_does_not_drain() {
    let app = TestApp::on_sqlite().with("DRAIN_TIME", "25s");
    let mut server = app.start().await;
    server.signal("INT").await;
    let ended = timeout(WITHIN_THE_GRACE, server.ended()).await.expect("it ends at once");
    assert_eq!(ended.code(), Some(0));
}

/// Who copies the file of a server that was stopped has all of it.
#[tokio::test]
async fn the_write_ahead_log_is_folded_in() {
    let app = TestApp::on_sqlite();
    let mut server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let log = file.path().with_extension("db-wal");
    assert!(log.exists(), "it runs on a write-ahead log");
    server.signal("TERM").await;
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(!log.exists());
    assert_eq!(app.store.views(browser.id()).await, 1);
}

#[tokio::test]
async fn an_answer_on_its_way_is_finished() {
    let app = TestApp::on_sqlite();
    // More than the system buffers.
    let length = 32 << 20;
    std::fs::write(app.path("target/site/large.bin"), vec![b'x'; length]).expect("a file");
    let mut server = app.start().await;
    let mut slow = TcpStream::connect(server.address()).await.expect("a connection");
    slow.write_all(b"GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("a connection");
    let mut response = vec![0; 1024];
    slow.read_exact(&mut response).await.expect("the beginning of a response");

    server.signal("TERM").await;
    refuses(&server).await;
    sleep(Duration::from_secs(1)).await;
    slow.read_to_end(&mut response).await.expect("the rest");
    assert!(response.len() > length, "{} bytes of {length}", response.len());
    assert_eq!(server.ended().await.code(), Some(0));
}
