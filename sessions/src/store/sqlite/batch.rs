//! What the thread that owns the connection does: whatever waits is done in one transaction, so that many views share
//! the cost of a commit.

use std::sync::mpsc;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{StoreError, checkpoint::Checkpoints, classify};

/// A transaction that holds so many operations takes no more.
const BATCH: usize = 256;

/// Operations that were handed over together, and where their answers go.
pub(super) struct Group {
    pub(super) jobs: Vec<Box<dyn Job>>,
    pub(super) back: Option<oneshot::Sender<Done>>,
}

/// Operations that are done. Each gets its answer when this is dropped, wherever that is.
pub(super) struct Done {
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

/// Whoever asked waits at the other end.
type Reply<R> = oneshot::Sender<Result<R, StoreError>>;

/// An operation on its way through the thread: run inside a transaction, answered after its commit.
pub(super) trait Job: Send {
    fn writes(&self) -> bool;
    fn abandoned(&self) -> bool;
    fn run(&mut self, connection: &Connection);
    fn answer(self: Box<Self>, failure: Option<StoreError>);
}

pub(super) struct Call<F, R> {
    writes: bool,
    operation: F,
    result: Option<rusqlite::Result<R>>,
    reply: Reply<R>,
    _place: OwnedSemaphorePermit,
}

impl<F, R> Call<F, R> {
    pub(super) fn new(writes: bool, operation: F, reply: Reply<R>, place: OwnedSemaphorePermit) -> Self {
        Self { writes, operation, result: None, reply, _place: place }
    }
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

/// The work of the thread, until nobody can ask any more.
pub(super) fn run_all(mut connection: Connection, groups: &mpsc::Receiver<Group>, checkpoints: Option<Checkpoints>) {
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
        for Group { jobs, back } in batch {
            let done = Done { jobs, failure: outcome.as_ref().err().map(again) };
            // Without a courier the answers are handed out here.
            let _ = back.map(|back| back.send(done));
        }
    }
    if let Some(checkpoints) = checkpoints {
        checkpoints.finish(&mut connection);
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
