//! Start and stop.

mod open_files;
mod signals;

use std::{env, net::SocketAddr};

use anyhow::Context as _;
use app::visitor::Visitor;
use axum::Router;
use tokio::{net::TcpListener, runtime::Builder};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use self::signals::StopSignals;
use crate::{
    config::{Config, LogFormat, on_google_cloud},
    http::{App, Limits, NewSessionRateLimiter, OtherBuilds, Site, router, serve},
    observability::{log_id::LogIds, logging, metrics},
    store,
};

/// Starts the server and runs it until a signal stops it.
pub(crate) fn run(config: Config, filter: Option<EnvFilter>) -> anyhow::Result<()> {
    // At least two, also on one CPU: spawned work must continue while a render occupies a thread.
    let threads = std::thread::available_parallelism().map_or(2, |cpus| cpus.get().max(2));
    let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    match runtime.block_on(start_and_serve(config, filter))? {
        Stopped::AfterStart => {}
        // Opening the store may still block a thread, which the runtime would wait for.
        Stopped::DuringStart => runtime.shutdown_background(),
    }
    Ok(())
}

/// When the signal came.
enum Stopped {
    DuringStart,
    AfterStart,
}

async fn start_and_serve(config: Config, filter: Option<EnvFilter>) -> anyhow::Result<Stopped> {
    let mut signals = StopSignals::install()?;
    logging::start(filter, config.log_format.unwrap_or_else(default_log_format), config.store.project());
    let server = tokio::select! {
        biased;
        _drain_time = signals.recv(config.drain_time) => {
            tracing::info!("stopped before the start was complete");
            return Ok(Stopped::DuringStart);
        }
        server = Server::start(&config) => server?,
    };
    let stop = async {
        let drain = signals.recv(config.drain_time).await;
        tracing::info!(drain = %humantime::format_duration(drain), "stopping, and not ready from now on");
        drain
    };
    serve(server.listener, server.app, server.stopping, stop, server.limits).await;
    Ok(Stopped::AfterStart)
}

/// A server that listens and does not accept yet.
struct Server {
    listener: TcpListener,
    app: Router,
    stopping: CancellationToken,
    limits: Limits,
}

impl Server {
    async fn start(config: &Config) -> anyhow::Result<Self> {
        let location = config.store.location();
        let watched = env::var_os("LEPTOS_WATCH").is_some();
        let site = Site::open(&config.site_root, watched, config.https_only, store::display_name(&location))?;
        let other_builds = OtherBuilds::open(&config.site_root).context("LEPTOS_SITE_ROOT")?;
        // Before everything that records a metric.
        if let Some(address) = &config.metrics_addr {
            let address = metrics::start(address).await?;
            tracing::info!(%address, "metrics at http://{address}/metrics");
        }
        let limits = open_files::limits(config.trusted_proxies)?;
        let store = store::open(&location, config.store.timeout).await?;
        let settings = config.sessions.engine(config.store.timeout);
        let stopping = CancellationToken::new();
        let new_sessions = NewSessionRateLimiter::new(config.new_sessions_per_minute, config.trusted_proxies);
        tokio::spawn(new_sessions.clone().keep_pruned());
        let app = router(App {
            sessions: Visitor::sessions(store, settings),
            cookies: Visitor::cookie(config.https_only)?,
            site,
            other_builds,
            new_sessions,
            https_only: config.https_only,
            stopping: stopping.clone(),
            log_ids: LogIds::new(config.log_salt.as_deref()),
        });

        let (host, port) = (config.host.as_str(), config.port);
        let bound = TcpListener::bind((host, port)).await;
        let listener = bound.with_context(|| format!("HOST, PORT: can't listen on {host}:{port}"))?;
        announce(listener.local_addr()?, &store::describe(&location));
        Ok(Self { listener, app, stopping, limits })
    }
}

/// Logs where the page and its sessions are.
fn announce(address: SocketAddr, store: &str) {
    tracing::info!(%address, "listening on http://{address}, sessions in {store}");
}

/// JSON where Cloud Logging reads it, else text.
fn default_log_format() -> LogFormat {
    if on_google_cloud() { LogFormat::Json } else { LogFormat::Text }
}
