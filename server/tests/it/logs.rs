//! What the server logs: a line a request, in the form that Cloud Logging takes apart, and nothing secret.

use std::time::Duration;

use reqwest::Method;
use rusqlite::TransactionBehavior;
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::{Browser, CEILING, Instance, Store, TestApp, store::key_of};

on_both_stores!(each_request_has_its_line);

/// The lines of requests, as soon as there are so many.
async fn lines(server: &Instance, count: usize) -> Vec<Value> {
    let logged = async {
        loop {
            let log = server.log();
            let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
            let lines: Vec<_> = lines.into_iter().filter(|line| line["target"] == "request").collect();
            if lines.len() >= count {
                return lines;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(CEILING, logged).await.unwrap_or_else(|_| panic!("not {count} lines in {}", server.log()))
}

async fn each_request_has_its_line(app: TestApp) {
    let app = app.with("LOG_FORMAT", "json").with("GOOGLE_CLOUD_PROJECT", "test-of-logs");
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.load(&server).await;
    let trace = "105445aa7843bc8bf206b12000100000";
    let request = browser.request(Method::GET, &server.url("/?secret=1"));
    browser.send(request.header("X-Cloud-Trace-Context", format!("{trace}/1;o=1"))).await;
    let id = browser.id().to_owned();
    browser.post(&server, "/api/refresh", "").await;
    browser.post(&server, "/api/greeting", "greeting=Guten+Tag").await;
    browser.post(&server, "/api/forget", "").await;
    browser.send(browser.request(Method::GET, &server.url("/nothing"))).await;
    browser.send(browser.request(Method::GET, &server.url("/readyz"))).await;

    let lines = lines(&server, 6).await;
    let found: Vec<_> = lines
        .iter()
        .map(|line| {
            let request = &line["httpRequest"];
            let latency = request["latency"].as_str().and_then(|latency| latency.strip_suffix('s'));
            assert!(latency.is_some_and(|seconds| seconds.parse::<f64>().is_ok_and(|it| it > 0.0)), "{line}");
            assert_eq!(line["severity"], "INFO", "{line}");
            assert!(line["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let (method, url, route) = (&request["requestMethod"], &request["requestUrl"], &line["route"]);
            assert_eq!(line["message"], format!("{} {} {}", text(method), text(url), request["status"]), "{line}");
            format!(
                "{} {} {} {} {} {}",
                text(method),
                text(url),
                text(route),
                request["status"],
                text(&line["outcome"]),
                line["round_trips"]
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "GET / / 200 created 1",
            "GET / / 200 changed 1",
            "POST /api/refresh /api/refresh 200 changed 1",
            "POST /api/greeting /api/greeting 422 - 0",
            "POST /api/forget /api/forget 200 deleted 2",
            "GET /nothing other 404 - null",
        ]
    );
    let session = lines[0]["session"].as_str().expect("a name");
    assert_eq!(session.len(), 8);
    assert_eq!([&lines[1]["session"], &lines[2]["session"]], [session, session]);
    let traced: Vec<_> = lines.iter().map(|line| line["logging.googleapis.com/trace"].as_str()).collect();
    assert_eq!(traced[1], Some(format!("projects/test-of-logs/traces/{trace}").as_str()));
    assert_eq!((traced[0], traced[2]), (None, None));
    let log = server.log();
    for secret in [&id, &key_of(&id), "secret=1", &key_of(&id)[..8]] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

#[tokio::test]
async fn a_failure_is_logged_once_with_its_cause() {
    let app = TestApp::on_sqlite().with("LOG_FORMAT", "json");
    let mut browser = Browser::new();
    browser.view(&app.start().await).await;
    let app = app.with("STORE_TIMEOUT", "300ms");
    let server = app.start().await;
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let mut connection = file.open();
    let writing = connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("a lock");
    assert_eq!(browser.load(&server).await.status, 503);
    assert_eq!(browser.post(&server, "/api/refresh", "").await.status, 503);
    assert_eq!(browser.send(browser.request(Method::GET, &server.url("/readyz"))).await.status, 503);
    drop(writing);

    let lines = lines(&server, 3).await;
    let of = |n: usize| (lines[n]["severity"].as_str().expect("text"), lines[n]["route"].as_str().expect("text"));
    assert_eq!([of(0), of(1), of(2)], [("ERROR", "/"), ("ERROR", "/api/refresh"), ("WARNING", "/readyz")]);
    for line in &lines {
        assert!(line["error"].as_str().is_some_and(|error| error.contains("session")), "{line}");
        // Whether a time ran out within SQLite's wait for the lock or around it is a matter of chance.
        assert!(["busy", "unavailable", "unknown"].iter().any(|it| line["outcome"] == *it), "{line}");
    }
    let log = server.log();
    // The clean-up at the server's start may find the lock, too.
    let count = |severity: &str| {
        let of_requests = log.lines().filter(|line| !line.contains("could not remove expired sessions"));
        of_requests.filter(|line| line.contains(severity)).count()
    };
    assert_eq!((count("\"ERROR\""), count("\"WARNING\"")), (2, 1), "{log}");
}

#[tokio::test]
async fn instances_with_the_same_salt_name_a_session_alike() {
    for (salt, alike) in [(Some("a secret of these two"), true), (None, false)] {
        let app = TestApp::on_sqlite().with("LOG_FORMAT", "json");
        let app = salt.into_iter().fold(app, |app, salt| app.with("LOG_SALT", salt));
        let [one, other] = app.start_two().await;
        let mut browser = Browser::new();
        browser.view(&one).await;
        browser.view(&other).await;
        let names = (lines(&one, 1).await, lines(&other, 1).await);
        assert_eq!(names.0[0]["session"] == names.1[0]["session"], alike, "{names:?}");
        assert!(!one.log().contains("a secret of these two"));
    }
}

/// Its view counts all the same, so there's a line for it.
#[tokio::test]
async fn a_client_that_goes_away_is_logged() {
    let app = TestApp::on_sqlite().with("LOG_FORMAT", "json");
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    let mut connection = file.open();
    let writing = connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("a lock");
    let mut client = TcpStream::connect(server.address()).await.expect("a connection");
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\nCookie: session_id={}\r\n\r\n", browser.id());
    client.write_all(request.as_bytes()).await.expect("a connection");
    sleep(Duration::from_millis(200)).await;
    // A reset: one that only closes its side may still wait for the response.
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("a socket");
    drop(client);
    let lines = lines(&server, 2).await;
    assert_eq!(lines[1]["outcome"], "abandoned", "{}", lines[1]);
    drop(writing);
}

/// Logs are kept, and read by many.
#[tokio::test]
async fn text_is_for_people() {
    let app = TestApp::on_sqlite().without("NO_COLOR");
    let server = app.start().await;
    Browser::new().view(&server).await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains(" request: ")).unwrap_or_else(|| panic!("no line in {log}"));
    assert!(line.contains("method=GET path=/ status=200 milliseconds="), "{line}");
    assert!(line.contains("round_trips=1 retries=0 outcome=created session="), "{line}");
    assert!(!log.contains('\x1b'), "no colours where there is no terminal: {log:?}");
}

/// The only sign, beside a visitor who complains that the count stays at one.
#[tokio::test]
async fn a_second_cookie_of_the_name_is_logged() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let cookies = format!("session_id={}; session_id=of-another-app", browser.id());
    let request = Browser::new().request(reqwest::Method::GET, &server.url("/")).header("Cookie", &cookies);
    assert_eq!(Browser::new().send(request).await.view().views, 1);
    let log = server.log();
    assert!(log.contains("several cookies named session_id"), "{log}");
    assert!(!log.contains(browser.id()) && !log.contains("of-another-app"), "{log}");
}
