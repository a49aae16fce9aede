//! Metrics for Prometheus, on an address of their own.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{net::TcpListener, time::interval};

/// How often recorded values are merged into the histograms, so that they take no more memory than those.
const UPKEEP: Duration = Duration::from_secs(5);

/// In seconds: fine where a healthy request is, coarse where a deadline strikes.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

const ROUND_TRIPS: [f64; 7] = [1.0, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0];

/// Starts recording, serves the metrics at this address, and returns the address that was bound.
///
/// # Errors
/// If the address can't be listened on.
pub(crate) async fn start(address: &str) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("METRICS_ADDR: can't listen on {address}"))?;
    let address = listener.local_addr()?;
    let handle = install()?;
    let process = metrics_process::Collector::default();
    process.describe();
    tokio::spawn(run_upkeep(handle.clone()));
    let scrape = move || {
        process.collect();
        let text = handle.render();
        async move { (StatusCode::OK, [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
    };
    let app = Router::new().route("/metrics", get(scrape));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

fn install() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full(sessions::metrics::ROUND_TRIPS.to_owned()), &ROUND_TRIPS)?
        .install_recorder()?;
    sessions::metrics::describe();
    describe_counter!("views_total", "Views counted.");
    describe_histogram!("http_request_seconds", Unit::Seconds, "Requests, by method, route and status.");
    describe_gauge!("http_requests_in_flight", "Requests that are not answered yet.");
    describe_gauge!("build_info", "1; the labels say what is running.");
    gauge!("build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    // There from the start, so that a rate can be taken of the first one, too.
    counter!("views_total").absolute(0);
    Ok(handle)
}

async fn run_upkeep(handle: PrometheusHandle) {
    let mut ticks = interval(UPKEEP);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

/// Records the response to a request.
pub(crate) fn record_response(method: &'static str, route: &str, status: StatusCode, took: Duration) {
    let labels = [("method", method.into()), ("route", route.to_owned()), ("status", status.as_u16().to_string())];
    histogram!("http_request_seconds", &labels).record(took);
}

/// A request without a response yet.
pub(crate) struct InFlight(());

impl InFlight {
    pub(crate) fn new() -> Self {
        gauge!("http_requests_in_flight").increment(1.0);
        Self(())
    }
}

impl Drop for InFlight {
    /// Also runs when the client has gone away and the request was dropped.
    fn drop(&mut self) {
        gauge!("http_requests_in_flight").decrement(1.0);
    }
}
