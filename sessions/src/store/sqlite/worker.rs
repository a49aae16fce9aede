//! The thread that owns the connection. SQLite blocks, so it is kept away from the async threads; and
//! whatever waits is done in one transaction, so that many views share the cost of a commit.
//!
//! Views share the cost of waking threads, too: what is asked for at about the same time gets in line, goes to the
//! thread together, and is answered together.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use super::{StoreError, checkpoint::Checkpoints, classify};

/// How many operations one transaction holds at most.
const BATCH: usize = 256;

/// A handle on the thread. When the last one is dropped, what was asked of it is done and the file is closed.
#[derive(Clone)]
pub(super) struct Worker {
    thread: Arc<Thread>,
}

struct Thread {
    /// What nobody has handed to the thread yet.
    line: Mutex<Vec<Box<dyn Job>>>,
    /// Both are there until the end.
    work: Option<mpsc::Sender<Group>>,
    handle: Option<JoinHandle<()>>,
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
        let thread = Thread { line: Mutex::default(), work: Some(work), handle: Some(handle) };
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

    /// Runs an operation that writes; it is durable when this answers.
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
        let (reply, answer) = oneshot::channel();
        self.thread.get_in_line(Box::new(Call { writes, operation, result: None, reply }));
        answer.await.map_err(|_dropped| StoreError::Unavailable("the SQLite thread has stopped".into()))?
    }
}

impl Thread {
    /// Whoever is first in line sees to it that the line moves: by a task of its own, since a caller may stop polling.
    fn get_in_line(self: &Arc<Self>, job: Box<dyn Job>) {
        let first = {
            let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            line.push(job);
            line.len() == 1
        };
        if first {
            let line = Line { thread: Some(Arc::clone(self)) };
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn(line.carry())),
                Err(_no_runtime) => drop(line),
            }
        }
    }

    fn hand_over(&self, back: Option<oneshot::Sender<Done>>) {
        let jobs = mem::take(&mut *self.line.lock().unwrap_or_else(PoisonError::into_inner));
        // If the thread has panicked, the jobs are dropped, and those who wait for them hear of it.
        let _ = self.work.as_ref().map(|work| work.send(Group { jobs, back }));
    }
}

/// Those in line. If it's dropped before they were handed over, they are; the thread then answers them by itself.
struct Line {
    thread: Option<Arc<Thread>>,
}

impl Line {
    /// To the thread and back.
    async fn carry(mut self) {
        // Whoever is about to ask gets in line.
        yield_now().await;
        let (back, done) = oneshot::channel();
        self.move_on(Some(back));
        // Their answers are handed out by dropping them.
        drop(done.await);
    }

    fn move_on(&mut self, back: Option<oneshot::Sender<Done>>) {
        if let Some(thread) = self.thread.take() {
            thread.hand_over(back);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.move_on(None);
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}

/// Operations that were handed over together, and where their answers go.
struct Group {
    jobs: Vec<Box<dyn Job>>,
    back: Option<oneshot::Sender<Done>>,
}

/// Operations that are done. Each gets its answer when this is dropped, wherever that is.
struct Done {
    jobs: Vec<Box<dyn Job>>,
    failure: Option<StoreError>,
}

impl Drop for Done {
    fn drop(&mut self) {
        for job in self.jobs.drain(..) {
            job.answer(self.failure.as_ref().map(again));
        }
    }
}

/// An operation on its way through the thread: run inside a transaction, answered after its commit.
trait Job: Send {
    fn writes(&self) -> bool;
    fn abandoned(&self) -> bool;
    fn run(&mut self, connection: &Connection);
    fn answer(self: Box<Self>, failure: Option<StoreError>);
}

struct Call<F, R> {
    writes: bool,
    operation: F,
    result: Option<rusqlite::Result<R>>,
    reply: oneshot::Sender<Result<R, StoreError>>,
}

impl<F, R> Job for Call<F, R>
where
    R: Send,
    F: FnMut(&Connection) -> rusqlite::Result<R> + Send,
{
    fn writes(&self) -> bool {
        self.writes
    }

    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, connection: &Connection) {
        self.result = Some((self.operation)(connection));
    }

    fn answer(self: Box<Self>, failure: Option<StoreError>) {
        let answer = match (failure, self.result) {
            (Some(failure), _) => Err(failure),
            (None, Some(result)) => result.map_err(classify),
            (None, None) => return,
        };
        // Nobody waits any more if the request's deadline has passed; its outcome is then unknown to it.
        let _ = self.reply.send(answer);
    }
}

fn run_all(mut connection: Connection, groups: &mpsc::Receiver<Group>, mut checkpoints: Option<Checkpoints>) {
    while let Ok(first) = groups.recv() {
        let mut batch = vec![first];
        let mut size = batch[0].jobs.len();
        while size < BATCH
            && let Ok(group) = groups.try_recv()
        {
            size += group.jobs.len();
            batch.push(group);
        }
        // A job that nobody waits for any more is not begun.
        for group in &mut batch {
            group.jobs.retain(|job| !job.abandoned());
        }
        let outcome = run(&mut connection, &mut batch);
        if let Some(checkpoints) = &mut checkpoints
            && outcome.is_ok()
            && jobs(&mut batch).any(|job| job.writes())
        {
            checkpoints.committed();
        }
        for Group { jobs, back } in batch {
            let done = Done { jobs, failure: outcome.as_ref().err().map(again) };
            // Without a leader the answers are handed out here.
            let _ = back.map(|back| back.send(done));
        }
    }
    // The connection that is closed last folds in what is left.
    if let Some(checkpoints) = checkpoints {
        checkpoints.finish();
    }
}

fn run(connection: &mut Connection, batch: &mut [Group]) -> Result<(), StoreError> {
    if !jobs(batch).any(|job| job.writes()) {
        jobs(batch).for_each(|job| job.run(connection));
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(classify)?;
    // The lock may have been long in coming.
    for job in jobs(batch).filter(|job| !job.abandoned()) {
        job.run(&transaction);
    }
    // SQLite ends a transaction by itself after some failures, such as a full disk.
    if transaction.is_autocommit() {
        return Err(StoreError::Unavailable("SQLite rolled the transaction back".into()));
    }
    transaction.commit().map_err(|error| match classify(error) {
        // Whether it was committed is best looked up.
        StoreError::Contended(cause) => StoreError::Unavailable(cause),
        error => error,
    })
}

fn jobs(batch: &mut [Group]) -> impl Iterator<Item = &mut Box<dyn Job>> {
    batch.iter_mut().flat_map(|group| &mut group.jobs)
}

/// The failure once more, for each job of a batch: none of its writes counts.
fn again(failure: &StoreError) -> StoreError {
    match failure {
        StoreError::Conflict => StoreError::Conflict,
        StoreError::Contended(cause) => StoreError::Contended(cause.to_string().into()),
        StoreError::Refused(cause) => StoreError::Refused(cause.to_string().into()),
        StoreError::Unavailable(cause) => StoreError::Unavailable(cause.to_string().into()),
    }
}
