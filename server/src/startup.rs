//! Start and stop.

use std::{env, net::SocketAddr, time::Duration};

use anyhow::Context as _;
use app::visitor::Visitor;
use sessions::{Sessions, cookie::CookiePolicy};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, LogFormat, on_google_cloud},
    http::{App, NewSessionRateLimiter, Site, router, serve},
    observability::{log_id::LogIds, logging, metrics},
    store,
};

/// Starts the server and runs it until a signal stops it.
pub(crate) fn run(config: Config) -> anyhow::Result<()> {
    logging::start(config.log_format.unwrap_or_else(default_log_format), config.store.project());
    // At least two, also on one CPU: spawned work must continue while a render occupies a thread.
    let threads = std::thread::available_parallelism().map_or(2, |cpus| cpus.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(start(config))
}

async fn start(config: Config) -> anyhow::Result<()> {
    let location = config.store.location();
    let site = Site::open(
        &config.site_root,
        env::var_os("LEPTOS_WATCH").is_some(),
        config.https_only,
        store::display_name(&location),
    )?;
    // Before everything that records a metric.
    if let Some(address) = &config.metrics_addr {
        let address = metrics::start(address).await?;
        tracing::info!(%address, "metrics at http://{address}/metrics");
    }
    let store = store::open(&location, config.store.timeout).await?;
    let settings = config.sessions.engine(config.store.timeout);
    let stopping = CancellationToken::new();
    let app = router(App {
        sessions: Sessions::new(store, settings, || Visitor::new(&mut rand::rng())),
        cookies: CookiePolicy::new(config.sessions.lifetime, config.https_only),
        site,
        new_sessions: NewSessionRateLimiter::new(config.new_sessions_per_minute, config.trusted_proxies),
        https_only: config.https_only,
        stopping: stopping.clone(),
        log_ids: LogIds::new(config.log_salt.as_deref()),
    });

    let (host, port) = (config.host.as_str(), config.port);
    let bound = TcpListener::bind((host, port)).await;
    let listener = bound.with_context(|| format!("HOST, PORT: can't listen on {host}:{port}"))?;
    let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    announce(listener.local_addr()?, &store::describe(&location));
    serve(listener, app, stopping, stop_signal(terminate, interrupt, config.drain_time)).await;
    Ok(())
}

/// Waits for a signal, and returns for how long requests are still accepted after it: not at all after Ctrl-C, since
/// no load balancer routes to a server at a terminal.
async fn stop_signal(mut terminate: Signal, mut interrupt: Signal, drain: Duration) -> Duration {
    let drain = tokio::select! {
        _ = terminate.recv() => drain,
        _ = interrupt.recv() => Duration::ZERO,
    };
    tracing::info!(drain = %humantime::format_duration(drain), "stopping, and not ready from now on");
    drain
}

/// Logs where the page and its sessions are.
fn announce(address: SocketAddr, store: &str) {
    tracing::info!(%address, "listening on http://{address}, sessions in {store}");
}

/// JSON where Cloud Logging reads it, else text.
fn default_log_format() -> LogFormat {
    if on_google_cloud() { LogFormat::Json } else { LogFormat::Text }
}
