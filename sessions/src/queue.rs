//! Requests of one instance for one session wait for each other, first come, first served.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{Mutex as Turn, OwnedMutexGuard},
    time::{Instant, timeout_at},
};

use crate::{SessionKey, metrics};

/// A queue for each session that somebody works on; sessions nobody works on take no space.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    queues: Mutex<HashMap<SessionKey, Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Tokio's mutex is fair: it is handed over in the order in which it was asked for.
    turn: Arc<Turn<()>>,
    /// How many wait for the turn or have it.
    members: usize,
}

impl Queues {
    /// Waits for this session's turn; `None` if it did not come until the deadline.
    pub(crate) async fn wait(self: &Arc<Self>, key: SessionKey, deadline: Instant) -> Option<Place> {
        let turn = {
            let mut queues = self.lock();
            let queue = queues.entry(key).or_default();
            queue.members += 1;
            metrics::queued();
            Arc::clone(&queue.turn)
        };
        // From here on the place counts this member, and leaves when it is dropped, whenever that is.
        let mut place = Place { queues: Arc::clone(self), key, turn: None };
        place.turn = Some(timeout_at(deadline, turn.lock_owned()).await.ok()?);
        Some(place)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Queue>> {
        // Nothing that runs under this lock can panic half-way.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue of a session, given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    queues: Arc<Queues>,
    key: SessionKey,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.turn = None;
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.get_mut(&self.key) {
            queue.members -= 1;
            metrics::left_queue();
            if queue.members == 0 {
                queues.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::SessionId;

    fn key(seed: u8) -> SessionKey {
        SessionId::from_random_bytes([seed; 16]).key()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_order_and_idle_queues_are_freed() {
        let queues = Arc::new(Queues::default());
        let (served, mut order) = tokio::sync::mpsc::unbounded_channel();
        let first = queues.wait(key(1), soon()).await;
        let waiting: Vec<_> = (0..10)
            .map(|n| {
                let (queues, served) = (Arc::clone(&queues), served.clone());
                tokio::spawn(async move {
                    let _place = queues.wait(key(1), soon()).await.expect("a turn");
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    served.send(n).expect("a receiver");
                })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(first);
        for (n, task) in waiting.into_iter().enumerate() {
            task.await.expect("no panic");
            assert_eq!(order.recv().await, Some(n));
        }
        assert!(queues.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_do_not_wait_for_each_other() {
        let queues = Arc::new(Queues::default());
        let _one = queues.wait(key(1), soon()).await.expect("a turn");
        assert!(queues.wait(key(2), soon()).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_or_is_dropped_leaves_nothing_behind() {
        let queues = Arc::new(Queues::default());
        let place = queues.wait(key(1), soon()).await.expect("a turn");
        assert!(queues.wait(key(1), soon()).await.is_none(), "the deadline ends the wait");
        let dropped = tokio::spawn({
            let queues = Arc::clone(&queues);
            async move { queues.wait(key(1), soon()).await.is_some() }
        });
        tokio::task::yield_now().await;
        dropped.abort();
        assert!(dropped.await.is_err());
        drop(place);
        assert!(queues.lock().is_empty());
        assert!(queues.wait(key(1), soon()).await.is_some());
    }
}
