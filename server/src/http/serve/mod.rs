//! Accepts connections and serves requests on them, with limits on slow or greedy clients.
//!
//! Instead of `axum::serve`, because a stop must not wait for half-sent bodies, and must know which requests are in
//! flight.

mod shutdown_body;

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, header::CONNECTION},
};
use http_body_util::BodyExt as _;
use hyper::{Request, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout_at},
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tower::{Service as _, service_fn};

use self::shutdown_body::abort_on_shutdown;
use super::middleware::client_address::PeerAddr;
use crate::config::SHUTDOWN_TIMEOUT;

/// How many connections are open at once; further clients wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;

/// How long a client may take to send the head of a request; also how long an idle connection is kept.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(15);

/// The largest head of a request in bytes. Browsers send some 2 kB, with a large cookie of another app 10 kB.
const MAX_HEADER_SIZE: usize = 32 * 1024;

/// How long the last responses get to reach their clients.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// Serves until `stop` completes, then for the drain time that `stop` returns, then finishes the requests in flight.
///
/// `stopping` is cancelled at once: `/readyz` fails and responses carry `Connection: close`, so load balancers stop
/// routing here before the listener closes. Connections that are idle, or on which a request is still being sent,
/// don't delay the end.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stopping: CancellationToken,
    stop: impl Future<Output = Duration>,
) {
    let server = Server::new(listener, app, stopping.clone());
    let drain = server.accept_until(stop).await;
    stopping.cancel();
    let deadline = Instant::now() + SHUTDOWN_TIMEOUT;
    server.accept_until(sleep(drain.min(SHUTDOWN_TIMEOUT))).await;
    if timeout_at(deadline, server.finish()).await.is_err() {
        tracing::warn!("some requests did not finish within {SHUTDOWN_TIMEOUT:?}");
    }
}

struct Server {
    listener: TcpListener,
    app: Router,
    http: Builder<TokioExecutor>,
    connections: Arc<Semaphore>,
    graceful: GracefulShutdown,
    requests: TaskTracker,
    stopping: CancellationToken,
    /// Cancelled when the listener closes: from then on no request body is waited for.
    closing: CancellationToken,
}

impl Server {
    fn new(listener: TcpListener, app: Router, stopping: CancellationToken) -> Self {
        let mut http = Builder::new(TokioExecutor::new()).http1_only();
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT).max_buf_size(MAX_HEADER_SIZE);
        Self {
            listener,
            app,
            http,
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            graceful: GracefulShutdown::new(),
            requests: TaskTracker::new(),
            stopping,
            closing: CancellationToken::new(),
        }
    }

    /// Accepts connections until `done` completes, and returns its output.
    async fn accept_until<R>(&self, done: impl Future<Output = R>) -> R {
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                result = &mut done => return result,
                ((stream, peer), permit) = accept_within_limit(&self.listener, &self.connections) => self.spawn(stream, peer, permit),
            }
        }
    }

    fn spawn(&self, stream: TcpStream, peer: PeerAddr, permit: OwnedSemaphorePermit) {
        let (app, requests) = (self.app.clone(), self.requests.clone());
        let (stopping, closing) = (self.stopping.clone(), self.closing.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(|body| abort_on_shutdown(body, &closing));
            request.extensions_mut().insert(peer);
            let (response, in_flight, stopping) = (app.clone().call(request), requests.token(), stopping.clone());
            async move {
                let mut response = response.await?;
                if stopping.is_cancelled() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                // The request is in flight until the last of its response is handed over.
                let held = move |body: Body| Body::new(body.map_err(move |error| hold(&in_flight, error)));
                Ok::<_, Infallible>(response.map(held))
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = self.graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            // A client that disconnects or sends nonsense is not a failure of this server.
            let _ = connection.await;
            drop(permit);
        });
    }

    /// Closes the listener and waits for the requests in flight.
    async fn finish(self) {
        drop(self.listener);
        self.closing.cancel();
        self.requests.close();
        let all_responded = async {
            // A request whose head had arrived in part may have become complete meanwhile.
            loop {
                self.requests.wait().await;
                sleep(FLUSH_TIMEOUT).await;
                if self.requests.is_empty() {
                    return;
                }
            }
        };
        tokio::select! {
            () = self.graceful.shutdown() => {}
            () = all_responded => {}
        }
    }
}

/// Keeps the token for as long as the body's error mapper exists, which is as long as the body.
fn hold<E>(_in_flight: &TaskTrackerToken, error: E) -> E {
    error
}

/// Accepts the next connection as soon as the limit allows one more.
async fn accept_within_limit(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
) -> ((TcpStream, PeerAddr), OwnedSemaphorePermit) {
    match Arc::clone(open).acquire_owned().await {
        Ok(permit) => (accept(listener).await, permit),
        Err(_closed) => std::future::pending().await,
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, PeerAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Responses are small and written at once: Nagle's algorithm would only delay them.
                let _ = stream.set_nodelay(true);
                return (stream, PeerAddr(address.ip()));
            }
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                // Most likely there are no file descriptors left: wait for connections to end.
                tracing::error!(%error, "can't accept a connection");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Whether the client was gone before its connection was accepted.
fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
