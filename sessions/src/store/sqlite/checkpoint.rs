//! Folds the write-ahead log into the file, beside the thread that writes.
//!
//! SQLite would do it by itself, in the middle of the commit that fills the log: pages from all over a big file, written
//! and waited for while every view waits, too. A connection of its own does it while views go on
//! (<https://sqlite.org/wal.html#ckpt>). It can't finish beside a busy writer, so the writer folds in what has come
//! meanwhile, and begins the log anew.

use std::{
    ffi::c_int,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, MAIN_DB, hooks::Wal, wal::CheckpointMode};

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
        let mut log = Log::new(when.full, due, Arc::clone(&folded));
        let committed = move |wal: &mut Wal, pages| {
            if let Some(mode) = log.committed(pages) {
                warn_of(wal.checkpoint_v2(mode));
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
    /// Whether the thread was asked and the writer has not folded in the rest yet.
    asked: bool,
    /// The thread's answer.
    folded: Arc<AtomicBool>,
}

impl Log {
    fn new(full: c_int, due: SyncSender<()>, folded: Arc<AtomicBool>) -> Self {
        Self { pages: 0, fold_at: full, full, due, asked: false, folded }
    }

    /// Has the thread fold it in when that's due, and answers how the writer is to fold in the rest, if now.
    fn committed(&mut self, pages: c_int) -> Option<CheckpointMode> {
        if pages < self.pages {
            // It has begun anew.
            self.fold_at = self.full;
            self.asked = false;
        }
        self.pages = pages;
        if pages < self.fold_at {
            return None;
        }
        if !self.asked {
            self.folded.store(false, Ordering::Relaxed);
            match self.due.try_send(()) {
                Ok(()) => self.asked = true,
                Err(TrySendError::Full(())) => {}
                // Nobody else does it.
                Err(TrySendError::Disconnected(())) => self.folded.store(true, Ordering::Relaxed),
            }
        }
        if !self.folded.swap(false, Ordering::Relaxed) {
            return None;
        }
        self.asked = false;
        self.fold_at = pages.saturating_add(self.full);
        // Others who write or read may have kept it from beginning anew, and may do so for ever. `FULL` lets nobody write
        // meanwhile, and waits for readers as long as for any lock.
        let once_more = pages >= self.full.saturating_mul(2);
        Some(if once_more { CheckpointMode::FULL } else { CheckpointMode::PASSIVE })
    }
}

fn work(connection: &Connection, dues: &Receiver<()>, folded: &AtomicBool, at_least_every: Duration) {
    loop {
        let due = dues.recv_timeout(at_least_every);
        if due == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        // `PASSIVE` waits for nobody.
        warn_of(connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE));
        if due.is_ok() {
            folded.store(true, Ordering::Relaxed);
        }
    }
}

fn warn_of(checkpoint: rusqlite::Result<(c_int, c_int)>) {
    match checkpoint.map_err(classify) {
        // If somebody else is at it, that one does this one's work.
        Ok(_) | Err(StoreError::Contended(_)) => {}
        Err(error) => tracing::warn!(%error, "SQLite's write-ahead log could not be folded in"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::sqlite::open::connect;

    const PATIENCE: Duration = Duration::from_secs(60);

    const NEW_ROW: &str = "INSERT INTO sessions (id, data) VALUES (random(), '{}')";

    /// Writes rows until `enough` says so after one of them, and answers whether it did.
    fn write_until(when: When, enough: impl Fn(&Path, u64) -> bool) -> bool {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sessions.db");
        let mut writer = connect(&path).expect("a file");
        let checkpoints = Checkpoints::start_with(&path, &mut writer, when).expect("a thread");
        let begun = Instant::now();
        let mut is_enough = false;
        while !is_enough && begun.elapsed() < PATIENCE {
            writer.execute(NEW_ROW, []).expect("a row");
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
    fn a_full_log_is_folded_in_by_the_thread_and_the_rest_by_the_writer() {
        use CheckpointMode::{FULL, PASSIVE};
        let (due, dues) = sync_channel(1);
        let folded = Arc::new(AtomicBool::new(false));
        let mut log = Log::new(10, due, Arc::clone(&folded));
        let mut after = |pages, is_due: bool, rest: Option<CheckpointMode>| {
            let mode = log.committed(pages).map(|mode| mode as c_int);
            assert_eq!((dues.try_recv().is_ok(), mode), (is_due, rest.map(|mode| mode as c_int)), "{pages} pages");
        };
        let fold = || folded.store(true, Ordering::Relaxed);
        after(9, false, None);
        after(10, true, None);
        after(11, false, None);
        fold();
        after(12, false, Some(PASSIVE));
        // Somebody still reads from it.
        after(13, false, None);
        after(22, true, None);
        fold();
        after(23, false, Some(FULL));
        after(33, true, None);
        // It begins anew, and what was asked for before is late.
        after(2, false, None);
        fold();
        after(10, true, None);
        fold();
        after(11, false, Some(PASSIVE));
        // The thread is no more.
        drop(dues);
        log.committed(1);
        assert!(log.committed(10).is_some());
    }

    #[test]
    fn the_thread_folds_in_what_is_due() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sessions.db");
        let writer = connect(&path).expect("a file");
        let connection = open_to_write(&path).expect("a file");
        let (due, dues) = sync_channel(1);
        let done = AtomicBool::new(false);
        // Until then the tables are in the log only.
        assert_eq!(pages(&path), 1);
        due.send(()).expect("a receiver");
        drop(due);
        work(&connection, &dues, &done, PATIENCE);
        assert!(done.into_inner() && pages(&path) > 1, "{} pages", pages(&path));
        drop(writer);
    }

    #[test]
    fn the_log_is_folded_in_when_it_is_full_and_begins_anew() {
        let when = When { full: 64, at_least_every: PATIENCE };
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
