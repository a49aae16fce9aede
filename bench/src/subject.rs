//! What is measured, one subject a file.

mod burst;
mod crowd;
mod first_load;
mod growth;
mod peers;
mod round_trips;
mod start;
mod throughput;

use std::{
    env,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use futures::future::{BoxFuture, FutureExt as _};
use tempfile::TempDir;

use crate::{figures::Report, floor, machine::Machine, store::Store};

/// How long the emulator works before anything is measured on it.
const WARM_UP: Duration = Duration::from_secs(10);

type Subject = for<'a> fn(&'a Bench, &'a mut Report) -> BoxFuture<'a, anyhow::Result<()>>;

/// The subjects by name, in the order of the table.
pub(crate) const SUBJECTS: [(&str, Subject); 8] = [
    ("round-trips", |bench, report| round_trips::measure(bench, report).boxed()),
    ("burst", |bench, report| burst::measure(bench, report).boxed()),
    ("crowd", |bench, report| crowd::measure(bench, report).boxed()),
    ("throughput", |bench, report| throughput::measure(bench, report).boxed()),
    ("growth", |bench, report| growth::measure(bench, report).boxed()),
    ("start", |bench, report| start::measure(bench, report).boxed()),
    ("peers", |bench, report| peers::measure(bench, report).boxed()),
    ("first-load", |bench, report| first_load::measure(bench, report).boxed()),
];

/// What a subject works with.
pub(crate) struct Bench {
    /// The server's program.
    server: PathBuf,
    /// For SQLite's files.
    folder: TempDir,
    /// The emulator's address, if there's one.
    emulator: Option<String>,
    /// Where the programs of the peers are, if they are to be measured.
    peers: Option<PathBuf>,
}

impl Bench {
    /// A new file for sessions.
    fn sqlite(&self, name: &str) -> Store {
        Store::Sqlite(self.folder.path().join(format!("{name}.db")))
    }

    /// The stores there are, with nothing in them yet.
    fn stores(&self, name: &str) -> Vec<(&'static str, Store)> {
        let emulator = self.emulator.iter().map(|host| ("emulator", Store::emulator(host, name)));
        std::iter::once(("SQLite", self.sqlite(name))).chain(emulator).collect()
    }
}

/// Measures these subjects, or all if none is named.
pub(crate) async fn all(server: &Path, peers: Option<&Path>, only: &[String]) -> anyhow::Result<Report> {
    let emulator = env::var("FIRESTORE_EMULATOR_HOST").ok();
    let bench =
        Bench { server: server.to_owned(), folder: TempDir::new()?, emulator, peers: peers.map(Path::to_owned) };
    let mut report = Report::new(Machine::this()?);
    match &bench.emulator {
        // A new emulator is compiled while it works, and several times slower at first.
        Some(host) => {
            floor::measure(&Store::emulator(host, "warm-up"), 8, WARM_UP).await?;
        }
        None => report.skipped.push("everything on Firestore: FIRESTORE_EMULATOR_HOST names no emulator".to_owned()),
    }
    for (name, measure) in SUBJECTS {
        if only.is_empty() || only.iter().any(|only| only == name) {
            let begun = Instant::now();
            eprint!("{name} ");
            measure(&bench, &mut report).await?;
            eprintln!("{:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    Ok(report)
}
