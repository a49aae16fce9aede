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
    assets::Site,
    config::{Config, LogFormat, on_google_cloud},
    listen, metrics,
    newcomers::Newcomers,
    pseudonym::Pseudonyms,
    router::{App, router},
    store, telemetry,
};

/// Starts the server and runs it until it is told to stop.
pub(crate) fn run(config: Config) -> anyhow::Result<()> {
    telemetry::start(config.log_format.unwrap_or_else(log_format_here), config.store.project());
    // Two at least: work that is spawned must go on while a render holds a thread, on one CPU as well.
    let threads = std::thread::available_parallelism().map_or(2, |cpus| cpus.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let place = config.store.place();
    let site =
        Site::open(&config.site_root, env::var_os("LEPTOS_WATCH").is_some(), config.https_only, store::name(&place))?;
    // Before anything that counts.
    if let Some(address) = &config.metrics_addr {
        let address = metrics::start(address).await?;
        tracing::info!(%address, "metrics at http://{address}/metrics");
    }
    let store = store::open(&place, config.store.timeout).await?;
    let settings = config.sessions.engine(config.store.timeout);
    let stopping = CancellationToken::new();
    let app = router(App {
        sessions: Sessions::new(store, settings, || Visitor::new(&mut rand::rng())),
        cookies: CookiePolicy::new(config.sessions.lifetime, config.https_only),
        site,
        newcomers: Newcomers::new(config.new_sessions_per_minute, config.trusted_proxies),
        https_only: config.https_only,
        stopping: stopping.clone(),
        pseudonyms: Pseudonyms::new(config.log_salt.as_deref()),
    });

    let (host, port) = (config.host.as_str(), config.port);
    let bound = TcpListener::bind((host, port)).await;
    let listener = bound.with_context(|| format!("HOST, PORT: can't listen on {host}:{port}"))?;
    let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    announce(listener.local_addr()?, &store::describe(&place));
    listen::serve(listener, app, stopping, told_to_stop(terminate, interrupt, config.drain_time)).await;
    Ok(())
}

/// Waits for a signal, and answers for how long requests are still taken after it: not at all after Ctrl-C, when
/// nothing balances the load.
async fn told_to_stop(mut terminate: Signal, mut interrupt: Signal, drain: Duration) -> Duration {
    let drain = tokio::select! {
        _ = terminate.recv() => drain,
        _ = interrupt.recv() => Duration::ZERO,
    };
    tracing::info!(drain = %humantime::format_duration(drain), "stopping, and not ready from now on");
    drain
}

/// Says where the page is and where its sessions are.
fn announce(address: SocketAddr, place: &str) {
    tracing::info!(%address, "listening on http://{address}, sessions in {place}");
}

/// JSON where Cloud Logging reads it, else text.
fn log_format_here() -> LogFormat {
    if on_google_cloud() { LogFormat::Json } else { LogFormat::Text }
}
