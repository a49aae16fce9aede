//! What the thread that owns the connection does: it runs all operations that wait in one transaction, so that they
//! share the cost of a commit.

use std::sync::mpsc;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{StoreError, checkpoint::Checkpoints, classify, file::DatabaseFiles};

/// A transaction that holds so many operations takes no more.
const BATCH: usize = 256;

/// Operations that were sent to the thread together, and where to send them when they are done.
pub(super) struct Group {
    pub(super) jobs: Vec<Box<dyn Job>>,
    pub(super) back: Option<oneshot::Sender<Done>>,
}

/// Operations that are done. Their callers get the results when this is dropped, in whatever thread.
pub(super) struct Done {
    jobs: Vec<Box<dyn Job>>,
    failure: Option<StoreError>,
}

impl Drop for Done {
    fn drop(&mut self) {
        for job in self.jobs.drain(..) {
            job.respond(self.failure.clone());
        }
    }
}

/// The caller waits at the other end.
type Reply<R> = oneshot::Sender<Result<R, StoreError>>;

/// An operation on its way through the thread: run inside a transaction, its result sent after the commit.
pub(super) trait Job: Send {
    fn writes(&self) -> bool;
    fn abandoned(&self) -> bool;
    fn run(&mut self, connection: &Connection);
    fn respond(self: Box<Self>, failure: Option<StoreError>);
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

    fn respond(self: Box<Self>, failure: Option<StoreError>) {
        let result = match (failure, self.result) {
            (Some(failure), _) => Err(failure),
            (None, Some(result)) => result.map_err(classify),
            (None, None) => return,
        };
        // The caller is gone if the request's deadline has passed; to it the outcome is unknown.
        let _ = self.reply.send(result);
    }
}

/// The database as its thread has it.
pub(super) struct Database {
    pub(super) connection: Connection,
    /// `None` if it's in memory.
    pub(super) files: Option<DatabaseFiles>,
    /// `None` if somebody else takes care of the write-ahead log.
    pub(super) checkpoints: Option<Checkpoints>,
}

impl Database {
    /// The work of the thread, until no caller is left.
    pub(super) fn run_all(mut self, groups: &mpsc::Receiver<Group>) {
        while let Ok(first) = groups.recv() {
            let mut batch = vec![first];
            let mut size = batch[0].jobs.len();
            while size < BATCH
                && let Ok(group) = groups.try_recv()
            {
                size += group.jobs.len();
                batch.push(group);
            }
            // A job whose caller is gone is not begun.
            for group in &mut batch {
                group.jobs.retain(|job| !job.abandoned());
            }
            let outcome = self.run(&mut batch);
            for Group { jobs, back } in batch {
                let done = Done { jobs, failure: outcome.as_ref().err().cloned() };
                // Without a task that waits for them the results are sent from here, by dropping them.
                let _ = back.map(|back| back.send(done));
            }
        }
        if let Some(checkpoints) = self.checkpoints {
            checkpoints.finish();
        }
    }

    fn run(&mut self, batch: &mut [Group]) -> Result<(), StoreError> {
        if !jobs(batch).any(|job| job.writes()) {
            jobs(batch).for_each(|job| job.run(&self.connection));
            return in_place(self.files.as_ref());
        }
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(classify)?;
        // The lock may have been long in coming.
        for job in jobs(batch).filter(|job| !job.abandoned()) {
            job.run(&transaction);
        }
        // SQLite ends a transaction by itself after some failures, such as a full disk.
        if transaction.is_autocommit() {
            return Err(StoreError::unavailable("SQLite rolled the transaction back"));
        }
        // Else the transaction is rolled back.
        in_place(self.files.as_ref())?;
        transaction.commit().map_err(|error| match classify(error) {
            // Whether it was committed is best looked up.
            StoreError::Contended(cause) => StoreError::Unavailable(cause),
            error => error,
        })?;
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.after_commit(&self.connection);
        }
        Ok(())
    }
}

fn in_place(files: Option<&DatabaseFiles>) -> Result<(), StoreError> {
    files.map_or(Ok(()), DatabaseFiles::are_in_place)
}

fn jobs(batch: &mut [Group]) -> impl Iterator<Item = &mut Box<dyn Job>> {
    batch.iter_mut().flat_map(|group| &mut group.jobs)
}
