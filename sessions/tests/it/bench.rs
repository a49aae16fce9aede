//! An engine on a memory store, with a clock and faults that the test moves.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use exact_sessions::{
    Changed, Error, Record, SessionId, Sessions, Settings,
    store::{Store, Write, memory::MemoryStore},
    testing::{Counting, Counts, Fault, Faulty},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) views: u64,
}

impl Counter {
    pub(crate) fn count(&mut self) {
        self.views = self.views.saturating_add(1);
    }
}

pub(crate) struct Bench {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) settings: Settings,
    pub(crate) sessions: Sessions<Counter>,
    /// The calls of `sessions` and of the other instances to the store.
    pub(crate) counts: Arc<Counts>,
    counting: Arc<Counting<Arc<MemoryStore>>>,
    now: Arc<AtomicU64>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let store = Arc::<MemoryStore>::default();
        let (counting, counts) = Counting::new(Arc::clone(&store));
        let counting = Arc::new(counting);
        let now = Arc::new(AtomicU64::new(1_800_000_000_000_000));
        let sessions = engine(Arc::clone(&counting), &settings, &now);
        Self { store, settings, sessions, counts, counting, now }
    }

    pub(crate) async fn view(&self, id: Option<SessionId>) -> Result<Changed<Counter>, Error> {
        self.sessions.upsert(id, Counter::count).await
    }

    pub(crate) async fn new_session(&self) -> SessionId {
        self.view(None).await.expect("a view").new_id.expect("a new session has a new id")
    }

    pub(crate) fn another_instance(&self) -> Sessions<Counter> {
        engine(Arc::clone(&self.counting), &self.settings, &self.now)
    }

    /// An instance whose first calls of the store have these faults.
    pub(crate) fn faulty(&self, faults: impl Into<Vec<Fault>>) -> Sessions<Counter> {
        let faults = Mutex::new(faults.into().into_iter());
        let choose = move || faults.lock().expect("no panic").next().unwrap_or(Fault::None);
        engine(Faulty::new(Arc::clone(&self.counting), choose), &self.settings, &self.now)
    }

    /// An instance whose calls of the store have these faults, the last one for ever; and its calls, counted.
    pub(crate) fn always(&self, faults: &[Fault]) -> (Sessions<Counter>, Arc<Counts>) {
        let faults = faults.to_vec();
        let calls = AtomicU64::new(0);
        let choose = move || {
            let call = usize::try_from(calls.fetch_add(1, Ordering::SeqCst)).unwrap_or(usize::MAX);
            faults[call.min(faults.len() - 1)]
        };
        let (counting, counts) = Counting::new(Faulty::new(Arc::clone(&self.store), choose));
        (engine(counting, &self.settings, &self.now), counts)
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now.fetch_add(u64::try_from(time.as_micros()).expect("a short time"), Ordering::SeqCst);
    }

    /// What a piece of work costs in round trips to the store.
    pub(crate) async fn cost<R>(&self, work: impl Future<Output = R>) -> (R, u64) {
        let before = self.counts.round_trips();
        let result = work.await;
        (result, self.counts.round_trips() - before)
    }

    /// Views one session from several instances at once and returns the numbers they saw.
    pub(crate) async fn parallel_views(&self, id: SessionId, views: usize, instances: usize) -> Vec<u64> {
        let others = (1..instances).map(|_| self.another_instance());
        let all: Vec<_> = others.chain([self.sessions.clone()]).collect();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..views {
            let sessions = all[n % instances].clone();
            tasks.spawn(async move { sessions.upsert(Some(id), Counter::count).await });
        }
        tasks.join_all().await.into_iter().map(|visit| visit.expect("a view").session.data.views).collect()
    }

    /// What somebody does who edits the stored session by hand.
    pub(crate) async fn edit(&self, id: SessionId, edit: impl FnOnce(&mut Record)) {
        let key = id.key();
        let mut stored = self.store.get(&key).await.expect("an answer").expect("a record");
        edit(&mut stored.record);
        self.store.put(&Write::replace(key, stored.record, stored.version)).await.expect("a write");
    }

    /// How many records are stored.
    pub(crate) async fn stored(&self) -> usize {
        self.store.list(None, usize::MAX).await.expect("an answer").len()
    }
}

fn engine(store: impl Store, settings: &Settings, now: &Arc<AtomicU64>) -> Sessions<Counter> {
    let now = Arc::clone(now);
    let clock = move || -> SystemTime { UNIX_EPOCH + Duration::from_micros(now.load(Ordering::SeqCst)) };
    Sessions::builder(store, Counter::default)
        .settings(settings.clone())
        .clock(Arc::new(clock))
        .repair(["views"])
        .build()
}
