//! The thread that owns the connection. SQLite blocks, so it is kept away from the async threads; and
//! whatever waits is done in one transaction, so that many views share the cost of a commit.

use std::{
    fmt,
    sync::Arc,
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, checkpoint::Checkpoints, classify};

/// How many operations may wait; more wait outside, where the engine's deadline ends them.
const QUEUE: usize = 1024;

/// How many operations one transaction holds at most.
const BATCH: usize = 256;

/// A handle on the thread. When the last one is dropped, what was asked of it is done and the file is closed.
#[derive(Clone)]
pub(super) struct Worker {
    thread: Arc<Thread>,
}

struct Thread {
    /// Both are there until the end.
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    handle: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    /// Waits until SQLite has closed the file and folded the write-ahead log into it. A process that ends without
    /// waiting loses nothing, but leaves two files where there could be one.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(Err(_panic)) = self.handle.take().map(JoinHandle::join) {
            tracing::error!("the SQLite thread panicked");
        }
    }
}

impl Worker {
    pub(super) fn start(connection: Connection, checkpoints: Option<Checkpoints>) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let handle = thread::Builder::new()
            .name("sqlite".to_owned())
            .spawn(move || work(connection, queue, checkpoints))
            .map_err(|error| StoreError::Unavailable(error.into()))?;
        Ok(Self { thread: Arc::new(Thread { jobs: Some(jobs), handle: Some(handle) }) })
    }

    /// Runs an operation that only reads.
    pub(super) async fn read<R, F>(&self, operation: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    {
        self.run(false, operation).await
    }

    /// Runs an operation that writes; it is durable when this answers.
    pub(super) async fn write<R, F>(&self, operation: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    {
        self.run(true, operation).await
    }

    async fn run<R, F>(&self, writes: bool, operation: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let call = Call { writes, operation: Some(operation), result: None, reply };
        let stopped = || StoreError::Unavailable("the SQLite thread has stopped".into());
        let jobs = self.thread.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(Box::new(call)).await.map_err(|_unsent| stopped())?;
        answer.await.map_err(|_dropped| stopped())?
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
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
    operation: Option<F>,
    result: Option<rusqlite::Result<R>>,
    reply: oneshot::Sender<Result<R, StoreError>>,
}

impl<F, R> Job for Call<F, R>
where
    R: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<R> + Send,
{
    fn writes(&self) -> bool {
        self.writes
    }

    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, connection: &Connection) {
        self.result = self.operation.take().map(|operation| operation(connection));
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

fn work(mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Job>>, mut checkpoints: Option<Checkpoints>) {
    while let Some(first) = queue.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            batch.push(job);
        }
        // A job that nobody waits for any more is not begun.
        batch.retain(|job| !job.abandoned());
        let outcome = run(&mut connection, &mut batch);
        if let Some(checkpoints) = &mut checkpoints
            && outcome.is_ok()
            && batch.iter().any(|job| job.writes())
        {
            checkpoints.committed();
        }
        for job in batch {
            job.answer(outcome.as_ref().err().map(again));
        }
    }
    // The connection that is closed last folds in what is left.
    if let Some(checkpoints) = checkpoints {
        checkpoints.finish();
    }
}

fn run(connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    if !batch.iter().any(|job| job.writes()) {
        for job in batch {
            job.run(connection);
        }
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(classify)?;
    // The lock may have been long in coming.
    for job in batch.iter_mut().filter(|job| !job.abandoned()) {
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

/// The failure once more, for each job of a batch: none of its writes counts.
fn again(failure: &StoreError) -> StoreError {
    match failure {
        StoreError::Conflict => StoreError::Conflict,
        StoreError::Contended(cause) => StoreError::Contended(cause.to_string().into()),
        StoreError::Refused(cause) => StoreError::Refused(cause.to_string().into()),
        StoreError::Unavailable(cause) => StoreError::Unavailable(cause.to_string().into()),
    }
}
