//! Requests whose last message ends them.
//!
//! tonic sends a request's message and, after it, an empty frame that says that there are no more. hyper then writes to
//! the network once for the message and once for the nine bytes of that frame. Here the frame with the message says so
//! itself, which saves a twentieth of the CPU of a view.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use firestore::gcloud_sdk::tonic::{
    Status,
    body::Body,
    codegen::{Body as HttpBody, Bytes, Service, http::Request},
};
use http_body::Frame;

/// A service that sends each request so that its last message ends it.
#[derive(Clone)]
pub(super) struct OneFrame<S>(pub(super) S);

impl<S: Service<Request<Body>>> Service<Request<Body>> for OneFrame<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        self.0.call(request.map(|body| Body::new(LookAhead { body, next: None, ended: false })))
    }
}

/// A body that knows with each frame whether it's the last one.
struct LookAhead {
    body: Body,
    next: Option<Result<Frame<Bytes>, Status>>,
    ended: bool,
}

impl HttpBody for LookAhead {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = match self.next.take() {
            Some(frame) => Some(frame),
            None => ready!(Pin::new(&mut self.body).poll_frame(cx)),
        };
        if frame.is_some()
            && let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(cx)
        {
            self.ended = next.is_none();
            self.next = next;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
