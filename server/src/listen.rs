//! Takes connections and serves requests on them, with limits that a slow or greedy client runs into.

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use tower::{Service as _, service_fn};

/// How many connections are open at once; others wait to be taken.
const CONNECTIONS: usize = 4096;

/// How long a client may take to send the head of a request; also how long an idle connection is kept.
const HEAD: Duration = Duration::from_secs(15);

/// How much of a request's head is read. Browsers send some 2 kB, with a fat cookie of another app 10 kB.
const LARGEST_HEAD: usize = 32 * 1024;

/// How long requests in flight get to finish. App Engine kills after 30 seconds.
const GRACE: Duration = Duration::from_secs(25);

/// How long the last answers get to reach their clients.
const FLUSH: Duration = Duration::from_millis(500);

/// The address at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Serves until `stop` is done, then finishes the requests in flight. Connections that are idle, or on which a
/// request is still being sent, don't hold it up.
pub(crate) async fn serve(listener: TcpListener, app: Router, stop: impl Future<Output = ()>) {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LARGEST_HEAD);
    let (connections, graceful, requests) =
        (Arc::new(Semaphore::new(CONNECTIONS)), GracefulShutdown::new(), TaskTracker::new());
    let mut stop = std::pin::pin!(stop);
    loop {
        let ((stream, peer), permit) = tokio::select! {
            () = &mut stop => break,
            taken = take(&listener, &connections) => taken,
        };
        let (app, requests) = (app.clone(), requests.clone());
        let service = service_fn(move |mut request: Request<_>| {
            request.extensions_mut().insert(peer);
            let (answer, in_flight) = (app.clone().call(request), requests.token());
            async move {
                let answer = answer.await?;
                // The request is in flight until the last of its answer is handed over.
                let held = move |body: Body| Body::new(body.map_err(move |error| hold(&in_flight, error)));
                Ok::<_, Infallible>(answer.map(held))
            }
        });
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that breaks off or talks nonsense is no failure of ours.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    requests.close();
    let answered = async {
        requests.wait().await;
        sleep(FLUSH).await;
    };
    let finished = async {
        tokio::select! {
            () = graceful.shutdown() => {}
            () = answered => {}
        }
    };
    if timeout(GRACE, finished).await.is_err() {
        tracing::warn!("some requests did not finish within {GRACE:?}");
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
