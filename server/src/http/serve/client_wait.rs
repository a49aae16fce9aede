//! Notices when a connection waits for its client.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Whether a connection waits for its client: to send something, or to take something.
pub(super) struct Waiting {
    pub(super) read: Wait,
    pub(super) write: Wait,
}

/// Whether a connection waits, and for how long compared with others.
pub(super) struct Wait {
    /// The lower, the longer it has waited; 0 while it does not wait; `OVER` once the connection has to make room.
    since: AtomicU64,
    waits: Arc<AtomicU64>,
}

const OVER: u64 = u64::MAX;

impl Wait {
    fn new(waits: &Arc<AtomicU64>) -> Self {
        Self { since: AtomicU64::new(0), waits: Arc::clone(waits) }
    }

    /// The connection can't go on without its client.
    pub(super) fn begin(&self) {
        if self.since.load(Ordering::Relaxed) == 0 {
            // While it does not wait, nobody but the connection itself writes here.
            self.since.store(self.waits.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// The client has sent or taken something. `false` if that is too late: the connection has to make room, so it must
    /// not begin with a request.
    pub(super) fn end(&self) -> bool {
        let is_over = self.since.swap(0, Ordering::Relaxed) == OVER;
        if is_over {
            self.since.store(OVER, Ordering::Relaxed);
        }
        !is_over
    }

    fn since(&self) -> Option<u64> {
        Some(self.since.load(Ordering::Relaxed)).filter(|since| ![0, OVER].contains(since))
    }

    /// `false` if it has not waited since then.
    fn end_by_force(&self, since: u64) -> bool {
        self.since.compare_exchange(since, OVER, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Waiting {
    /// `waits` counts how often any connection has begun to wait.
    pub(super) fn new(waits: &Arc<AtomicU64>) -> Self {
        Self { read: Wait::new(waits), write: Wait::new(waits) }
    }

    pub(super) fn since(&self) -> Option<u64> {
        [&self.read, &self.write].into_iter().filter_map(Wait::since).min()
    }

    /// `false` if it has not waited since then.
    pub(super) fn end_by_force(&self, since: u64) -> bool {
        self.read.end_by_force(since) || self.write.end_by_force(since)
    }
}

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
