//! Notices when a connection waits for its client.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::{Wait, Waiting};

/// A stream that says in its [`Waiting`] whether it waits for its client. It fails once the connection has to make room.
///
/// hyper reads only when it needs more of a request, so a connection whose request is being handled does not wait.
pub(super) struct ClientWait<S> {
    stream: S,
    waiting: Arc<Waiting>,
}

impl<S> ClientWait<S> {
    pub(super) fn new(stream: S, waiting: Arc<Waiting>) -> Self {
        Self { stream, waiting }
    }
}

fn noted<R>(wait: &Wait, result: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
    if result.is_pending() {
        wait.begin();
    } else if !wait.end() {
        return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
    }
    result
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientWait<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        noted(&self.waiting.read, result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ClientWait<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        noted(&self.waiting.write, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        noted(&self.waiting.write, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has nothing to flush, so this says nothing of the client.
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
