//! Takes connections and serves requests on them, with limits that a slow or greedy client runs into.

mod sent;

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

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

use self::sent::unless_closing;

/// How many connections are open at once; others wait to be taken.
const CONNECTIONS: usize = 4096;

/// How long a client may take to send the head of a request; also how long an idle connection is kept.
const HEAD: Duration = Duration::from_secs(15);

/// How much of a request's head is read. Browsers send some 2 kB, with a fat cookie of another app 10 kB.
const LARGEST_HEAD: usize = 32 * 1024;

/// How long after the signal everything is over. App Engine kills after 30 seconds.
pub(crate) const GRACE: Duration = Duration::from_secs(25);

/// How long the last answers get to reach their clients.
const FLUSH: Duration = Duration::from_millis(500);

/// The address at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Serves until `stop` is done, then for as long as `stop` says, then finishes the requests in flight.
///
/// `stopping` is cancelled at once: whoever asks about readiness hears that it's over, and connections are closed
/// after their answer, so that by the time the listener closes, whatever balances the load sends nobody here.
/// Connections that are idle, or on which a request is still being sent, don't hold up the end.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    stopping: CancellationToken,
    stop: impl Future<Output = Duration>,
) {
    let server = Server::new(listener, app, stopping.clone());
    let drain = server.take_until(stop).await;
    stopping.cancel();
    let deadline = Instant::now() + GRACE;
    server.take_until(sleep(drain.min(GRACE))).await;
    if timeout_at(deadline, server.finish()).await.is_err() {
        tracing::warn!("some requests did not finish within {GRACE:?}");
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
    /// Cancelled when the listener closes: from then on nothing more is waited for.
    closing: CancellationToken,
}

impl Server {
    fn new(listener: TcpListener, app: Router, stopping: CancellationToken) -> Self {
        let mut http = Builder::new(TokioExecutor::new()).http1_only();
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LARGEST_HEAD);
        Self {
            listener,
            app,
            http,
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            graceful: GracefulShutdown::new(),
            requests: TaskTracker::new(),
            stopping,
            closing: CancellationToken::new(),
        }
    }

    /// Takes connections until this is done, and answers what it answers.
    async fn take_until<R>(&self, done: impl Future<Output = R>) -> R {
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                result = &mut done => return result,
                ((stream, peer), permit) = take(&self.listener, &self.connections) => self.spawn(stream, peer, permit),
            }
        }
    }

    fn spawn(&self, stream: TcpStream, peer: Peer, permit: OwnedSemaphorePermit) {
        let (app, requests) = (self.app.clone(), self.requests.clone());
        let (stopping, closing) = (self.stopping.clone(), self.closing.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(|body| unless_closing(body, &closing));
            request.extensions_mut().insert(peer);
            let (answer, in_flight, stopping) = (app.clone().call(request), requests.token(), stopping.clone());
            async move {
                let mut answer = answer.await?;
                if stopping.is_cancelled() {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                // The request is in flight until the last of its answer is handed over.
                let held = move |body: Body| Body::new(body.map_err(move |error| hold(&in_flight, error)));
                Ok::<_, Infallible>(answer.map(held))
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = self.graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            // A client that breaks off or talks nonsense is no failure of ours.
            let _ = connection.await;
            drop(permit);
        });
    }

    /// Closes the listener and waits for the requests in flight.
    async fn finish(self) {
        drop(self.listener);
        self.closing.cancel();
        self.requests.close();
        let answered = async {
            // A request whose head was half there may still have come meanwhile.
            loop {
                self.requests.wait().await;
                sleep(FLUSH).await;
                if self.requests.is_empty() {
                    return;
                }
            }
        };
        tokio::select! {
            () = self.graceful.shutdown() => {}
            () = answered => {}
        }
    }
}

/// Keeps the token for as long as there is a body that may fail.
fn hold<E>(_in_flight: &TaskTrackerToken, error: E) -> E {
    error
}

/// Takes the next connection as soon as there may be one more.
async fn take(listener: &TcpListener, open: &Arc<Semaphore>) -> ((TcpStream, Peer), OwnedSemaphorePermit) {
    match Arc::clone(open).acquire_owned().await {
        Ok(permit) => (accept(listener).await, permit),
        Err(_closed) => std::future::pending().await,
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, Peer) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Answers are small and whole: nothing is gained by waiting for more to send.
                let _ = stream.set_nodelay(true);
                return (stream, Peer(address.ip()));
            }
            Err(error) if of_the_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: let some connections end.
                tracing::error!(%error, "can't take a connection");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Whether the client was gone before its connection was taken.
fn of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
