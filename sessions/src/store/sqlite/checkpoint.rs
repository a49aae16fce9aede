//! Checkpoints: writing what is in the write-ahead log (WAL) to the file, beside the thread that writes
//! (<https://sqlite.org/wal.html#ckpt>).
//!
//! SQLite would do it by itself, in the middle of the commit that fills the WAL: pages from all over a big file, written
//! and waited for while every request waits, too. A connection of its own does it while requests go on. It can't finish
//! beside a busy writer, so the writer checkpoints the pages that have come meanwhile; with the commit after that, the
//! WAL is reset: written from its beginning again.

use std::{
    cell::Cell,
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

use rusqlite::{Connection, hooks::Wal};

use super::{StoreError, Synchronous, classify, open::open_to_write};

/// When there is a checkpoint.
#[derive(Clone, Copy)]
struct When {
    /// With so many pages the WAL is full. A checkpoint waits for the disk and blocks requests while the WAL resets, so it
    /// must be rare. Recovery after a crash reads the whole WAL, so the WAL must stay small.
    full: c_int,
    /// There is one so often, too. Until then the WAL need not have reached the disk, see `synchronous`.
    at_least_every: Duration,
}

impl When {
    /// 64 MB, and a minute.
    const DEFAULT: Self = Self { full: 16_384, at_least_every: Duration::from_secs(60) };
}

/// How far a checkpoint goes (<https://sqlite.org/pragma.html#pragma_wal_checkpoint>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// As far as it can without waiting for anybody.
    Passive,
    /// To the end: nobody else can write meanwhile, and it waits for readers as long as for any lock.
    Full,
}

thread_local! {
    /// How long the WAL was after this thread's last commit, in pages.
    static WAL_PAGES: Cell<c_int> = const { Cell::new(0) };
}

/// The thread that checkpoints, and what the writer knows of it.
pub(super) struct Checkpoints {
    thread: JoinHandle<()>,
    wal: WriteAheadLog,
}

impl Checkpoints {
    /// For the file that `writer` writes to.
    pub(super) fn start(path: &Path, synchronous: Synchronous, writer: &Connection) -> Result<Self, StoreError> {
        let connection = open_to_write(path, synchronous).map_err(classify)?;
        Self::start_with(connection, writer, When::DEFAULT)
    }

    fn start_with(connection: Connection, writer: &Connection, when: When) -> Result<Self, StoreError> {
        // Without room: a request is made only while the thread waits for one.
        let (request, requests) = sync_channel(0);
        let checkpointed = Arc::new(AtomicBool::new(false));
        let wal = WriteAheadLog::new(when.full, request, Arc::clone(&checkpointed));
        // It takes the place of SQLite's own checkpoints.
        writer.wal_hook(Some(note_pages));
        let thread = thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(move || work(&connection, &requests, &checkpointed, when.at_least_every))
            .map_err(StoreError::unavailable)?;
        Ok(Self { thread, wal })
    }

