//! SQLite with ever more sessions in the file.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::bail;
use hyper::header::HeaderValue;
use rand::seq::SliceRandom as _;
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

/// Each repetition views the files in so many turns, for so long each: long enough in all for SQLite's log to fill up
/// and begin again, and each so short that other work of the machine slows all of them down.
const TURNS: usize = 10;
const TURN: Duration = Duration::from_millis(250);

/// The kinds of views, and the server's settings for each.
const KINDS: [(&str, &[(&str, &str)]); 2] = [("cold", &[("SESSION_CACHE_BYTES", "0")]), ("warm", &[])];

/// What is measured of each kind.
const FIGURES: [(&str, &str); 6] = [
    ("p50", "ms"),
    ("p99", "ms"),
    ("p99.9", "ms"),
    ("p50, beside 1,000 sessions", "times"),
    ("p99, beside 1,000 sessions", "times"),
    ("memory", "MB"),
];

/// A file of some size, and the samples of each figure of each kind.
struct Grown {
    sessions: u32,
    store: Store,
    cookies: Arc<[HeaderValue]>,
    samples: [[Vec<f64>; FIGURES.len()]; KINDS.len()],
}

impl Grown {
    async fn new(bench: &Bench, sessions: u32) -> anyhow::Result<Self> {
        let store = bench.sqlite(&format!("growth-{sessions}"));
        let server = Server::start(&bench.server, &store, &[]).await?;
        let mut cookies = visitors(server.address, VIEWED as usize).await?;
        server.stop().await?;
        fill(store.file()?, sessions)?;
        // Visitors do not come back in the order in which they first came. Those who did would share pages of the file
        // with who is beside them, in a small file only.
        cookies.shuffle(&mut rand::rng());
        Ok(Self { sessions, store, cookies: cookies.into(), samples: Default::default() })
    }

    fn report(&self, report: &mut Report) {
        let sessions = crate::table::number(self.sessions.into());
        let subject = format!("SQLite with {sessions} sessions, 1,000 of them viewed, 8 at a time");
        for ((kind, _), samples) in KINDS.iter().zip(&self.samples) {
            for ((name, unit), samples) in FIGURES.iter().zip(samples) {
                let figure = report.add(&subject, &format!("{kind} view, {name}"), unit, samples);
                match *unit {
                    "MB" => drop(figure.target(Target::AtMost(40.0))),
                    "times" => drop(figure.target(Target::AtMost(1.25))),
                    _ => {}
                }
            }
        }
    }
}

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for sessions in [1_000, 100_000, 1_000_000] {
        files.push(Grown::new(bench, sessions).await?);
    }
    for _ in 0..REPETITIONS {
        for kind in 0..KINDS.len() {
            repeat(bench, &mut files, kind).await?;
        }
    }
    for file in &files {
        file.report(report);
    }
    Ok(())
}

/// Views the sessions of all files by turns, and adds a sample to each figure of this kind.
async fn repeat(bench: &Bench, files: &mut [Grown], kind: usize) -> anyhow::Result<()> {
    let mut running = Vec::new();
    for file in &*files {
        let server = Server::start(&bench.server, &file.store, KINDS[kind].1).await?;
        views(&server, &file.cookies, Until::Requests(VIEWED.into())).await?;
        running.push((server, Load::none()?));
    }
    for turn in 0..TURNS {
        for at in 0..files.len() {
            let at = if turn % 2 == 0 { at } else { files.len() - 1 - at };
            let (server, load) = &mut running[at];
            load.add(&views(server, &files[at].cookies, Until::Elapsed(TURN)).await?)?;
        }
    }
    let [beside_p50, beside_p99] = [0.5, 0.99].map(|share| running[0].1.wait(share));
    for (file, (mut server, load)) in files.iter_mut().zip(running) {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| load.wait(share));
        let figures = [p50, p99, p999, p50 / beside_p50, p99 / beside_p99, server.usage().megabytes];
        file.samples[kind].iter_mut().zip(figures).for_each(|(samples, figure)| samples.push(figure));
        server.stop().await?;
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
        bail!("{} of {} views failed", float(load.failures), float(load.responses() + load.failures));
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
              like(data, created_at, expires_at, session) AS
                  (SELECT data, created_at, expires_at, session FROM sessions LIMIT 1)
         INSERT INTO sessions (number, id, data, created_at, expires_at, session)
         SELECT n + n / (?1 / ?2 - 1) + 1, lower(hex(randomblob(32))), data, created_at, expires_at, session
         FROM other, like WHERE n < ?1 - ?2",
        [sessions, VIEWED],
    )?;
    // So that the first views don't pay for what was just written.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
