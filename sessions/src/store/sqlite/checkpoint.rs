//! Folds the write-ahead log into the file, beside the thread that writes.
//!
//! SQLite would do it by itself, in the middle of the commit that fills the log: pages from all over a big file, written
//! and waited for while every view waits, too. A connection of its own does it while views go on
//! (<https://sqlite.org/wal.html#ckpt>). It can't finish beside a busy writer, so the writer folds in what has come
//! meanwhile, which is little, and begins the log anew.

use std::{
    ffi::c_int,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, hooks::Wal};

use super::{StoreError, classify, open::open_to_write};

/// When the log is folded in.
#[derive(Clone, Copy)]
struct When {
    /// With so many pages it's full. Whoever folds it in waits for the disk, and views wait with it when the log begins
    /// anew, so that must be rare; a start after a kill reads the whole log, so it must not be too long.
    full: c_int,
    /// It's also folded in so often. Until then it need not have reached the disk, see `synchronous`.
    at_least_every: Duration,
}

impl When {
    /// 64 MB, and a minute.
    const DEFAULT: Self = Self { full: 16_384, at_least_every: Duration::from_secs(60) };
}

/// The thread that folds in the log of a writer.
pub(super) struct Checkpoints {
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// For the file that `writer` writes to.
    pub(super) fn start(path: &Path, writer: &mut Connection) -> Result<Self, StoreError> {
        Self::start_with(path, writer, When::DEFAULT)
    }

    fn start_with(path: &Path, writer: &mut Connection, when: When) -> Result<Self, StoreError> {
        let connection = open_to_write(path).map_err(classify)?;
        // Without room: it's only asked while it waits to be.
        let (due, dues) = sync_channel(0);
        let folded = Arc::new(AtomicBool::new(false));
        let mut log = Log { pages: 0, fold_at: when.full, full: when.full, due, folded: Arc::clone(&folded) };
        let committed = move |wal: &mut Wal, pages| {
            if log.committed(pages) {
                match wal.checkpoint().map_err(classify) {
                    // Another process may fold it in just now.
                    Ok(()) | Err(StoreError::Contended(_)) => {}
                    Err(error) => failed(&error),
                }
            }
            // The commit stands, whatever becomes of its log.
            Ok(())
        };
        // It takes the place of SQLite's own.
        writer.wal_hook(Some(committed)).map_err(classify)?;
        let thread = thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(move || work(&connection, &dues, &folded, when.at_least_every))
            .map_err(|error| StoreError::Unavailable(error.into()))?;
        Ok(Self { thread })
    }

    /// Waits for the end of the last one. The writer's connection can then be the last one to be closed, which folds in
    /// what is left: of two that are closed at the same time, neither does.
    pub(super) fn finish(self, writer: &mut Connection) {
        // With the hook goes what asks the thread.
        if let Err(error) = writer.wal_hook(None::<fn(&mut Wal, c_int) -> rusqlite::Result<()>>) {
            tracing::error!(%error, "the SQLite checkpoint thread was left behind");
        } else if self.thread.join().is_err() {
            tracing::error!("the SQLite checkpoint thread panicked");
        }
    }
}

/// The log, as the writer sees it.
struct Log {
    /// How long it was after the last commit, in pages.
    pages: c_int,
    /// How long it may get before it's folded in again.
    fold_at: c_int,
    full: c_int,
    due: SyncSender<()>,
    /// Whether what was due has been done.
    folded: Arc<AtomicBool>,
}

impl Log {
    /// Has it folded in when that's due, and answers whether the writer is to fold in the rest.
    fn committed(&mut self, pages: c_int) -> bool {
        if pages < self.pages {
            // It has begun anew.
            self.fold_at = self.full;
            self.folded.store(false, Ordering::Relaxed);
        }
        self.pages = pages;
        if pages < self.fold_at {
            return false;
        }
        if !self.folded.swap(false, Ordering::Relaxed) {
            let _ = self.due.try_send(());
            return false;
        }
        // It grows while somebody still reads from it.
        self.fold_at = pages.saturating_add(self.full);
        true
    }
}

fn work(connection: &Connection, dues: &Receiver<()>, folded: &AtomicBool, at_least_every: Duration) {
    loop {
        let due = dues.recv_timeout(at_least_every);
        if due == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        // `PASSIVE` waits for nobody.
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_done| Ok(())) {
            failed(&classify(error));
        }
        if due.is_ok() {
            folded.store(true, Ordering::Relaxed);
        }
    }
}

fn failed(error: &StoreError) {
    tracing::warn!(%error, "SQLite's write-ahead log could not be folded in");
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::sqlite::open::connect;

    /// Writes rows until `enough` says so after one of them, and answers whether it did.
    fn write_until(when: When, enough: impl Fn(&Path, u64) -> bool) -> bool {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sessions.db");
        let mut writer = connect(&path).expect("a file");
        let checkpoints = Checkpoints::start_with(&path, &mut writer, when).expect("a thread");
        let begun = Instant::now();
        let mut is_enough = false;
        while !is_enough && begun.elapsed() < Duration::from_secs(5) {
            let row = "INSERT INTO sessions (id, data) VALUES (random(), '{}')";
            writer.execute(row, []).expect("a row");
            is_enough = enough(&path, writer.total_changes());
        }
        checkpoints.finish(&mut writer);
        drop(writer);
        let log = path.with_extension("db-wal");
        assert!(!log.exists(), "whoever closes the file last folds in what is left");
        is_enough
    }

    fn pages(path: &Path) -> u64 {
        std::fs::metadata(path).map_or(0, |file| file.len() / 4096)
    }

    #[test]
    fn a_full_log_is_folded_in_once_by_the_thread_and_once_by_the_writer() {
        let (due, dues) = sync_channel(1);
        let folded = Arc::new(AtomicBool::new(false));
        let mut log = Log { pages: 0, fold_at: 10, full: 10, due, folded: Arc::clone(&folded) };
        let mut after = |pages, has_folded, expected: (bool, bool)| {
            folded.fetch_or(has_folded, Ordering::Relaxed);
            let rest = log.committed(pages);
            assert_eq!((dues.try_recv().is_ok(), rest), expected, "{pages} pages");
        };
        let (nothing, is_due, the_rest) = ((false, false), (true, false), (false, true));
        after(9, false, nothing);
        after(10, false, is_due);
        after(11, false, is_due);
        after(12, true, the_rest);
        // Somebody reads from it.
        after(13, false, nothing);
        after(21, false, nothing);
        after(22, false, is_due);
        after(23, true, the_rest);
        // It begins anew.
        after(2, true, nothing);
        after(9, false, nothing);
        after(10, false, is_due);
    }

    #[test]
    fn the_log_is_folded_in_when_it_is_full_and_begins_anew() {
        let when = When { full: 64, at_least_every: Duration::from_secs(60) };
        // Each row adds a page at least. A log that has begun anew is written over, and stays as long as it was.
        let anew = |path: &Path, rows: u64| {
            let log = pages(&path.with_extension("db-wal"));
            assert!(log >= rows.min(64), "folded in too early");
            rows > 2 * log
        };
        assert!(write_until(when, anew), "the log grows and grows");
    }

    #[test]
    fn the_log_is_folded_in_after_some_time() {
        let when = When { full: c_int::MAX, at_least_every: Duration::from_millis(1) };
        // Until then the tables are in the log only.
        assert!(write_until(when, |path, _rows| pages(path) > 1), "the file is as it was");
    }
}
