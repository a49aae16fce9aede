//! Folds the write-ahead log into the file, beside the thread that writes.
//!
//! SQLite would do it by itself, in the middle of the commit that fills the log: 4 MB of pages from all over a big
//! file, written and waited for while every view waits, too. A connection of its own does it while views go on
//! (<https://sqlite.org/wal.html#ckpt>). What it leaves, a writer's own checkpoint finds soon done.

use std::{
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;

use super::{StoreError, classify, open::open_to_write};

/// After so many changed rows the log is folded in. Each adds a page to it, and pages that were written several times
/// meanwhile are folded in once.
const EVERY: u64 = 4096;

/// The log is also folded in so often. Until then it need not have reached the disk, see `synchronous`.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// The pages in the log from which on a writer folds them in by itself: 64 MB. Beside a busy writer some pages are
/// always left, so it comes to that; by then nearly all are folded in, and the log begins anew. Views wait for the disk
/// meanwhile, so it must be rare; a start after a kill reads the whole log, so it must not be too long.
const AT_MOST: u32 = 16_384;

/// Counts changes and has the log folded in now and then.
pub(super) struct Checkpoints {
    /// How many rows had been changed when it was last due.
    last: u64,
    due: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// For the file that `writer` writes to.
    pub(super) fn start(path: &Path, writer: &Connection) -> Result<Self, StoreError> {
        writer.pragma_update(None, "wal_autocheckpoint", AT_MOST).map_err(classify)?;
        let connection = open_to_write(path).map_err(classify)?;
        let (due, dues) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(move || work(&connection, &dues, AT_LEAST_EVERY))
            .map_err(|error| StoreError::Unavailable(error.into()))?;
        Ok(Self { last: 0, due, thread })
    }

    /// So many rows were changed since the start.
    pub(super) fn changed(&mut self, rows: u64) {
        if rows - self.last >= EVERY {
            self.last = rows;
            // If one is due already, that one does this one's work.
            let _ = self.due.try_send(());
        }
    }

    /// Waits for the last one, after which the connection is closed.
    pub(super) fn finish(self) {
        drop(self.due);
        if self.thread.join().is_err() {
            tracing::error!("the SQLite checkpoint thread panicked");
        }
    }
}

fn work(connection: &Connection, due: &Receiver<()>, at_least_every: Duration) {
    while due.recv_timeout(at_least_every) != Err(RecvTimeoutError::Disconnected) {
        // `PASSIVE` waits for nobody. What it could not do is left to the next one.
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_done| Ok(())) {
            tracing::warn!(%error, "SQLite's write-ahead log could not be folded in");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::sqlite::open::connect;

    #[test]
    fn the_log_is_folded_in_after_some_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sessions.db");
        let writer = connect(&path).expect("a file");
        let length = || std::fs::metadata(&path).expect("a file").len();
        let before = length();
        let connection = open_to_write(&path).expect("a file");
        let (due, dues) = sync_channel(1);
        let thread = thread::spawn(move || work(&connection, &dues, Duration::from_millis(1)));
        let begun = Instant::now();
        while length() == before && begun.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(length() > before, "the tables are still in the log");
        drop(due);
        thread.join().expect("its end");
        drop(writer);
    }
}
