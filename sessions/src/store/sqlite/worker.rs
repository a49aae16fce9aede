//! The way to the thread that owns the connection, and back. SQLite blocks, so it is kept away from the async threads.
//!
//! What is asked for at about the same time gets in line, goes to the thread together, and is answered together: views
//! share the cost of waking threads, as they share that of a commit.

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
    batch::{Call, Done, Group, Job, run_all},
    checkpoint::Checkpoints,
};

/// How many operations may wait; more wait outside, where the engine's deadline ends them.
const PLACES: usize = 1024;

/// A handle on the thread. When the last one is dropped, what was asked of it is done and the file is closed.
#[derive(Clone)]
pub(super) struct Worker {
    thread: Arc<Thread>,
}

struct Thread {
    /// One for each operation from when it's asked for until it's answered or given up.
    places: Arc<Semaphore>,
    line: Mutex<Line>,
    /// Both are there until the end.
    work: Option<mpsc::Sender<Group>>,
    handle: Option<JoinHandle<()>>,
}

/// What nobody has handed to the thread yet.
#[derive(Default)]
struct Line {
    jobs: Vec<Box<dyn Job>>,
    /// The runtime whose task will hand it over.
    runtime: Option<runtime::Id>,
}

impl Drop for Thread {
    /// Waits until SQLite has closed the file and folded the write-ahead log into it. A process that ends without
    /// waiting loses nothing, but leaves two files where there could be one.
    fn drop(&mut self) {
        self.work = None;
        if let Some(Err(_panic)) = self.handle.take().map(JoinHandle::join) {
            tracing::error!("the SQLite thread panicked");
        }
    }
}

impl Worker {
    pub(super) fn start(connection: Connection, checkpoints: Option<Checkpoints>) -> Result<Self, StoreError> {
        let (work, groups) = mpsc::channel();
        let handle = thread::Builder::new()
            .name("sqlite".to_owned())
            .spawn(move || run_all(connection, &groups, checkpoints))
            .map_err(|error| StoreError::Unavailable(error.into()))?;
        let places = Arc::new(Semaphore::new(PLACES));
        let thread = Thread { places, line: Mutex::default(), work: Some(work), handle: Some(handle) };
        Ok(Self { thread: Arc::new(thread) })
    }

    /// Runs an operation that only reads.
    pub(super) async fn read<R, F>(&self, operation: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<R> + Send + 'static,
    {
        self.run(false, operation).await
    }

    /// Runs an operation that writes. When this answers, a killed process can't undo it any more.
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
        let stopped = || StoreError::Unavailable("the SQLite thread has stopped".into());
        let place = Arc::clone(&self.thread.places).acquire_owned().await.map_err(|_closed| stopped())?;
        let (reply, answer) = oneshot::channel();
        self.thread.get_in_line(Box::new(Call::new(writes, operation, reply, place)));
        answer.await.map_err(|_dropped| stopped())?
    }
}

impl Thread {
    /// Whoever is first in line sees to it that the line moves: by a task of its own, since a caller may stop polling.
    /// A caller of another runtime does not rely on that, since nobody may drive the first one's any more.
    fn get_in_line(self: &Arc<Self>, job: Box<dyn Job>) {
        let runtime = Handle::try_current().ok();
        let id = runtime.as_ref().map(Handle::id);
        let mut line = self.line();
        line.jobs.push(job);
        match runtime {
            Some(runtime) if line.jobs.len() == 1 => {
                line.runtime = id;
                drop(line);
                runtime.spawn(Courier { thread: Arc::downgrade(self), runtime: id }.carry());
            }
            Some(_) if line.runtime == id => {}
            _ => self.hand_over(&mut line, None),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_over(&self, line: &mut Line, back: Option<oneshot::Sender<Done>>) {
        let jobs = mem::take(&mut line.jobs);
        // If the thread has panicked, the jobs are dropped, and those who wait for them hear of it.
        let _ = self.work.as_ref().map(|work| work.send(Group { jobs, back }));
    }
}

/// Takes those in line to the thread, and their answers back. If it's dropped before, they are handed over all the
/// same; the thread then answers them by itself.
struct Courier {
    /// It does not keep the file open.
    thread: Weak<Thread>,
    runtime: Option<runtime::Id>,
}

impl Courier {
    async fn carry(mut self) {
        // Whoever is about to ask gets in line.
        yield_now().await;
        let (back, done) = oneshot::channel();
        self.hand_over(Some(back));
        // Their answers are handed out by dropping them.
        drop(done.await);
    }

    fn hand_over(&mut self, back: Option<oneshot::Sender<Done>>) {
        let Some(thread) = mem::take(&mut self.thread).upgrade() else { return };
        let mut line = thread.line();
        if line.runtime == self.runtime && !line.jobs.is_empty() {
            thread.hand_over(&mut line, back);
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.hand_over(None);
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

    #[tokio::test]
    async fn a_store_that_hangs_does_not_gather_what_nobody_waits_for() {
        let connection = Connection::open_in_memory().expect("a database");
        let worker = Worker::start(connection, None).expect("a thread");
        let (go_on, gate) = mpsc::channel();
        let mut hanging = Box::pin(worker.read(move |_| Ok(gate.recv().is_ok())));
        assert!(timeout(Duration::from_millis(10), &mut hanging).await.is_err());

        let token = Arc::new(());
        for _ in 0..3 {
            let asked = (0..PLACES).map(|_| {
                let token = Arc::clone(&token);
                timeout(Duration::from_millis(10), worker.read(move |_| Ok(Arc::strong_count(&token))))
            });
            assert!(join_all(asked).await.iter().all(Result::is_err), "nothing is answered");
        }
        assert_eq!(Arc::strong_count(&token), PLACES, "this one, and one for each place that was left");

        go_on.send(()).expect("a thread");
        assert!(hanging.await.expect("an answer"));
        assert_eq!(worker.read(|_| Ok(1)).await.expect("an answer"), 1);
        assert_eq!(Arc::strong_count(&token), 1);
    }

    #[test]
    fn no_runtime_waits_for_another_one() {
        let connection = Connection::open_in_memory().expect("a database");
        let worker = Worker::start(connection, None).expect("a thread");
        let runtime = || runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (idle, driven) = (runtime(), runtime());
        let mut waiting = Box::pin(worker.read(|_| Ok(1)));
        idle.block_on(async { assert!(futures::poll!(&mut waiting).is_pending()) });
        let soon = Duration::from_secs(5);
        for _ in 0..2 {
            let answer = driven.block_on(async { timeout(soon, worker.read(|_| Ok(2))).await });
            assert_eq!(answer.expect("in time").expect("an answer"), 2);
        }
        assert_eq!(futures::executor::block_on(worker.read(|_| Ok(3))).expect("without a runtime"), 3);
        assert_eq!(driven.block_on(waiting).expect("an answer"), 1);
    }
}