    /// Does what is due after a commit. The commit stands, whatever comes of this.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        if let Some(mode) = self.wal.after_commit(WAL_PAGES.get()) {
            warn_of(checkpoint(writer, mode));
        }
    }

    /// Waits for the end of the last one. The writer's connection can then be the last one to be closed, which
    /// checkpoints what is left: of two that are closed at the same time, neither does.
    pub(super) fn finish(self) {
        // The thread ends when nothing can request a checkpoint any more.
        drop(self.wal);
        if self.thread.join().is_err() {
            tracing::error!("the SQLite checkpoint thread panicked");
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the hook's type")]
fn note_pages(_: &Wal, pages: c_int) -> rusqlite::Result<()> {
    WAL_PAGES.set(pages);
    Ok(())
}

/// The WAL, as the writer sees it.
struct WriteAheadLog {
    /// How long it was after the last commit, in pages.
    pages: c_int,
    /// How long it may get before the next checkpoint.
    checkpoint_at: c_int,
    full: c_int,
    request: SyncSender<()>,
    /// Whether a checkpoint was requested and the writer has not done the rest yet.
    requested: bool,
    /// Set by the thread when it has done its part.
    checkpointed: Arc<AtomicBool>,
}

impl WriteAheadLog {
    fn new(full: c_int, request: SyncSender<()>, checkpointed: Arc<AtomicBool>) -> Self {
        Self { pages: 0, checkpoint_at: full, full, request, requested: false, checkpointed }
    }

    /// Requests a checkpoint when that's due, and returns how the writer is to do the rest, if now.
    fn after_commit(&mut self, pages: c_int) -> Option<Mode> {
        if pages < self.pages {
            // It has been reset.
            self.checkpoint_at = self.full;
            self.requested = false;
        }
        self.pages = pages;
        if pages < self.checkpoint_at {
            return None;
        }
        if !self.requested {
            self.checkpointed.store(false, Ordering::Relaxed);
            match self.request.try_send(()) {
                Ok(()) => self.requested = true,
                Err(TrySendError::Full(())) => {}
                // The thread is gone; the writer does all of it.
                Err(TrySendError::Disconnected(())) => self.checkpointed.store(true, Ordering::Relaxed),
            }
        }
        if !self.checkpointed.swap(false, Ordering::Relaxed) {
            return None;
        }
        self.requested = false;
        self.checkpoint_at = pages.saturating_add(self.full);
        // Other writers or readers may have kept it from being reset, and may do so for ever.
        let once_more = pages >= self.full.saturating_mul(2);
        Some(if once_more { Mode::Full } else { Mode::Passive })
    }
}

fn work(connection: &Connection, requests: &Receiver<()>, checkpointed: &AtomicBool, at_least_every: Duration) {
    loop {
        let request = requests.recv_timeout(at_least_every);
        if request == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        warn_of(checkpoint(connection, Mode::Passive));
        if request.is_ok() {
            checkpointed.store(true, Ordering::Relaxed);
        }
    }
}

/// If another process keeps it from doing all, that is no error: the next one does the rest.
fn checkpoint(connection: &Connection, mode: Mode) -> rusqlite::Result<()> {
    let pragma = match mode {
        Mode::Passive => "PRAGMA main.wal_checkpoint(PASSIVE)",
        Mode::Full => "PRAGMA main.wal_checkpoint(FULL)",
    };
    connection.query_row(pragma, [], |_| Ok(()))
}

fn warn_of(checkpoint: rusqlite::Result<()>) {
    match checkpoint.map_err(classify) {
        // Another connection is at it, and does this one's work.
        Ok(()) | Err(StoreError::Contended(_)) => {}
        Err(error) => tracing::warn!(%error, "SQLite's write-ahead log could not be checkpointed"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::sqlite::open::connect;

    const TIMEOUT: Duration = Duration::from_secs(60);

    const NEW_ROW: &str = "INSERT INTO sessions (id, data) VALUES (random(), '{}')";

    fn writer(path: &Path) -> Connection {
        connect(path, Synchronous::Normal).expect("a file")
    }

    fn another(path: &Path) -> Connection {
        open_to_write(path, Synchronous::Normal).expect("a file")
    }

    /// Writes rows until `enough` says so after one of them, and returns whether it did.
    fn write_until(when: When, enough: impl Fn(&Path, u64) -> bool) -> bool {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sessions.db");
        let writer = writer(&path);
        let mut checkpoints = Checkpoints::start_with(another(&path), &writer, when).expect("a thread");
        let begun = Instant::now();
        let mut is_enough = false;
        while !is_enough && begun.elapsed() < TIMEOUT {
            writer.execute(NEW_ROW, []).expect("a row");
            checkpoints.after_commit(&writer);
            is_enough = enough(&path, writer.total_changes());
        }
        checkpoints.finish();
        drop(writer);
        let wal = path.with_extension("db-wal");
        assert!(!wal.exists(), "the last connection to be closed checkpoints what is left");
        is_enough
    }

    fn pages(path: &Path) -> u64 {
        std::fs::metadata(path).map_or(0, |file| file.len() / 4096)
    }

    #[test]
    fn a_full_wal_is_checkpointed_by_the_thread_and_the_rest_by_the_writer() {
        let (request, requests) = sync_channel(1);
        let checkpointed = Arc::new(AtomicBool::new(false));
        let mut wal = WriteAheadLog::new(10, request, Arc::clone(&checkpointed));
        let mut after = |pages, is_requested: bool, rest: Option<Mode>| {
            let mode = wal.after_commit(pages);
            assert_eq!((requests.try_recv().is_ok(), mode), (is_requested, rest), "{pages} pages");
        };
        let thread_is_done = || checkpointed.store(true, Ordering::Relaxed);
        after(9, false, None);
        after(10, true, None);
        after(11, false, None);
        thread_is_done();
        after(12, false, Some(Mode::Passive));
        // A reader keeps it from being reset.
        after(13, false, None);
        after(22, true, None);
        thread_is_done();
        after(23, false, Some(Mode::Full));
        after(33, true, None);
        // It is reset, and the checkpoint that was requested before is late.
        after(2, false, None);
        thread_is_done();
        after(10, true, None);
        thread_is_done();
        after(11, false, Some(Mode::Passive));
        // The thread is gone.
        drop(requests);
        wal.after_commit(1);
        assert!(wal.after_commit(10).is_some());
    }

    #[test]
    fn the_thread_does_what_is_requested() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sessions.db");
        let writer = writer(&path);
        let connection = another(&path);
        let (request, requests) = sync_channel(1);
        let done = AtomicBool::new(false);
        // Until then the tables are in the WAL only.
        assert_eq!(pages(&path), 1);
        request.send(()).expect("a receiver");
        drop(request);
        work(&connection, &requests, &done, TIMEOUT);
        assert!(done.into_inner() && pages(&path) > 1, "{} pages", pages(&path));
        drop(writer);
    }

    #[test]
    fn a_full_wal_is_checkpointed_and_reset() {
        let when = When { full: 64, at_least_every: TIMEOUT };
        // Each row adds a page at least. A WAL that was reset is written over, and stays as long as it was.
        let reset = |path: &Path, rows: u64| {
            let wal = pages(&path.with_extension("db-wal"));
            assert!(wal >= rows.min(64), "checkpointed too early");
            rows > 2 * wal
        };
        assert!(write_until(when, reset), "the WAL grows and grows");
    }

    #[test]
    fn there_is_a_checkpoint_after_some_time() {
        let when = When { full: c_int::MAX, at_least_every: Duration::from_millis(1) };
        // Until then the tables are in the WAL only.
        assert!(write_until(when, |path, _rows| pages(path) > 1), "the file is as it was");
    }
}
