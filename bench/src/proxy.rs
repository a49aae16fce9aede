//! Between a server and the emulator: counts the calls, and makes each take a round trip longer.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hyper::{
    Request, Response, body::Incoming, client::conn::http2 as client, server::conn::http2 as server,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, spawn_blocking},
};

/// A proxy for gRPC without TLS, until it's dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    calls: Arc<Calls>,
    accepting: JoinHandle<()>,
}

/// What was called how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Operations {
    /// Round trips.
    pub(crate) calls: u64,
    /// What Firestore bills as document reads, one for each `GetDocument`.
    pub(crate) reads: u64,
    /// What Firestore bills as document writes: a `Commit` of ours holds one.
    pub(crate) writes: u64,
}

struct Calls {
    upstream: String,
    delay: Duration,
    by_method: Mutex<BTreeMap<String, u64>>,
}

impl Proxy {
    /// A proxy in front of this emulator; each call takes so much longer.
    pub(crate) async fn start(upstream: &str, delay: Duration) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let calls = Arc::new(Calls { upstream: upstream.to_owned(), delay, by_method: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&calls)));
        Ok(Self { address, calls, accepting })
    }

    /// Returns the calls since it was last called.
    pub(crate) fn take(&self) -> Operations {
        let by_method = std::mem::take(&mut *self.calls.by_method.lock().unwrap_or_else(PoisonError::into_inner));
        let of = |method: &str| by_method.get(method).copied().unwrap_or(0);
        Operations { calls: by_method.values().sum(), reads: of("GetDocument"), writes: of("Commit") }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, calls: Arc<Calls>) {
    while let Ok((stream, _)) = listener.accept().await {
        let calls = Arc::clone(&calls);
        tokio::spawn(async move {
            if let Err(error) = pass(stream, calls).await {
                eprintln!("the proxy before the emulator: {error:#}");
            }
        });
    }
}

async fn pass(stream: TcpStream, calls: Arc<Calls>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let upstream = TcpStream::connect(&calls.upstream).await.context("no emulator")?;
    upstream.set_nodelay(true)?;
    let (sender, connection) = client::handshake(TokioExecutor::new(), TokioIo::new(upstream)).await?;
    tokio::spawn(connection);
    let service = service_fn(move |request| forward(sender.clone(), Arc::clone(&calls), request));
    // A client that ends breaks its connection off.
    let _ = server::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
    Ok(())
}

async fn forward(
    mut upstream: client::SendRequest<Incoming>,
    calls: Arc<Calls>,
    request: Request<Incoming>,
) -> anyhow::Result<Response<Incoming>> {
    let until = Instant::now() + calls.delay;
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    *calls.by_method.lock().unwrap_or_else(PoisonError::into_inner).entry(method).or_insert(0) += 1;
    if !calls.delay.is_zero() {
        // Tokio's timer is right to a millisecond only, a tenth of what is measured.
        spawn_blocking(move || sleep_until(until)).await?;
    }
    upstream.ready().await?;
    Ok(upstream.send_request(request).await?)
}

/// Sleeps until then, to some microseconds: the system wakes a sleeper a little late.
fn sleep_until(then: Instant) {
    const LATE: Duration = Duration::from_micros(200);
    thread::sleep(then.saturating_duration_since(Instant::now()).saturating_sub(LATE));
    while Instant::now() < then {
        std::hint::spin_loop();
    }
}
