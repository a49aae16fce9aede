//! What a view asks of Firestore, and how long it waits for it.

use std::time::{Duration, Instant};

use hyper::header::HeaderValue;

use super::Bench;
use crate::{
    client::{Client, Encoding, view},
    figures::{Report, Target},
    floor,
    machine::float,
    proxy::Proxy,
    server::Server,
    store::Store,
};

const VISITORS: usize = 50;
const REPETITIONS: usize = 3;
const SUBJECT: &str = "10 ms added per round trip";
const ROUND_TRIP: Duration = Duration::from_millis(10);

/// What was measured of one kind of view.
struct Kind {
    name: &'static str,
    /// The most round trips it may take, and how long it may wait, in bare writes.
    targets: (f64, Option<f64>),
    calls: Vec<f64>,
    reads: Vec<f64>,
    writes: Vec<f64>,
    waits: Vec<f64>,
    ratios: Vec<f64>,
}

impl Kind {
    fn new(name: &'static str, targets: (f64, Option<f64>)) -> Self {
        let none = Vec::new;
        Self { name, targets, calls: none(), reads: none(), writes: none(), waits: none(), ratios: none() }
    }
}

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let Some(emulator) = &bench.emulator else { return Ok(()) };
    let mut kinds = [
        Kind::new("new", (1.0, Some(1.15))),
        Kind::new("warm", (1.0, Some(1.15))),
        Kind::new("cold", (2.0, Some(2.15))),
    ];
    let mut floors = Vec::new();
    for n in 0..REPETITIONS {
        let proxy = Proxy::start(emulator, ROUND_TRIP).await?;
        let store = Store::emulator(emulator, &format!("round-trips-{n}")).through(&proxy.address.to_string());
        let floor = floor::measure(&store, 1, Duration::from_millis(600)).await?.wait;
        floors.push(floor);
        let (one, two) =
            (Server::start(&bench.server, &store, &[]).await?, Server::start(&bench.server, &store, &[]).await?);
        proxy.take();
        let mut cookies: Vec<Option<HeaderValue>> = vec![None; VISITORS];
        for (kind, server) in kinds.iter_mut().zip([&one, &one, &two]) {
            let mut client = Client::connect(server.address).await?;
            let mut waits = Vec::new();
            for cookie in &mut cookies {
                let sent = Instant::now();
                let response = client.send(view(cookie.as_ref(), Encoding::Browser)).await?;
                waits.push(sent.elapsed().as_secs_f64() * 1e3);
                if cookie.is_none() {
                    *cookie = Some(response.cookie()?);
                }
            }
            let (operations, views) = (proxy.take(), float(u64::try_from(waits.len())?));
            kind.calls.push(float(operations.calls) / views);
            kind.reads.push(float(operations.reads) / views);
            kind.writes.push(float(operations.writes) / views);
            waits.sort_by(f64::total_cmp);
            kind.waits.push(waits[waits.len() / 2]);
            kind.ratios.push(waits[waits.len() / 2] / floor);
        }
    }
    for Kind { name, targets, calls, reads, writes, .. } in &kinds {
        let subject = format!("Firestore, a {name} view");
        report.add(&subject, "round trips", "per view", calls).target(Target::AtMost(targets.0));
        report.add(&subject, "billed reads", "per view", reads);
        report.add(&subject, "billed writes", "per view", writes);
    }
    report.add(SUBJECT, "a bare write", "ms", &floors);
    for Kind { name, targets, waits, ratios, .. } in &kinds {
        report.add(SUBJECT, &format!("a {name} view"), "ms", waits);
        let figure = report.add(SUBJECT, &format!("a {name} view"), "bare writes", ratios);
        if let Some(most) = targets.1 {
            figure.target(Target::AtMost(most));
        }
        // With the emulator's and the proxy's own time.
        let nominal: Vec<_> = waits.iter().map(|wait| wait / (ROUND_TRIP.as_secs_f64() * 1e3)).collect();
        report.add(SUBJECT, &format!("a {name} view"), "x 10 ms", &nominal);
    }
    Ok(())
}
