//! One session, viewed many at a time.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::Bench;
use crate::{
    client::{Client, Encoding, refresh},
    figures::{Report, Target},
    load::{Load, Until, load, visitors},
    machine::float,
    server::Server,
    store::Store,
};

const VIEWS: u64 = 200;
const REPETITIONS: usize = 3;

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (kind, store) in bench.stores("crowd") {
        for instances in [1, 2] {
            for connections in [20, 50, 100] {
                let (mut failed, mut wrong, mut p50, mut p99) = (vec![], vec![], vec![], vec![]);
                for _ in 0..REPETITIONS {
                    let (load, miscounted) = crowd(&bench.server, &store, instances, connections).await?;
                    failed.push(float(load.failures));
                    wrong.push(float(miscounted));
                    p50.push(load.wait(0.5));
                    p99.push(load.wait(0.99));
                }
                let subject =
                    format!("{VIEWS} views of one session, {connections} at a time, {kind}, instances: {instances}");
                report.add(&subject, "failed", "views", &failed).target(Target::AtMost(0.0));
                report.add(&subject, "lost or counted twice", "views", &wrong).target(Target::AtMost(0.0));
                report.add(&subject, "p50", "ms", &p50);
                report.add(&subject, "p99", "ms", &p99);
            }
        }
    }
    Ok(())
}

/// One load, and how many of its views were not counted exactly once.
async fn crowd(program: &Path, store: &Store, instances: usize, connections: usize) -> anyhow::Result<(Load, u64)> {
    let mut servers = Vec::new();
    for _ in 0..instances {
        servers.push(Server::start(program, store, &[]).await?);
    }
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let cookie = visitors(addresses[0], 1).await?.remove(0);
    let seen = Arc::<Mutex<BTreeSet<u64>>>::default();
    let (same, counts) = (cookie.clone(), Arc::clone(&seen));
    let load = load(
        &addresses,
        connections,
        Until::Requests(VIEWS),
        move |_| refresh(&same, Encoding::Identity),
        move |_, response| {
            counts.lock().unwrap_or_else(PoisonError::into_inner).insert(response.views()?);
            Ok(())
        },
    )
    .await?;
    let last = Client::connect(addresses[0]).await?.send(refresh(&cookie, Encoding::Identity)).await?.views()?;
    // The session was made by a view, and looked at by one more.
    let missing = (load.responses() + 2).abs_diff(last);
    let twice = load.responses() - u64::try_from(seen.lock().unwrap_or_else(PoisonError::into_inner).len())?;
    Ok((load, missing.max(twice)))
}
