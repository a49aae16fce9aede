//! Servers that end in the middle of their work or stand still, and visitors who don't wait for it: no view
//! that was answered is lost.

use std::time::{Duration, Instant};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    metrics::scrape,
    support::{Browser, CEILING, TestApp, tally::Tally},
};

on_both_stores!(
    a_killed_server_loses_no_answered_view,
    the_other_instance_goes_on_when_one_is_killed,
    a_server_that_stood_still_does_no_harm,
    visitors_who_hang_up_leave_nothing_locked,
);

const VISITORS: usize = 12;

async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(CEILING, waiting).await.expect("it happens in time");
}

async fn a_killed_server_loses_no_answered_view(app: TestApp) {
    let mut browser = Browser::new();
    let tally = Tally::default();
    for round in 1..=4 {
        let server = app.start().await;
        if browser.id.is_none() {
            browser.view(&server).await;
        }
        let before = tally.answered();
        let visitors: Vec<_> = (0..VISITORS).map(|_| tally.keep_viewing(&browser, &server)).collect();
        until(|| tally.answered() >= before + 25).await;
        server.kill().await;
        for visitor in visitors {
            visitor.await.expect("no panic");
        }
        // Each visitor had one request in flight.
        assert_eq!(tally.unanswered(), round * VISITORS as u64);
        tally.check(app.store.views(browser.id()).await);
    }
    assert_eq!(app.store.sessions().await, 1);
}

async fn the_other_instance_goes_on_when_one_is_killed(app: TestApp) {
    let [one, other] = app.start_two().await;
    let mut browser = Browser::new();
    browser.view(&one).await;
    let tally = Tally::default();
    let visitors: Vec<_> =
        (0..VISITORS).map(|n| tally.keep_viewing(&browser, if n % 2 == 0 { &one } else { &other })).collect();
    until(|| tally.answered() >= 30).await;
    one.kill().await;
    until(|| tally.unanswered() >= VISITORS as u64 / 2).await;
    let before = tally.answered();
    until(|| tally.answered() >= before + 30).await;
    assert_eq!(tally.unanswered(), VISITORS as u64 / 2, "the visitors of the other one noticed nothing");
    other.kill().await;
    for visitor in visitors {
        visitor.await.expect("no panic");
    }
    tally.check(app.store.views(browser.id()).await);
}

async fn a_server_that_stood_still_does_no_harm(app: TestApp) {
    let mut browser = Browser::new();
    browser.view(&app.start().await).await;
    let app = app.with("STORE_TIMEOUT", "1s");
    let [one, other] = app.start_two().await;
    let tally = Tally::default();
    let visitors: Vec<_> =
        (0..VISITORS).map(|n| tally.keep_viewing(&browser, if n % 2 == 0 { &one } else { &other })).collect();
    until(|| tally.answered() >= 30).await;
    // Long enough for its deadlines to pass, and for the other to write many times if it can.
    one.signal("STOP").await;
    sleep(Duration::from_secs(2)).await;
    one.signal("CONT").await;
    let before = tally.answered();
    until(|| tally.answered() >= before + 30).await;
    one.kill().await;
    other.kill().await;
    for visitor in visitors {
        visitor.await.expect("no panic");
    }
    tally.check(app.store.views(browser.id()).await);
}

async fn visitors_who_hang_up_leave_nothing_locked(app: TestApp) {
    let app = app.with("METRICS_ADDR", "127.0.0.1:0");
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\nCookie: session_id={}\r\n\r\n", browser.id());
    for n in 0..60 {
        let mut connection = TcpStream::connect(server.address()).await.expect("a connection");
        connection.write_all(request.as_bytes()).await.expect("a connection");
        // Some before their work begins, some in its middle, some when the response is there.
        sleep(Duration::from_millis(n % 6)).await;
        connection.set_zero_linger().expect("a connection");
    }
    let views = browser.view(&server).await.views;
    assert!((2..=62).contains(&views), "{views}");
    // What was begun is finished, and nothing comes after.
    let begun = Instant::now();
    loop {
        let metrics = scrape(&server).await;
        let is_idle = |name: &str| metrics.lines().any(|line| line.strip_prefix(name) == Some(" 0"));
        if is_idle("http_requests_in_flight") && is_idle("sessions_queue_length") {
            break;
        }
        assert!(begun.elapsed() < CEILING, "it is never idle: {metrics}");
        sleep(Duration::from_millis(10)).await;
    }
    let settled = app.store.views(browser.id()).await;
    assert!((views..=62).contains(&settled), "{settled} after {views}");
    assert_eq!(browser.view(&server).await.views, settled + 1);
}
