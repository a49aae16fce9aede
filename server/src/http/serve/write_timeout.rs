//! Ends connections whose client does not read.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// A stream on which a write fails once the other side has accepted nothing for some time.
///
/// hyper has time limits for reading only. `tokio-io-timeout` has one for writing, but can't shorten it when the server
/// stops.
pub(super) struct WriteTimeout<S> {
    stream: S,
    timeout: Duration,
    closing: CancellationToken,
    timeout_when_closing: Duration,
    /// Completes when the write that waits has waited too long. `None` while no write waits: the timer exists only for
    /// clients that are slower than the socket's buffer.
    stalled: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S> WriteTimeout<S> {
    /// Once `closing` is cancelled, the second time limit applies.
    pub(super) fn new(
        stream: S,
        timeout: Duration,
        closing: CancellationToken,
        timeout_when_closing: Duration,
    ) -> Self {
        Self { stream, timeout, closing, timeout_when_closing, stalled: None }
    }

    fn with_limit<R>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let (timeout, timeout_when_closing) = (self.timeout, self.timeout_when_closing);
        let closing = &self.closing;
        let stalled = self.stalled.get_or_insert_with(|| {
            let closing = closing.clone();
            Box::pin(async move {
                let when_closing = async {
                    closing.cancelled().await;
                    sleep(timeout_when_closing).await;
                };
                tokio::select! {
                    () = sleep(timeout) => {}
                    () = when_closing => {}
                }
            })
        });
        ready!(stalled.as_mut().poll(context));
        self.stalled = None;
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.with_limit(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.with_limit(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.with_limit(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.with_limit(context, result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        time::{Instant, timeout},
    };

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);
    const JUST_IN_TIME: Duration = Duration::from_secs(29);
    const WHEN_CLOSING: Duration = Duration::from_secs(3);

    /// Later than all of these, so that a test fails where nothing ends the write.
    const FAR: Duration = Duration::from_secs(3600);

    fn stream() -> (WriteTimeout<DuplexStream>, DuplexStream, CancellationToken) {
        let (server, client) = duplex(16);
        let closing = CancellationToken::new();
        (WriteTimeout::new(server, TIMEOUT, closing.clone(), WHEN_CLOSING), client, closing)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_left_after_the_timeout() {
        let (mut server, _client, _closing) = stream();
        let begun = Instant::now();
        let written = timeout(FAR, server.write_all(&[0; 100])).await.expect("it ends");
        let error = written.expect_err("the client does not read");
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (io::ErrorKind::TimedOut, 30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_gets_everything() {
        let (mut server, mut client, _closing) = stream();
        let read = tokio::spawn(async move {
            let (mut all, mut some) = (0, [0; 8]);
            while let Ok(read @ 1..) = client.read(&mut some).await {
                all += read;
                sleep(JUST_IN_TIME).await;
            }
            all
        });
        server.write_all(&[0; 100]).await.expect("it goes on");
        drop(server);
        assert_eq!(read.await.expect("no panic"), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_less() {
        let (mut server, _client, closing) = stream();
        let begun = Instant::now();
        let stop = async {
            sleep(Duration::from_secs(10)).await;
            closing.cancel();
        };
        let (written, ()) = tokio::join!(timeout(FAR, server.write_all(&[0; 100])), stop);
        written.expect("it ends").expect_err("the client does not read");
        assert_eq!(begun.elapsed().as_secs(), 13);
    }
}
