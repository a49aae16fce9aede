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

/// How long the rest of a body is waited for once the server stops. A body is a few bytes long.
const REST: Duration = Duration::from_secs(1);

/// The body, whose rest is not waited for once the server stops: who sends half of it and no more would hold up
/// the end. The handler then sees a broken body, never a short one, and refuses.
pub(super) fn unless_stopped(body: Incoming, stopping: &CancellationToken) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let stopped = stopping.clone().cancelled_owned();
    let cut = Box::pin(async {
        stopped.await;
        sleep(REST).await;
    });
    Body::new(Sent { body, cut })
}

struct Sent {
    body: Incoming,
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
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
                let stopped = || Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the server stops")));
                self.cut.as_mut().poll(context).map(|()| stopped())
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
