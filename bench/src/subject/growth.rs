//! SQLite with ever more sessions in the file.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::bail;
use hyper::header::HeaderValue;
use rusqlite::Connection;

use super::Bench;
use crate::{
    client::{Encoding, view},
    figures::{Report, Target},
    load::{Load, Until, load, visitors},
    machine::float,
    server::Server,
    store::Store,
};

/// How many of the sessions are viewed, spread over the whole file.
const VIEWED: u32 = 1000;
const CONNECTIONS: usize = 8;
const REPETITIONS: usize = 5;
/// Long enough for SQLite's log to fill up and begin anew.
const EACH: Duration = Duration::from_secs(3);

/// A file of some size, and what was measured with it.
struct Grown {
    sessions: u32,
    store: Store,
    cookies: Arc<[HeaderValue]>,
    samples: [Vec<f64>; NAMES.len()],
}

const NAMES: [(&str, &str); 8] = [
    ("cold view, p50", "ms"),
    ("cold view, p99", "ms"),
    ("warm view, p50", "ms"),
    ("warm view, p99", "ms"),
    ("warm view, p99.9", "ms"),
    ("memory", "MB"),
    ("warm view, p50, beside 1,000 sessions", "times"),
    ("warm view, p99, beside 1,000 sessions", "times"),
];

/// Where the ratios are among them: they are known once all files were viewed.
const RATIOS: usize = 6;

impl Grown {
    async fn new(bench: &Bench, sessions: u32) -> anyhow::Result<Self> {
        let store = bench.sqlite(&format!("growth-{sessions}"));
        let server = Server::start(&bench.server, &store, &[]).await?;
        let cookies = visitors(server.address, VIEWED as usize).await?.into();
        server.stop().await?;
        fill(store.file()?, sessions)?;
        Ok(Self { sessions, store, cookies, samples: Default::default() })
    }

    /// Measures once; answers the median and the 99th percentile of the warm views.
    async fn measure(&mut self, bench: &Bench) -> anyhow::Result<[f64; 2]> {
        let mut server = Server::start(&bench.server, &self.store, &[]).await?;
        let cold = views(&server, &self.cookies, Until::Requests(VIEWED.into())).await?;
        let warm = views(&server, &self.cookies, Until::Elapsed(EACH)).await?;
        let memory = server.usage().megabytes;
        server.stop().await?;
        let waits = [warm.wait(0.5), warm.wait(0.99)];
        self.add(0, [cold.wait(0.5), cold.wait(0.99), waits[0], waits[1], warm.wait(0.999), memory]);
        Ok(waits)
    }

    /// Adds a sample of each figure from the `first` one on.
    fn add<const N: usize>(&mut self, first: usize, measured: [f64; N]) {
        for (samples, sample) in self.samples[first..].iter_mut().zip(measured) {
            samples.push(sample);
        }
    }

    fn report(&self, report: &mut Report) {
        let sessions = crate::table::number(self.sessions.into());
        let subject = format!("SQLite with {sessions} sessions, 1,000 of them viewed, 8 at a time");
        for ((name, unit), samples) in NAMES.into_iter().zip(&self.samples) {
            let figure = report.add(&subject, name, unit, samples);
            match unit {
                "MB" => drop(figure.target(Target::AtMost(40.0))),
                "times" => drop(figure.target(Target::AtMost(1.25))),
                _ => {}
            }
        }
    }
}

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for sessions in [1_000, 100_000, 1_000_000] {
        files.push(Grown::new(bench, sessions).await?);
    }
    // In turn, and back again: what else the machine does meanwhile slows down all of them.
    for n in 0..REPETITIONS {
        let mut waits = Vec::new();
        for at in 0..files.len() {
            let at = if n % 2 == 0 { at } else { files.len() - 1 - at };
            waits.push((at, files[at].measure(bench).await?));
        }
        waits.sort_by_key(|(at, _)| *at);
        let [p50, p99] = waits[0].1;
        for (file, (_, waits)) in files.iter_mut().zip(&waits) {
            file.add(RATIOS, [waits[0] / p50, waits[1] / p99]);
        }
    }
    for file in &files {
        file.report(report);
    }
    Ok(())
}

async fn views(server: &Server, cookies: &Arc<[HeaderValue]>, until: Until) -> anyhow::Result<Load> {
    let cookies = Arc::clone(cookies);
    let request = move |n| {
        let n = usize::try_from(n).unwrap_or(0) % cookies.len();
        view(Some(&cookies[n]), Encoding::Browser)
    };
    let load = load(&[server.address], CONNECTIONS, until, request, |_, _| Ok(())).await?;
    if load.failures > 0 {
        bail!("{} of {} views failed", float(load.failures), float(load.answers + load.failures));
    }
    Ok(load)
}

/// Fills the file up with sessions like those that are in it.
///
/// Sessions that were made together are beside each other and share pages, so those that are viewed move apart first;
/// the others go in between.
fn fill(path: &Path, sessions: u32) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    let apart = sessions / VIEWED;
    connection.execute("UPDATE sessions SET number = -number", [])?;
    connection.execute("UPDATE sessions SET number = -number * ?1", [apart])?;
    connection.execute(
        "WITH RECURSIVE other(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM other WHERE n + 1 < ?1 - ?2),
              like(data, created_at, expires_at, revisions) AS
                  (SELECT data, created_at, expires_at, revisions FROM sessions LIMIT 1)
         INSERT INTO sessions (number, id, data, created_at, expires_at, revisions)
         SELECT n + n / (?1 / ?2 - 1) + 1, lower(hex(randomblob(32))), data, created_at, expires_at, revisions
         FROM other, like WHERE n < ?1 - ?2",
        [sessions, VIEWED],
    )?;
    // So that the first views don't pay for what was just written.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
