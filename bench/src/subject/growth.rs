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

/// How many of the sessions are viewed, spread at random over the file, since a key is a hash.
const VIEWED: u32 = 1000;
const CONNECTIONS: usize = 8;
const REPETITIONS: usize = 3;
const EACH: Duration = Duration::from_secs(1);

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let store = bench.sqlite("growth");
    let Store::Sqlite(path) = &store else { bail!("SQLite is a file") };
    let server = Server::start(&bench.server, &store, &[]).await?;
    let cookies: Arc<[HeaderValue]> = visitors(server.address, VIEWED as usize).await?.into();
    server.stop().await?;
    let mut least = None;
    for sessions in [1_000_u32, 100_000, 1_000_000] {
        fill(path, sessions)?;
        let (mut cold, mut cold99, mut warm, mut warm99, mut memory) = (vec![], vec![], vec![], vec![], vec![]);
        for _ in 0..REPETITIONS {
            let mut server = Server::start(&bench.server, &store, &[]).await?;
            let first = views(&server, &cookies, Until::Requests(VIEWED.into())).await?;
            cold.push(first.wait(0.5));
            cold99.push(first.wait(0.99));
            let then = views(&server, &cookies, Until::Elapsed(EACH)).await?;
            warm.push(then.wait(0.5));
            warm99.push(then.wait(0.99));
            memory.push(server.usage().megabytes);
            server.stop().await?;
        }
        let subject = format!(
            "SQLite with {} sessions, 1,000 of them viewed, 8 at a time",
            crate::table::number(sessions.into())
        );
        report.add(&subject, "cold view, p50", "ms", &cold);
        report.add(&subject, "cold view, p99", "ms", &cold99);
        report.add(&subject, "warm view, p50", "ms", &warm);
        report.add(&subject, "warm view, p99", "ms", &warm99);
        let memory = report.add(&subject, "memory", "MB", &memory);
        memory.target(Target::AtMost(40.0));
        let of = |name| report.find(&subject, name).map_or(f64::NAN, |figure| figure.median);
        let now = [("warm view, p50", of("warm view, p50")), ("warm view, p99", of("warm view, p99"))];
        let first = *least.get_or_insert(now);
        for ((name, now), (_, first)) in now.into_iter().zip(first) {
            let name = format!("{name}, beside 1,000 sessions");
            report.add(&subject, &name, "times", &[now / first]).target(Target::AtMost(1.25));
        }
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
fn fill(path: &Path, sessions: u32) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    connection.execute(
        "WITH RECURSIVE one(n) AS (SELECT count(*) + 1 FROM sessions UNION ALL SELECT n + 1 FROM one WHERE n < ?1),
              like(data, created_at, expires_at, revisions) AS
                  (SELECT data, created_at, expires_at, revisions FROM sessions LIMIT 1)
         INSERT INTO sessions (id, data, created_at, expires_at, revisions)
         SELECT lower(hex(randomblob(32))), data, created_at, expires_at, revisions FROM one, like
         WHERE n > (SELECT count(*) FROM sessions) AND n <= ?1",
        [sessions],
    )?;
    // So that the first views don't pay for what was just written.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
