//! Start and stop.

use std::{env, net::SocketAddr};

use anyhow::Context as _;
use app::visitor::Visitor;
use sessions::{Sessions, Settings, cookie::CookiePolicy};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{
    assets::Site,
    config::{Config, LogFormat},
    listen,
    newcomers::Newcomers,
    router::{App, router},
    store, telemetry,
};

/// Starts the server and runs it until it is told to stop.
pub(crate) fn run(config: Config) -> anyhow::Result<()> {
    telemetry::start(config.log_format.unwrap_or_else(log_format_here));
    // Two at least: work that is spawned must go on while a render holds a thread, on one CPU as well.
    let threads = std::thread::available_parallelism().map_or(2, |cpus| cpus.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let place = config.store(env::var("FIRESTORE_EMULATOR_HOST").ok().as_deref());
    let site =
        Site::open(&config.site_root, env::var_os("LEPTOS_WATCH").is_some(), config.https_only, store::name(&place))?;
    let store = store::open(&place, config.store_timeout).await?;
    let settings = Settings {
        idle_timeout: config.session_idle_timeout,
        lifetime: config.session_lifetime,
        store_timeout: config.store_timeout,
        cache_capacity: config.session_cache_capacity,
        cache_age: config.session_cache_age,
        ..Settings::default()
    };
    let app = router(App {
        sessions: Sessions::new(store, settings, || Visitor::new(&mut rand::rng())),
        cookies: CookiePolicy::new(config.session_lifetime, config.https_only),
        site,
        newcomers: Newcomers::new(config.new_sessions_per_minute, config.trusted_proxies),
        https_only: config.https_only,
    });

    let (host, port) = (config.host.as_str(), config.port);
    let bound = TcpListener::bind((host, port)).await;
    let listener = bound.with_context(|| format!("HOST, PORT: can't listen on {host}:{port}"))?;
    let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    announce(listener.local_addr()?, &store::describe(&place));
    listen::serve(listener, app, told_to_stop(terminate, interrupt)).await;
    Ok(())
}

async fn told_to_stop(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping as soon as the requests in flight are answered");
}

/// Says where the page is and where its sessions are.
fn announce(address: SocketAddr, place: &str) {
    tracing::info!(%address, "listening on http://{address}, sessions in {place}");
}

/// JSON where Cloud Logging reads it (App Engine and Cloud Run set these variables), else text.
fn log_format_here() -> LogFormat {
    let on_google_cloud = ["GAE_SERVICE", "K_SERVICE"].into_iter().any(|name| env::var_os(name).is_some());
    if on_google_cloud { LogFormat::Json } else { LogFormat::Text }
}
