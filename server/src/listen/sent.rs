//! The body of a request, as far as its client has sent it.

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

/// How long the rest of a body is waited for once the listener is closed. A body is a few bytes long.
const REST: Duration = Duration::from_secs(1);

/// The body, whose rest is not waited for once the listener is closed: who sends half of it and no more would hold up
/// the end. The handler then sees a broken body, never a short one, and refuses.
pub(super) fn unless_closing(body: Incoming, closing: &CancellationToken) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let closed = closing.clone().cancelled_owned();
    let cut: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async {
        closed.await;
        sleep(REST).await;
    });
    Body::new(Sent { body, cut: Some(cut) })
}

struct Sent {
    body: Incoming,
    /// `None` once it was cut.
    cut: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other))),
            Poll::Pending => {
                let Some(cut) = &mut self.cut else { return Poll::Ready(None) };
                if cut.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.cut = None;
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
