//! The floor of a store: conditional writes and nothing else, by the store's own adapter.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, anyhow};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use sessions::{
    Record, SessionKey,
    record::Meta,
    store::{
        Condition, Store as _, Stored, Version, Write,
        firestore::{FirestoreConfig, FirestoreStore},
        sqlite::SqliteStore,
    },
};
use tokio::process::Command;

use crate::{
    machine::{Observed, float},
    store::Store,
};

/// How many records each task writes.
const RECORDS: usize = 32;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// An SQLite file; by default the Firestore that the environment names.
    #[arg(long)]
    file: Option<PathBuf>,
    /// How many tasks write at once.
    #[arg(long)]
    tasks: usize,
    /// For so many milliseconds.
    #[arg(long)]
    milliseconds: u64,
}

/// What the writes took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Floor {
    pub(crate) per_second: f64,
    /// Seconds of CPU for 1,000 writes, of the client's side.
    pub(crate) cpu_per_thousand: f64,
    /// The median wait in milliseconds.
    pub(crate) wait: f64,
}

/// Measures the floor of a store, in a process of its own.
pub(crate) async fn measure(store: &Store, tasks: usize, duration: Duration) -> anyhow::Result<Floor> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["floor", "--tasks", &tasks.to_string(), "--milliseconds", &duration.as_millis().to_string()]);
    if let Store::Sqlite(path) = store {
        command.arg("--file").arg(path);
    }
    let output = command.envs(store.environment()).stderr(Stdio::inherit()).kill_on_drop(true).output().await?;
    serde_json::from_slice(&output.stdout).with_context(|| format!("the floor of {store:?} could not be measured"))
}

/// Does the work and prints the [`Floor`].
pub(crate) async fn work(arguments: Arguments) -> anyhow::Result<()> {
    let store: Arc<dyn sessions::store::Store> = match &arguments.file {
        Some(path) => Arc::new(SqliteStore::open(Path::new(path)).map_err(|error| anyhow!("{error}"))?),
        None => Arc::new(FirestoreStore::new(FirestoreConfig::default())),
    };
    let mut observed = Observed::new(std::process::id())?;
    let duration = Duration::from_millis(arguments.milliseconds);
    // The first round makes the records and connects; the second is measured.
    let made = try_join_all((0..arguments.tasks).map(|_| tokio::spawn(make(Arc::clone(&store), RECORDS)))).await?;
    let made = made.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let (before, begun) = (observed.usage().cpu, Instant::now());
    let tasks = made.into_iter().map(|records| tokio::spawn(write(Arc::clone(&store), records, begun + duration)));
    let mut waits = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
    for done in try_join_all(tasks).await? {
        waits.add(done?)?;
    }
    let (cpu, elapsed) = (observed.usage().cpu.saturating_sub(before), begun.elapsed());
    let floor = Floor {
        per_second: float(waits.len()) / elapsed.as_secs_f64(),
        cpu_per_thousand: cpu.as_secs_f64() / float(waits.len()) * 1e3,
        wait: float(waits.value_at_quantile(0.5)) / 1e3,
    };
    println!("{}", serde_json::to_string(&floor)?);
    Ok(())
}

type Shared = Arc<dyn sessions::store::Store>;

/// Stores so many records as a page has them.
async fn make(store: Shared, number: usize) -> anyhow::Result<Vec<Write>> {
    let mut made = Vec::with_capacity(number);
    for _ in 0..number {
        let key = SessionKey::parse(&random_hex()).context("a key")?;
        let data = BTreeMap::from([("greeting", "Hola Mundo".into()), ("views", serde_json::Value::from(1))]);
        let mut record = Record {
            data: data.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            created_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
            expires_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000)),
            ..Record::default()
        };
        let revisions: Vec<_> = (0..8).map(|n| format!("{n:016x}")).collect();
        record.meta = Meta::of_first_layout(revisions.iter().map(String::as_str), None);
        let mut write = Write::create(key, record);
        let version = store.put(&write).await.map_err(|error| anyhow!("{error}"))?;
        done(&mut write, version);
        made.push(write);
    }
    Ok(made)
}

/// The write was done: the next one of this record is based on it, and says so, as the engine's do.
fn done(write: &mut Write, version: Version) {
    write.condition = Condition::Unchanged(version);
    write.before = Some(Arc::new(Stored { record: write.record.clone(), version }));
}

/// Writes the records in turn until it's time to stop.
async fn write(store: Shared, mut writes: Vec<Write>, until: Instant) -> anyhow::Result<Histogram<u64>> {
    let mut waits = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    let mut n = 0_u64;
    loop {
        for write in &mut writes {
            if Instant::now() >= until {
                return Ok(waits);
            }
            n += 1;
            write.record.data.insert("views".to_owned(), n.into());
            let sent = Instant::now();
            let version = store.put(write).await.map_err(|error| anyhow!("{error}"))?;
            waits.saturating_record(u64::try_from(sent.elapsed().as_micros())?);
            done(write, version);
        }
    }
}

/// 32 random bytes, each run others: a file or project may be used again.
fn random_hex() -> String {
    let half = || format!("{:032x}", rand::random::<u128>());
    half() + &half()
}
