//! One session that is viewed many times at once, and all the time.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures::future::join_all;
use hyper::header::HeaderValue;
use tokio::time::interval;

use super::Bench;
use crate::{
    client::{Client, Encoding, refresh, view},
    figures::{Report, Target},
    machine::float,
    proxy::Proxy,
    server::Server,
    store::Store,
};

const ROUND_TRIP: Duration = Duration::from_millis(30);
const REPETITIONS: usize = 3;

/// Arrivals one after the other: how long between two, and how many.
const EVERY: Duration = Duration::from_millis(10);
const ARRIVALS: usize = 600;

/// How many views come at once, to how many servers, and at most how many round trips the slowest may wait for, and how
/// many writes there may be.
const BURSTS: [(usize, usize, Option<f64>, Option<f64>); 5] = [
    (20, 1, Some(3.0), None),
    (66, 1, None, None),
    (200, 1, Some(4.0), Some(6.0)),
    (200, 2, Some(12.0), None),
    (200, 4, Some(12.0), None),
];

/// What came of the views: how many were counted with a number of their own, and how long the slowest took.
struct Outcome {
    counted: usize,
    slowest: Duration,
}

impl Outcome {
    fn of(views: Vec<(Option<u64>, Duration)>) -> Self {
        let slowest = views.iter().map(|(_, took)| *took).max().unwrap_or_default();
        let numbers: BTreeSet<_> = views.into_iter().filter_map(|(number, _)| number).collect();
        Self { counted: numbers.len(), slowest }
    }
}

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let Some(emulator) = &bench.emulator else { return Ok(()) };
    for (delay, subject) in [(ROUND_TRIP, "one session, 30 ms added per round trip"), (Duration::ZERO, "one session")] {
        let has_delay = !delay.is_zero();
        for (views, servers, most_waited, most_writes) in BURSTS {
            let (mut counted, mut slowest, mut writes) = (Vec::new(), Vec::new(), Vec::new());
            for n in 0..REPETITIONS {
                let name = format!("burst-{views}-{servers}-{n}-{has_delay}");
                let (outcome, written) = burst(bench, emulator, &name, delay, views, servers).await?;
                counted.push(percent(outcome.counted, views));
                slowest.push(outcome.slowest.as_secs_f64() * 1e3);
                writes.push(float(written));
            }
            let what = format!("{views} at once over {servers}");
            report.add(subject, &format!("{what}: counted, each once"), "%", &counted).target(Target::AtLeast(100.0));
            if !has_delay {
                report.add(subject, &format!("{what}: the slowest"), "ms", &slowest);
                continue;
            }
            let slowest: Vec<_> = slowest.iter().map(|ms| ms / (ROUND_TRIP.as_secs_f64() * 1e3)).collect();
            let figure = report.add(subject, &format!("{what}: the slowest"), "round trips", &slowest);
            most_waited.map(|most| figure.target(Target::AtMost(most)));
            let figure = report.add(subject, &format!("{what}: writes"), "", &writes);
            most_writes.map(|most| figure.target(Target::AtMost(most)));
        }
        let (mut counted, mut slowest) = (Vec::new(), Vec::new());
        for n in 0..REPETITIONS {
            let outcome = arrivals(bench, emulator, &format!("arrivals-{n}-{has_delay}"), delay).await?;
            counted.push(percent(outcome.counted, ARRIVALS));
            slowest.push(outcome.slowest.as_secs_f64() * 1e3);
        }
        let what = "one each 10 ms for 6 s";
        report.add(subject, &format!("{what}: counted, each once"), "%", &counted).target(Target::AtLeast(100.0));
        report.add(subject, &format!("{what}: the slowest"), "ms", &slowest);
    }
    Ok(())
}

fn percent(part: usize, of: usize) -> f64 {
    let [part, of] = [part, of].map(|count| float(count as u64));
    100.0 * part / of
}

/// Servers on one project behind a proxy, which all know one session already, and its cookie.
async fn viewed(
    bench: &Bench,
    emulator: &str,
    name: &str,
    delay: Duration,
    servers: usize,
) -> anyhow::Result<(Proxy, Vec<Server>, HeaderValue)> {
    let proxy = Proxy::start(emulator, delay).await?;
    let store = Store::emulator(emulator, name).through(&proxy.address.to_string());
    let starts = join_all((0..servers).map(|_| Server::start(&bench.server, &store, &[]))).await;
    let servers = starts.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let response = Client::connect(servers[0].address).await?.send(view(None, Encoding::Identity)).await?;
    let cookie = response.cookie()?;
    for server in &servers {
        counted(Client::connect(server.address).await?, &cookie).await?;
    }
    Ok((proxy, servers, cookie))
}

async fn burst(
    bench: &Bench,
    emulator: &str,
    name: &str,
    delay: Duration,
    views: usize,
    servers: usize,
) -> anyhow::Result<(Outcome, u64)> {
    let (proxy, servers, cookie) = viewed(bench, emulator, name, delay, servers).await?;
    let connections = (0..views).map(|n| Client::connect(servers[n % servers.len()].address));
    let connections = join_all(connections).await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    proxy.take();
    let all = connections.into_iter().map(|connection| {
        let cookie = cookie.clone();
        tokio::spawn(async move { counted(connection, &cookie).await })
    });
    let mut outcome = Vec::new();
    for view in join_all(all).await {
        outcome.push(view??);
    }
    Ok((Outcome::of(outcome), proxy.take().writes))
}

async fn arrivals(bench: &Bench, emulator: &str, name: &str, delay: Duration) -> anyhow::Result<Outcome> {
    let (_proxy, servers, cookie) = viewed(bench, emulator, name, delay, 1).await?;
    let address = servers[0].address;
    let mut ticks = interval(EVERY);
    let mut views = Vec::new();
    for _ in 0..ARRIVALS {
        ticks.tick().await;
        let cookie = cookie.clone();
        views.push(tokio::spawn(async move { counted(Client::connect(address).await?, &cookie).await }));
    }
    let mut outcome = Vec::new();
    for view in join_all(views).await {
        outcome.push(view??);
    }
    Ok(Outcome::of(outcome))
}

/// The number with which a view is counted, if it is, and how long it took.
async fn counted(mut connection: Client, cookie: &HeaderValue) -> anyhow::Result<(Option<u64>, Duration)> {
    let sent = Instant::now();
    let response = connection.send(refresh(cookie, Encoding::Identity)).await?;
    let number = if response.status == 200 { Some(response.views()?) } else { None };
    Ok((number, sent.elapsed()))
}
