//! Request bodies that a shutdown does not wait for.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long the rest of a body is waited for once the listener is closed. Bodies here are a few bytes long.
const BODY_TIMEOUT_ON_SHUTDOWN: Duration = Duration::from_secs(1);

/// Returns a body that fails after the listener has closed, so that a client that stopped half-way can't delay the
/// shutdown. The handler then sees an error, never a body that is too short.
pub(super) fn abort_on_shutdown(body: Incoming, closing: &CancellationToken) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let closed = closing.clone().cancelled_owned();
    let abort: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async {
        closed.await;
        sleep(BODY_TIMEOUT_ON_SHUTDOWN).await;
    });
    Body::new(ShutdownBody { body, abort: Some(abort) })
}

struct ShutdownBody {
    body: Incoming,
    /// `None` once the body was aborted.
    abort: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl HttpBody for ShutdownBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other))),
            Poll::Pending => {
                let Some(abort) = &mut self.abort else { return Poll::Ready(None) };
                if abort.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.abort = None;
                Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the server stops"))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
