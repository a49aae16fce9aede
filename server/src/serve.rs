//! Start and stop.

use std::{env, net::SocketAddr, time::Duration};

use anyhow::Context as _;
use app::visitor::Visitor;
use sessions::{Sessions, Settings, cookie::CookiePolicy};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    assets::Site,
    config::{Config, LogFormat},
    router::router,
    store, telemetry,
};

/// How long requests in flight get to finish. App Engine kills after 30 seconds.
const GRACE: Duration = Duration::from_secs(25);

/// Starts the server and runs it until it is told to stop.
pub(crate) fn run(config: Config) -> anyhow::Result<()> {
    telemetry::start(config.log_format.unwrap_or_else(log_format_here));
    // Two at least: work that is spawned must go on while a render holds a thread, on one CPU as well.
    let threads = std::thread::available_parallelism().map_or(2, |cpus| cpus.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let site = Site::open(&config.site_root)?;
    let place = config.store(env::var("FIRESTORE_EMULATOR_HOST").ok().as_deref());
    let store = store::open(&place, config.store_timeout).await?;
    let settings = Settings {
        idle_timeout: config.session_idle_timeout,
        lifetime: config.session_lifetime,
        store_timeout: config.store_timeout,
        cache_capacity: config.session_cache_capacity,
        cache_age: config.session_cache_age,
        ..Settings::default()
    };
    let cookies = CookiePolicy::new(config.session_lifetime, config.https_only);
    let sessions = Sessions::new(store, settings, || Visitor::new(&mut rand::rng()));
    let app = router(sessions, cookies, &site);

    let (host, port) = (config.host.as_str(), config.port);
    let listener =
        TcpListener::bind((host, port)).await.with_context(|| format!("HOST, PORT: can't listen on {host}:{port}"))?;
    announce(listener.local_addr()?, &store::describe(&place));

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, stopped) = tokio::sync::watch::channel(());
    let asked = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: requests in flight have {GRACE:?} to finish");
        drop(stop);
    };
    let serving = axum::serve(listener, app).with_graceful_shutdown(asked);
    tokio::select! {
        served = serving.into_future() => served?,
        () = grace_is_over(stopped) => tracing::warn!("some requests did not finish in time"),
    }
    Ok(())
}

async fn grace_is_over(mut stopped: tokio::sync::watch::Receiver<()>) {
    // The sender is dropped when the server is told to stop; nothing is ever sent.
    while stopped.changed().await.is_ok() {}
    tokio::time::sleep(GRACE).await;
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
