//! The way to the thread that owns the connection, and back. SQLite blocks, so it is kept away from the async threads.
//!
//! Operations that are called at about the same time are sent to the thread together, and their results are sent back
//! together: they share the cost of waking threads, as they share that of a commit.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::{
    runtime::{self, Handle},
    sync::{Semaphore, oneshot},
    task::yield_now,
};

use super::{
    StoreError,
    batch::{Call, Database, Done, Group, Job},
};

/// How many operations may be under way; the callers of more wait for a permit, until the engine's deadline ends them.
const PERMITS: usize = 1024;

/// A handle on the thread. When the last one is dropped, the thread finishes its work and closes the file.
#[derive(Clone)]
pub(super) struct Worker {
    thread: Arc<Thread>,
}

struct Thread {
    /// One for each operation from its call until it's done or given up.
    permits: Arc<Semaphore>,
    pending: Mutex<Pending>,
    /// Both are there until the end.
    work: Option<mpsc::Sender<Group>>,
    handle: Option<JoinHandle<()>>,
}

/// Operations that have not been sent to the thread yet.
#[derive(Default)]
struct Pending {
    jobs: Vec<Box<dyn Job>>,
    /// The runtime whose task will send them.
    runtime: Option<runtime::Id>,
}

impl Drop for Thread {
    /// Waits until SQLite has closed the file and checkpointed the write-ahead log. A process that ends without
    /// waiting loses nothing, but leaves two files where there could be one.
    fn drop(&mut self) {
        self.work = None;
        if let Some(Err(_panic)) = self.handle.take().map(JoinHandle::join) {
            tracing::error!("the SQLite thread panicked");
        }
    }
}

impl Worker {
    pub(super) fn start(database: Database) -> Result<Self, StoreError> {
        let (work, groups) = mpsc::channel();
        let handle = thread::Builder::new()
            .name("sqlite".to_owned())
            .spawn(move || database.run_all(&groups))
            .map_err(StoreError::unavailable)?;
        let permits = Arc::new(Semaphore::new(PERMITS));
        let thread = Thread { permits, pending: Mutex::default(), work: Some(work), handle: Some(handle) };
        Ok(Self { thread: Arc::new(thread) })
    }

    /// Whether the thread runs. It ends early only if it panics.
    pub(super) fn is_alive(&self) -> bool {
        self.thread.handle.as_ref().is_some_and(|handle| !handle.is_finished())
    }

