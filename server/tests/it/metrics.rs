//! What the server counts, as Prometheus reads it, and the dashboard that shows it.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::Method;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::{Browser, Instance, TestApp, browser::UNKNOWN};

on_both_stores!(views_and_their_cost_are_counted);

/// What is counted, from the address that the server has announced.
pub(crate) async fn scrape(server: &Instance) -> String {
    let log = server.log();
    let (_, url) = log.split_once("metrics at ").unwrap_or_else(|| panic!("no address in {log}"));
    let url = url.split_whitespace().next().expect("an address");
    let mut browser = Browser::new();
    let response = browser.send(browser.request(Method::GET, url)).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert!(response.header("content-type").is_some_and(|it| it.starts_with("text/plain; version=0.0.4")));
    response.body
}

fn assert_counted(metrics: &str, expected: &[(&str, u64)]) {
    for (name, count) in expected {
        let line = format!("{name} {count}");
        assert!(metrics.lines().any(|found| found == line), "{line:?} is not in {metrics}");
    }
}

async fn views_and_their_cost_are_counted(app: TestApp) {
    let app = app.with("METRICS_ADDR", "127.0.0.1:0");
    let server = app.start().await;
    assert_counted(&scrape(&server).await, &[("views_total", 0), ("sessions_created_total", 0)]);

    let mut browser = Browser::new();
    browser.view(&server).await;
    browser.view(&server).await;
    browser.post(&server, "/api/refresh", "").await;
    app.store.edit(browser.id(), "views", Some(&Value::from(40))).await;
    assert_eq!(browser.view(&server).await.views, 41);
    Browser::with_id("nonsense").view(&server).await;
    Browser::with_id(UNKNOWN).view(&server).await;
    browser.post(&server, "/api/forget", "").await;
    browser.send(browser.request(Method::GET, &server.url("/nothing"))).await;

    let metrics = scrape(&server).await;
    assert_counted(
        &metrics,
        &[
            ("views_total", 6),
            ("sessions_created_total", 3),
            ("sessions_ended_total", 1),
            ("sessions_expired_total", 0),
            ("sessions_conflicts_total", 1),
            ("sessions_rejected_ids_total{reason=\"malformed\"}", 1),
            ("sessions_rejected_ids_total{reason=\"unknown\"}", 1),
            ("sessions_cache_total{result=\"hit\"}", 2),
            ("sessions_cache_total{result=\"stale\"}", 1),
            ("sessions_lost_answers_total{found=\"applied\"}", 0),
            ("sessions_queue_length", 0),
            // The one after the edit took three, the one with an unknown id and the deletion two.
            ("sessions_round_trips_sum", 3 + 3 + 1 + 2 + 2),
            ("sessions_round_trips_count", 7),
            ("http_requests_in_flight", 0),
            ("http_request_seconds_count{method=\"GET\",route=\"/\",status=\"200\"}", 5),
            ("http_request_seconds_count{method=\"POST\",route=\"/api/refresh\",status=\"200\"}", 1),
            ("http_request_seconds_count{method=\"GET\",route=\"other\",status=\"404\"}", 1),
            (concat!("build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1),
        ],
    );
    let shown = browser.send(browser.request(Method::GET, &server.url("/metrics"))).await;
    assert_eq!(shown.status, 404, "visitors don't see them");
    for secret in [UNKNOWN, "nonsense"] {
        assert!(!metrics.contains(secret), "{metrics}");
    }
}

#[tokio::test]
async fn without_an_address_nothing_listens() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    assert!(!server.log().contains("metrics"), "{}", server.log());
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let app = TestApp::on_sqlite().with("METRICS_ADDR", &address);
    let output = app.command().output().await.expect("the server's program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("METRICS_ADDR") && said.contains(&address), "{said}");
}

/// A panel about a metric that was renamed stays empty, and nobody notices until it's needed.
#[tokio::test]
async fn the_dashboard_shows_what_there_is() {
    let app = TestApp::on_sqlite().with("METRICS_ADDR", "127.0.0.1:0");
    let server = app.start().await;
    Browser::new().view(&server).await;
    let metrics = scrape(&server).await;
    let there: BTreeSet<_> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/grafana.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).expect("a file")).expect("JSON");
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().expect("a query");
            let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let names: Vec<_> = words
                .filter(|word| {
                    ["sessions_", "http_", "views_", "process_", "build_"].iter().any(|it| word.starts_with(it))
                })
                .collect();
            assert!(!names.is_empty(), "{query}");
            for name in names {
                assert!(there.contains(name), "{query} asks for {name}, which isn't there: {there:?}");
            }
            asked += 1;
        }
    }
    assert!(asked > 8, "{asked}");
}
