//! Work that is finished even if its caller goes away.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::runtime::Handle;

/// A future that, once begun, is carried on by a task of its own if it is dropped before its end. Spawning one for
/// each piece of work would cost more than the work does. The work is kilobytes large and comes in a box, so that it's
/// moved once only.
pub(crate) struct Detach<W: Future + Send + Unpin + 'static>
where
    W::Output: Send + 'static,
{
    /// `None` once it has ended.
    work: Option<W>,
    begun: bool,
}

impl<W: Future + Send + Unpin + 'static> Detach<W>
where
    W::Output: Send + 'static,
{
    pub(crate) fn new(work: W) -> Self {
        Self { work: Some(work), begun: false }
    }
}

impl<W: Future + Send + Unpin + 'static> Future for Detach<W>
where
    W::Output: Send + 'static,
{
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<W::Output> {
        // Taken out, so that work that panics is not carried on.
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        let result = Pin::new(&mut work).poll(context);
        if result.is_pending() {
            (self.work, self.begun) = (Some(work), true);
        }
        result
    }
}

impl<W: Future + Send + Unpin + 'static> Drop for Detach<W>
where
    W::Output: Send + 'static,
{
    fn drop(&mut self) {
        if self.begun
            && let Some(work) = self.work.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::{
        sync::Notify,
        time::{sleep, timeout},
    };

    use super::*;

    /// Work that waits, and says when it has ended.
    fn work() -> (Detach<impl Future<Output = ()> + Send + Unpin>, Arc<Notify>) {
        let ended = Arc::new(Notify::new());
        let notify = Arc::clone(&ended);
        let work = async move {
            sleep(Duration::from_millis(10)).await;
            notify.notify_one();
        };
        (Detach::new(Box::pin(work)), ended)
    }

    async fn ends(ended: &Notify) -> bool {
        timeout(Duration::from_secs(1), ended.notified()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_begun_is_finished_and_nothing_else() {
        let (begun, ended) = work();
        assert!(timeout(Duration::from_millis(1), begun).await.is_err(), "dropped half-way");
        assert!(ends(&ended).await);

        let (never_begun, ended) = work();
        drop(never_begun);
        assert!(!ends(&ended).await);

        let (awaited, ended) = work();
        awaited.await;
        assert!(ends(&ended).await);
        assert!(!ends(&ended).await, "once");
    }

    #[tokio::test(start_paused = true)]
    async fn what_panics_is_not_carried_on() {
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let mut panics = Box::pin(Detach::new(Box::pin(async move {
            sleep(Duration::from_millis(1)).await;
            panic!("on purpose, holding {holds:?}");
        })));
        let caught = std::future::poll_fn(|context| {
            let poll = || panics.as_mut().poll(context);
            match std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)) {
                Ok(_pending) => Poll::Pending,
                Err(_panic) => Poll::Ready(()),
            }
        });
        caught.await;
        assert_eq!(Arc::strong_count(&held), 1, "it's dropped at once");
    }
}