    /// Runs an operation that only reads.
    pub(super) async fn read<R, F>(&self, operation: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<R> + Send + 'static,
    {
        self.run(false, operation).await
    }

    /// Runs an operation that writes. When this returns, a killed process can't undo it any more.
    pub(super) async fn write<R, F>(&self, operation: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<R> + Send + 'static,
    {
        self.run(true, operation).await
    }

    async fn run<R, F>(&self, writes: bool, operation: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<R> + Send + 'static,
    {
        let stopped = || StoreError::unavailable("the SQLite thread has stopped");
        let permit = Arc::clone(&self.thread.permits).acquire_owned().await.map_err(|_closed| stopped())?;
        let (reply, result) = oneshot::channel();
        self.thread.enqueue(Box::new(Call::new(writes, operation, reply, permit)));
        result.await.map_err(|_dropped| stopped())?
    }
}

impl Thread {
    /// The first caller to enqueue spawns a task that sends all jobs (a task, because the caller's future may not be
    /// polled any more). A caller of another runtime sends them directly: the first one may not be running any more.
    fn enqueue(self: &Arc<Self>, job: Box<dyn Job>) {
        let runtime = Handle::try_current().ok();
        let id = runtime.as_ref().map(Handle::id);
        let mut pending = self.pending();
        pending.jobs.push(job);
        match runtime {
            Some(runtime) if pending.jobs.len() == 1 => {
                pending.runtime = id;
                drop(pending);
                runtime.spawn(FlushTask { thread: Arc::downgrade(self), runtime: id }.run());
            }
            Some(_) if pending.runtime == id => {}
            _ => self.flush(&mut pending, None),
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush(&self, pending: &mut Pending, back: Option<oneshot::Sender<Done>>) {
        let jobs = mem::take(&mut pending.jobs);
        // If the thread has panicked, the jobs are dropped, which their callers notice.
        let _ = self.work.as_ref().map(|work| work.send(Group { jobs, back }));
    }
}

/// Sends pending jobs to the thread, and their results to the callers. If it's dropped before, the jobs are sent all
/// the same, and the thread sends the results.
struct FlushTask {
    /// It does not keep the file open.
    thread: Weak<Thread>,
    runtime: Option<runtime::Id>,
}

impl FlushTask {
    async fn run(mut self) {
        // Tasks that are about to call enqueue first.
        yield_now().await;
        let (back, done) = oneshot::channel();
        self.flush(Some(back));
        // Dropping them sends the results.
        drop(done.await);
    }

    fn flush(&mut self, back: Option<oneshot::Sender<Done>>) {
        let Some(thread) = mem::take(&mut self.thread).upgrade() else { return };
        let mut pending = thread.pending();
        if pending.runtime == self.runtime && !pending.jobs.is_empty() {
            thread.flush(&mut pending, back);
        }
    }
}

impl Drop for FlushTask {
    fn drop(&mut self) {
        self.flush(None);
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::time::timeout;

    use super::*;

    /// More than anything here takes.
    const CEILING: Duration = Duration::from_secs(60);

    fn worker() -> Worker {
        let connection = Connection::open_in_memory().expect("a database");
        Worker::start(Database { connection, files: None, checkpoints: None }).expect("a thread")
    }

    #[tokio::test]
    async fn a_thread_that_panics_is_not_alive() {
        let worker = worker();
        assert!(worker.is_alive());
        let panicking = worker.read(|_| -> rusqlite::Result<()> { panic!("on purpose") }).await;
        assert!(matches!(panicking, Err(StoreError::Unavailable(_))), "{panicking:?}");
        let later = worker.read(|_| Ok(())).await;
        assert!(matches!(later, Err(StoreError::Unavailable(_))), "{later:?}");
        let ended = async {
            while worker.is_alive() {
                yield_now().await;
            }
        };
        timeout(CEILING, ended).await.expect("the thread ends");
    }

    #[tokio::test]
    async fn operations_whose_callers_are_gone_do_not_pile_up() {
        let worker = worker();
        let (go_on, gate) = mpsc::channel();
        let mut hanging = Box::pin(worker.read(move |_| Ok(gate.recv().is_ok())));
        assert!(timeout(Duration::from_millis(10), &mut hanging).await.is_err());

        let token = Arc::new(());
        for _ in 0..3 {
            let calls = (0..PERMITS).map(|_| {
                let token = Arc::clone(&token);
                timeout(Duration::from_millis(10), worker.read(move |_| Ok(Arc::strong_count(&token))))
            });
            assert!(join_all(calls).await.iter().all(Result::is_err), "nothing returns");
        }
        assert_eq!(Arc::strong_count(&token), PERMITS, "this one, and one for each permit that was left");

        go_on.send(()).expect("a thread");
        assert!(hanging.await.expect("a result"));
        assert_eq!(worker.read(|_| Ok(1)).await.expect("a result"), 1);
        assert_eq!(Arc::strong_count(&token), 1);
    }

    #[test]
    fn no_runtime_waits_for_another() {
        let worker = worker();
        let runtime = || runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (idle, driven) = (runtime(), runtime());
        let mut waiting = Box::pin(worker.read(|_| Ok(1)));
        idle.block_on(async { assert!(futures::poll!(&mut waiting).is_pending()) });
        for _ in 0..2 {
            let result = driven.block_on(async { timeout(CEILING, worker.read(|_| Ok(2))).await });
            assert_eq!(result.expect("in time").expect("a result"), 2);
        }
        assert_eq!(futures::executor::block_on(worker.read(|_| Ok(3))).expect("without a runtime"), 3);
        assert_eq!(driven.block_on(waiting).expect("a result"), 1);
    }
}
