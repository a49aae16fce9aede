//! A store that takes as long as Firestore does, and is held up where Firestore is.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use exact_sessions::{
    SessionKey,
    store::{Condition, Store, StoreError, Stored, Version, Write, memory::MemoryStore},
};
use tokio::{
    sync::{Mutex as Lock, OwnedMutexGuard, Semaphore},
    time::{Instant, sleep, timeout},
};

/// How many calls one HTTP/2 connection carries at once at Google's front ends.
const STREAMS: usize = 100;

/// Firestore gives up a write that can't have its document for that long (an assumption).
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// How long a read takes, by quantile: 10,000 reads of single documents, nodejs-firestore#1994. The ends are guesses.
const READ: [(f64, f64); 6] = [(0.0, 12.0), (0.5, 17.0), (0.94, 21.0), (0.984, 27.0), (0.999, 86.0), (1.0, 300.0)];

/// How long a write takes: google-cloud-dotnet#5333, most inserts 43 to 52 ms, some from 24 on. From nine in ten on it's
/// a guess.
const WRITE: [(f64, f64); 6] = [(0.0, 24.0), (0.1, 43.0), (0.5, 46.0), (0.9, 52.0), (0.999, 150.0), (1.0, 400.0)];

/// What the store can't do.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Operations a second that it's ready for.
    pub(crate) operations: Option<f64>,
    /// Writes a second, where all of them meet in one index.
    pub(crate) writes: Option<f64>,
    /// How much longer than usual everything takes.
    pub(crate) slower: f64,
    /// From when on, and for how long, it answers nothing and does nothing.
    pub(crate) silence: Option<(Duration, Duration)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { operations: None, writes: None, slower: 1.0, silence: None }
    }
}

impl Limits {
    /// What a new collection is ready for after so many minutes at the most that the 500/50/5 rule admits.
    pub(crate) fn after(minutes: i32) -> f64 {
        500.0 * 1.5_f64.powi(minutes / 5)
    }
}

/// The database that all instances share.
#[derive(Debug)]
pub(crate) struct Database {
    inner: MemoryStore,
    limits: Limits,
    /// Since when it counts and has limits; before, the sessions are made that are there at the start.
    begun: OnceLock<Instant>,
    all: Gate,
    writes: Gate,
    locks: Mutex<HashMap<SessionKey, Arc<Lock<()>>>>,
    pub(crate) counts: Counts,
}

/// The calls to the database.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) reads: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// Lets so many through a second, in their order.
#[derive(Debug)]
struct Gate(Mutex<Instant>);

impl Gate {
    /// How long this one has to wait.
    fn wait(&self, rate: Option<f64>) -> Duration {
        let Some(rate) = rate else { return Duration::ZERO };
        let now = Instant::now();
        let mut free = self.0.lock().expect("no panic");
        let turn = (*free).max(now);
        *free = turn + Duration::from_secs_f64(1.0 / rate);
        turn - now
    }
}

impl Database {
    pub(crate) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            inner: MemoryStore::default(),
            limits,
            begun: OnceLock::new(),
            all: Gate(Mutex::new(now)),
            writes: Gate(Mutex::new(now)),
            locks: Mutex::default(),
            counts: Counts::default(),
        }
    }

    /// From now on it counts, and has limits.
    pub(crate) fn begin(&self) {
        self.begun.set(Instant::now()).expect("once");
    }

    /// The way there, and the wait where too many want something at once. A call that is silenced never ends.
    async fn arrive(&self, write: bool) {
        let Some(begun) = self.begun.get() else { return };
        let count = if write { &self.counts.writes } else { &self.counts.reads };
        count.fetch_add(1, Ordering::Relaxed);
        if let Some((from, long)) = self.limits.silence {
            let age = begun.elapsed();
            if age >= from && age < from + long {
                std::future::pending::<()>().await;
            }
        }
        let mut wait = self.all.wait(self.limits.operations);
        if write {
            wait = wait.max(self.writes.wait(self.limits.writes));
        }
        sleep(wait).await;
    }

    fn time(&self, quantiles: &[(f64, f64)]) -> Duration {
        let at = rand::random::<f64>();
        let above = quantiles.iter().position(|(quantile, _)| *quantile > at).unwrap_or(quantiles.len() - 1);
        let ((low, from), (high, to)) = (quantiles[above - 1], quantiles[above]);
        let milliseconds = from + (to - from) * (at - low) / (high - low);
        Duration::from_secs_f64(milliseconds * self.limits.slower / 1000.0)
    }

    async fn read(&self) {
        self.arrive(false).await;
        sleep(self.time(&READ)).await;
    }

    /// Waits for the document. Writes of one document follow each other: each holds its lock until it is committed.
    async fn lock(&self, key: &SessionKey) -> Result<OwnedMutexGuard<()>, StoreError> {
        self.arrive(true).await;
        let lock = {
            let mut locks = self.locks.lock().expect("no panic");
            if locks.len() > 50_000 {
                locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            }
            Arc::clone(locks.entry(*key).or_default())
        };
        let waited = timeout(LOCK_WAIT, lock.lock_owned()).await;
        waited.map_err(|_elapsed| StoreError::contended("too much contention on this document"))
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        let held = self.lock(&write.key).await?;
        let stored = self.inner.get(&write.key).await?;
        let holds = match write.condition {
            Condition::Absent => stored.is_none(),
            Condition::Unchanged(version) => stored.is_some_and(|stored| stored.version == version),
        };
        if !holds {
            // It is refused before anything is replicated, so it takes as long as a read.
            drop(held);
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            sleep(self.time(&READ)).await;
            return Err(StoreError::Conflict);
        }
        sleep(self.time(&WRITE)).await;
        self.inner.put(write).await
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let _held = self.lock(key).await?;
        sleep(self.time(&WRITE)).await;
        self.inner.delete(key, unchanged).await
    }
}

/// One instance's way to the database: some connections, each of which carries a number of calls at once.
#[derive(Debug)]
pub(crate) struct Connections {
    database: Arc<Database>,
    streams: Semaphore,
    under_way: AtomicUsize,
    pub(crate) most: AtomicUsize,
}

impl Connections {
    pub(crate) fn new(database: &Arc<Database>, channels: usize) -> Self {
        Self {
            database: Arc::clone(database),
            streams: Semaphore::new(channels * STREAMS),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }

    /// A call that the caller gives up goes on: the database does not know.
    async fn call<R, W>(&self, call: impl FnOnce(Arc<Database>) -> W) -> Result<R, StoreError>
    where
        R: Send + 'static,
        W: Future<Output = Result<R, StoreError>> + Send + 'static,
    {
        let _under_way = UnderWay::new(self);
        let _stream = self.streams.acquire().await.expect("never closed");
        let done = tokio::spawn(call(Arc::clone(&self.database)));
        done.await.map_err(StoreError::unavailable)?
    }
}

/// Counts a call, also if it is dropped.
struct UnderWay<'a>(&'a Connections);

impl<'a> UnderWay<'a> {
    fn new(connections: &'a Connections) -> Self {
        let now = connections.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        connections.most.fetch_max(now, Ordering::Relaxed);
        Self(connections)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Store for Connections {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let key = *key;
        self.call(move |database| async move {
            database.read().await;
            database.inner.get(&key).await
        })
        .await
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        let write = write.clone();
        self.call(move |database| async move { database.put(&write).await }).await
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let key = *key;
        self.call(move |database| async move { database.delete(&key, unchanged).await }).await
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.database.inner.list(after, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.database.inner.ping().await
    }
}
