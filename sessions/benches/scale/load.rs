//! Visitors who come at random times, and what became of their views.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use exact_sessions::{Error, Outcome, SessionId, Sessions};
use serde::{Deserialize, Serialize};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::store::{Connections, Database, Limits};

#[derive(Default, Serialize, Deserialize)]
struct Counter {
    views: u64,
}

/// The share of views that affinity does not lead to the instance that served the visitor before.
const COLD: f64 = 0.1;

fn count(counter: &mut Counter) {
    counter.views += 1;
}

/// Which instance a view goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Routing {
    /// The one that served this visitor before; now and then another one, which does not remember the session.
    Affinity,
    Random,
}

/// What comes, and on what.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Views a second.
    pub(crate) rate: f64,
    pub(crate) seconds: u32,
    pub(crate) instances: usize,
    pub(crate) channels: usize,
    pub(crate) routing: Routing,
    /// How many sessions there are at the start.
    pub(crate) sessions: usize,
    /// The share of views that begin a session.
    pub(crate) new: f64,
    pub(crate) limits: Limits,
}

impl Load {
    pub(crate) fn ordinary() -> Self {
        Self {
            rate: 1.0,
            seconds: 20,
            instances: 1,
            channels: 4,
            routing: Routing::Affinity,
            sessions: 20_000,
            new: 0.1,
            limits: Limits::default(),
        }
    }

    /// Plays it and prints a line.
    pub(crate) fn run(self, name: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(self.play(name));
    }

    async fn play(self, name: &str) {
        let database = Arc::new(Database::new(self.limits.clone()));
        let connections: Vec<_> =
            (0..self.instances).map(|_| Arc::new(Connections::new(&database, self.channels))).collect();
        let instances: Vec<_> = connections.iter().map(|connections| sessions(Arc::clone(connections))).collect();
        let ids = self.begin(&instances).await;
        database.begin();
        for connections in &connections {
            connections.most.store(0, Ordering::Relaxed);
        }
        let responses = Arc::new(Responses::default());
        let (mut views, mut at) = (JoinSet::new(), Instant::now());
        let end = at + Duration::from_secs(self.seconds.into());
        loop {
            // Visitors who know nothing of each other: the times between them are exponential.
            at += Duration::from_secs_f64(-(1.0 - rand::random::<f64>()).ln() / self.rate);
            if at >= end {
                break;
            }
            sleep_until(at).await;
            let visitor = rand::random_range(0..ids.len());
            let id = (rand::random::<f64>() >= self.new).then(|| ids[visitor]);
            let instance = match self.routing {
                Routing::Affinity if rand::random::<f64>() >= COLD => visitor % self.instances,
                Routing::Affinity | Routing::Random => rand::random_range(0..self.instances),
            };
            let (sessions, responses) = (instances[instance].clone(), Arc::clone(&responses));
            views.spawn(async move {
                let begun = Instant::now();
                let result = view(&sessions, id).await;
                responses.view(begun.elapsed(), result.as_ref().err());
            });
        }
        views.join_all().await;
        let most = connections.iter().map(|connections| connections.most.load(Ordering::Relaxed)).max();
        responses.print(name, self.rate, &database, most.unwrap_or_default());
    }

    /// The sessions that are there at the start, each made by the instance that affinity leads it to.
    async fn begin(&self, instances: &[Sessions<Counter>]) -> Vec<SessionId> {
        let mut ids = Vec::with_capacity(self.sessions);
        while ids.len() < self.sessions {
            let next = ids.len()..self.sessions.min(ids.len() + 50 * instances.len());
            let made = next.map(|visitor| view(&instances[visitor % instances.len()], None));
            ids.extend(
                futures::future::join_all(made).await.into_iter().map(|id| id.expect("a view").expect("a new id")),
            );
        }
        ids
    }
}

/// One view; the new id if it began a session.
async fn view(sessions: &Sessions<Counter>, id: Option<SessionId>) -> Result<Option<SessionId>, Error> {
    Ok(sessions.upsert(id, count).await?.new_id)
}

fn sessions(store: Arc<Connections>) -> Sessions<Counter> {
    Sessions::new(store)
}

/// The responses that the visitors got.
#[derive(Debug, Default)]
struct Responses {
    waits: Mutex<Vec<Duration>>,
    busy: AtomicU64,
    unavailable: AtomicU64,
    unknown: AtomicU64,
}

impl Responses {
    fn view(&self, wait: Duration, error: Option<&Error>) {
        let failed = match error {
            None => return self.waits.lock().expect("no panic").push(wait),
            Some(Error::Busy) => &self.busy,
            Some(Error::Unavailable { outcome: Outcome::Unknown, .. }) => &self.unknown,
            Some(_) => &self.unavailable,
        };
        failed.fetch_add(1, Ordering::Relaxed);
    }

    #[expect(clippy::cast_precision_loss, reason = "figures to look at")]
    fn print(&self, name: &str, rate: f64, database: &Database, most: usize) {
        let mut waits = self.waits.lock().expect("no panic");
        waits.sort_unstable();
        let [busy, unavailable, unknown] =
            [&self.busy, &self.unavailable, &self.unknown].map(|count| count.load(Ordering::Relaxed));
        let counts = &database.counts;
        let [reads, writes, refused] =
            [&counts.reads, &counts.writes, &counts.refused].map(|count| count.load(Ordering::Relaxed) as f64);
        let views = waits.len() as u64 + busy + unavailable + unknown;
        let ok = 100.0 * waits.len() as f64 / views as f64;
        let wait = |share: usize| waits.get(waits.len() * share / 1000).map_or(0, Duration::as_millis);
        println!(
            "| {name:<57} | {rate:>7.0} | {ok:>6.2} | {busy:>6} | {unavailable:>7} | {unknown:>7} | {:>6} | {:>6} | {:>5.2} | {:>6.2} | {:>7.2} | {most:>5} |",
            wait(500),
            wait(990),
            reads / views as f64,
            writes / views as f64,
            refused / views as f64,
        );
    }
}

/// A title and the head of a table.
pub(crate) fn head(title: &str) {
    println!("\n{title}\n");
    println!(
        "| {:<57} | views/s | ok (%) | busy   | not app | unknown | p50 ms | p99 ms | reads | writes | refused | calls |",
        ""
    );
    println!(
        "|{}|---------|--------|--------|---------|---------|--------|--------|-------|--------|---------|-------|",
        "-".repeat(59)
    );
}
