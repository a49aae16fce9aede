//! Requests of one instance for one session take turns, first come, first served; and changes that wait for their turn
//! can be done by the request that has it.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use quick_cache::DefaultHashBuilder;
use tokio::{
    sync::{Mutex as Turn, OwnedMutexGuard},
    time::{Instant, timeout_at},
};

use crate::{SessionKey, metrics};

/// A queue for each session that requests work on; other sessions take no space.
#[derive(Debug)]
pub(crate) struct Queues<J> {
    queues: Mutex<ByKey<Queue<J>>>,
}

/// A map with the cache's hasher, which is seeded like the standard one and faster: each change looks up its queue three
/// times.
type ByKey<V> = HashMap<SessionKey, V, DefaultHashBuilder>;

#[derive(Debug)]
struct Queue<J> {
    /// Tokio's mutex is fair: it is handed over in the order in which it was requested.
    turn: Arc<Turn<()>>,
    /// How many wait for the turn or have it.
    members: usize,
    /// What waits, in order. A place without a job is of a request that needs the turn for itself.
    waiting: VecDeque<(u64, Option<J>)>,
    next_ticket: u64,
}

impl<J> Default for Queues<J> {
    fn default() -> Self {
        Self { queues: Mutex::default() }
    }
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self { turn: Arc::default(), members: 0, waiting: VecDeque::new(), next_ticket: 0 }
    }
}

impl<J> Queues<J> {
    /// The turn, if it's free.
    pub(crate) fn try_enter(self: &Arc<Self>, key: SessionKey) -> Option<Place<J>> {
        let mut queues = self.lock();
        let queue = queues.entry(key).or_default();
        let turn = Arc::clone(&queue.turn).try_lock_owned().ok()?;
        queue.members += 1;
        metrics::queued();
        Some(Place { queues: Arc::clone(self), key, ticket: None, turn: Some(turn) })
    }

    /// A place in the queue: with a job that the request with the turn may take, or without.
    pub(crate) fn join(self: &Arc<Self>, key: SessionKey, job: Option<J>) -> Waiting<J> {
        let mut queues = self.lock();
        let queue = queues.entry(key).or_default();
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        queue.members += 1;
        queue.waiting.push_back((ticket, job));
        metrics::queued();
        let turn = Arc::clone(&queue.turn);
        Waiting { place: Place { queues: Arc::clone(self), key, ticket: Some(ticket), turn: None }, turn }
    }

    fn lock(&self) -> MutexGuard<'_, ByKey<Queue<J>>> {
        // Nothing that runs under this lock can panic half-way.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue of a session, without the turn.
#[derive(Debug)]
pub(crate) struct Waiting<J> {
    place: Place<J>,
    turn: Arc<Turn<()>>,
}

impl<J> Waiting<J> {
    /// Waits for the turn. Returns the place with it, and the job if it was not taken meanwhile; or, if the turn didn't
    /// come until the deadline, the job alone. Dropping this future gives up the place.
    pub(crate) async fn turn(self, deadline: Instant) -> Result<(Place<J>, Option<J>), Option<J>> {
        let Self { mut place, turn } = self;
        match timeout_at(deadline, turn.lock_owned()).await {
            Ok(turn) => {
                place.turn = Some(turn);
                let job = place.leave_waiting();
                Ok((place, job))
            }
            Err(_elapsed) => Err(place.leave_waiting()),
        }
    }
}

/// A place in the queue of a session, given up when dropped.
#[derive(Debug)]
pub(crate) struct Place<J> {
    queues: Arc<Queues<J>>,
    key: SessionKey,
    /// While it waits.
    ticket: Option<u64>,
    turn: Option<OwnedMutexGuard<()>>,
}

impl<J> Place<J> {
    /// The jobs that wait, in order, as far as none before them needs the turn for itself; at most so many.
    pub(crate) fn take_jobs(&self, most: usize) -> Vec<J> {
        let mut queues = self.queues.lock();
        let Some(queue) = queues.get_mut(&self.key) else { return Vec::new() };
        let jobs = queue.waiting.iter().take_while(|(_, job)| job.is_some()).take(most).count();
        queue.waiting.drain(..jobs).filter_map(|(_, job)| job).collect()
    }

