//! Accepts connections and serves requests on them, with limits on slow or greedy clients.
//!
//! Instead of `axum::serve`, because a stop must not wait for half-sent bodies, and must know which requests are in
//! flight.

mod accept;
mod client_wait;
mod connections;
mod in_flight_body;
mod limits;
mod reset_detection;
mod shutdown_body;
mod write_timeout;

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, header::CONNECTION},
};
use hyper::{Request, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{Service as _, service_fn};

pub use self::limits::Limits;
use self::{
    accept::{Accepted, accept},
    client_wait::ClientWait,
    connections::{Connections, Place},
    in_flight_body::InFlightBody,
    reset_detection::ResetDetection,
    shutdown_body::abort_on_shutdown,
    write_timeout::WriteTimeout,
};

/// The largest head of a request in bytes. Browsers send some 2 kB, with a large cookie of another app 10 kB.
const MAX_HEADER_SIZE: usize = 32 * 1024;

/// How long the last responses get to reach their clients.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// Serves until `stop` completes, then for the drain time that `stop` returns, then finishes the requests in flight.
///
/// `stopping` is cancelled at once: `/readyz` fails and responses carry `Connection: close`, so load balancers stop
/// routing here before the listener closes. Connections that are idle, or on which a request is still being sent,
/// don't delay the end; a client that does not read its response delays it for `write_timeout_on_shutdown`.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stopping: CancellationToken,
    stop: impl Future<Output = Duration>,
    limits: Limits,
) {
    let shutdown_timeout = limits.shutdown_timeout;
    let server = Server::new(listener, app, stopping.clone(), limits);
    let drain = server.accept_until(stop).await;
    stopping.cancel();
    let deadline = Instant::now() + shutdown_timeout;
    server.accept_until(sleep(drain.min(shutdown_timeout))).await;
    if timeout_at(deadline, server.finish()).await.is_err() {
        tracing::warn!("some requests did not finish within {shutdown_timeout:?}");
    }
}

struct Server {
    listener: TcpListener,
    app: Router,
    http: Builder<TokioExecutor>,
    limits: Limits,
    connections: Connections,
    graceful: GracefulShutdown,
    requests: TaskTracker,
    stopping: CancellationToken,
    /// Cancelled when the listener closes: from then on no request body is waited for.
    closing: CancellationToken,
}

impl Server {
    fn new(listener: TcpListener, app: Router, stopping: CancellationToken, limits: Limits) -> Self {
        let mut http = Builder::new(TokioExecutor::new()).http1_only();
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_read_timeout)
            .max_buf_size(MAX_HEADER_SIZE)
            // A client that has closed its side still gets its response (RFC 9112, 9.6).
            .half_close(true);
        Self {
            listener,
            app,
            http,
            connections: Connections::new(&limits),
            limits,
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
                accepted = accept(&self.listener, &self.connections, self.limits.write_timeout) => self.spawn(accepted),
            }
        }
    }

    fn spawn(&self, Accepted { stream, peer, place }: Accepted) {
        let Place { waiting, make_room, guard } = place;
        let stream = WriteTimeout::new(
            ResetDetection(stream),
            self.limits.write_timeout,
            self.closing.clone(),
            self.limits.write_timeout_on_shutdown,
        );
        let stream = ClientWait::new(stream, waiting);
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
                Ok::<_, Infallible>(response.map(|body| InFlightBody { body, _in_flight: in_flight }))
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = self.graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            // A client that disconnects or sends nonsense is not a failure of this server.
            tokio::select! {
                biased;
                _ = connection => {}
                _ = make_room => {}
            }
            drop(guard);
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