    /// Whether there's a job to take.
    pub(crate) fn has_jobs(&self) -> bool {
        // Two share the turn: the queue and this place. Each request that waits is one more.
        if self.turn.as_ref().is_some_and(|turn| Arc::strong_count(OwnedMutexGuard::mutex(turn)) == 2) {
            return false;
        }
        let queues = self.queues.lock();
        queues.get(&self.key).is_some_and(|queue| queue.waiting.front().is_some_and(|(_, job)| job.is_some()))
    }

    /// Waits no more; the job, unless it was taken.
    fn leave_waiting(&mut self) -> Option<J> {
        let ticket = self.ticket.take()?;
        let mut queues = self.queues.lock();
        let waiting = &mut queues.get_mut(&self.key)?.waiting;
        let at = waiting.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()?;
        waiting.remove(at)?.1
    }
}

impl<J> Drop for Place<J> {
    fn drop(&mut self) {
        let _job = self.leave_waiting();
        self.turn = None;
        let mut queues = self.queues.lock();
        if let Entry::Occupied(mut queue) = queues.entry(self.key) {
            queue.get_mut().members -= 1;
            metrics::left_queue();
            if queue.get().members == 0 {
                queue.remove();
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

    fn queues() -> Arc<Queues<u32>> {
        Arc::default()
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_order_and_idle_queues_are_freed() {
        let queues = queues();
        let (served, mut order) = tokio::sync::mpsc::unbounded_channel();
        let first = queues.try_enter(key(1)).expect("a free turn");
        assert!(queues.try_enter(key(1)).is_none(), "one at a time");
        let waiting: Vec<_> = (0..10)
            .map(|n| {
                let (waiting, served) = (queues.join(key(1), None), served.clone());
                tokio::spawn(async move {
                    let _place = waiting.turn(soon()).await.expect("a turn");
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
        let queues = queues();
        let _one = queues.try_enter(key(1)).expect("a turn");
        assert!(queues.try_enter(key(2)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_are_taken_in_order_up_to_a_request_that_needs_the_turn_for_itself() {
        let queues = queues();
        let place = queues.try_enter(key(1)).expect("a turn");
        assert!(!place.has_jobs());
        let mut waiting: Vec<_> = (1..=4).map(|n| queues.join(key(1), Some(n))).collect();
        let alone = queues.join(key(1), None);
        let after = queues.join(key(1), Some(5));
        assert!(place.has_jobs());
        assert_eq!(place.take_jobs(3), [1, 2, 3]);
        drop(waiting.pop());
        assert_eq!(place.take_jobs(3), [0_u32; 0], "the fourth went away, and the next one is no job");
        drop(place);
        assert!(matches!(waiting.remove(0).turn(soon()).await, Ok((_, None))), "it was taken");
        drop(waiting);
        let (alone, _) = alone.turn(soon()).await.expect("a turn");
        assert_eq!(alone.take_jobs(3), [5]);
        drop((alone, after));
        assert!(queues.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_gives_up_or_is_dropped_leaves_nothing_behind() {
        let queues = queues();
        let place = queues.try_enter(key(1)).expect("a turn");
        let late = queues.join(key(1), Some(7)).turn(soon()).await;
        assert!(matches!(late, Err(Some(7))), "the deadline ends the wait, and nobody has taken the job");
        let dropped = tokio::spawn(queues.join(key(1), Some(8)).turn(soon()));
        tokio::task::yield_now().await;
        dropped.abort();
        assert!(dropped.await.is_err());
        assert_eq!(place.take_jobs(10), [0_u32; 0]);
        drop(place);
        assert!(queues.lock().is_empty());
        assert!(queues.try_enter(key(1)).is_some());
    }
}
