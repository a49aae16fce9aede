//! The page beside the tutorial's in other languages (`bench/peers`), on the same emulator, by turns.

use std::{path::Path, sync::Arc, time::Duration};

use hyper::header::HeaderValue;

use super::Bench;
use crate::{
    client::{Encoding, view},
    figures::{Report, Target},
    load::{Until, load, visitors},
    machine::float,
    server::Server,
    store::Store,
};

const SESSIONS: usize = 1200;
const CONNECTIONS: usize = 32;
const REPETITIONS: usize = 7;
/// Turns that are not measured: caches and pools fill up, and the emulator compiles what these programs ask of it, which
/// takes cores from all of them.
const WARM_UP: usize = 3;
const EACH: Duration = Duration::from_millis(1500);

/// The programs in the folder of the peers, and what they are.
const PEERS: [(&str, &str); 3] =
    [("go", "Go, net/http"), ("node", "Node, node:http"), ("python", "Python, Flask and waitress")];

/// A program that serves the page, and what was measured of it.
struct Program {
    name: &'static str,
    server: Server,
    cookies: Arc<[HeaderValue]>,
    rate: Vec<f64>,
    p50: Vec<f64>,
    /// Seconds for 1,000 views.
    cpu: Vec<f64>,
    failed: Vec<f64>,
    memory: Vec<f64>,
}

impl Program {
    async fn start(name: &'static str, program: &Path, store: &Store) -> anyhow::Result<Self> {
        let server = Server::start(program, store, &[]).await?;
        let cookies = visitors(server.address, SESSIONS).await?.into();
        let none = Vec::new;
        Ok(Self { name, server, cookies, rate: none(), p50: none(), cpu: none(), failed: none(), memory: none() })
    }

    /// Loads it for a turn, and keeps what was measured if the turn counts.
    async fn load(&mut self, counts: bool) -> anyhow::Result<()> {
        let cookies = Arc::clone(&self.cookies);
        let request =
            move |n: u64| view(Some(&cookies[usize::try_from(n).unwrap_or(0) % SESSIONS]), Encoding::Identity);
        let before = self.server.usage();
        let load = load(&[self.server.address], CONNECTIONS, Until::Elapsed(EACH), request, |_, _| Ok(())).await?;
        let after = self.server.usage();
        if !counts {
            return Ok(());
        }
        self.rate.push(load.per_second());
        self.p50.push(load.wait(0.5));
        self.cpu.push(after.cpu.saturating_sub(before.cpu).as_secs_f64() / float(load.responses()) * 1e3);
        self.failed.push(float(load.failures));
        self.memory.push(after.megabytes);
        Ok(())
    }
}

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let (Some(emulator), Some(folder)) = (&bench.emulator, &bench.peers) else { return Ok(()) };
    let mut programs = vec![Program::start("ours", &bench.server, &Store::emulator(emulator, "peers-ours")).await?];
    for (file, name) in PEERS {
        let program = folder.join(file);
        if program.exists() {
            let store = Store::emulator(emulator, &format!("peers-{file}"));
            programs.push(Program::start(name, &program, &store).await?);
        }
    }
    for turn in 0..WARM_UP + REPETITIONS {
        // There and back, so that none always has its turn at a better time.
        let mut order: Vec<_> = programs.iter_mut().collect();
        if turn % 2 == 1 {
            order.reverse();
        }
        for program in order {
            program.load(turn >= WARM_UP).await?;
        }
    }
    let (ours, peers) = (&programs[0], &programs[1..]);
    for program in &programs {
        let subject = format!("1,200 warm sessions, emulator, uncompressed: {}", program.name);
        report.add(&subject, "rate", "1/s", &program.rate);
        report.add(&subject, "p50", "ms", &program.p50);
        report.add(&subject, "CPU", "s per 1,000", &program.cpu);
        report.add(&subject, "failed", "requests", &program.failed);
        report.add(&subject, "memory", "MB", &program.memory);
    }
    for peer in peers {
        let subject = format!("ours beside {}", peer.name);
        let ratios = |ours: &[f64], theirs: &[f64]| -> Vec<f64> {
            ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
        };
        let rate = report.add(&subject, "rate", "times", &ratios(&ours.rate, &peer.rate));
        if peer.name == PEERS[0].1 {
            rate.target(Target::AtLeast(2.0));
        }
        let cpu = report.add(&subject, "CPU", "times", &ratios(&ours.cpu, &peer.cpu));
        if peer.name == PEERS[0].1 {
            cpu.target(Target::AtMost(0.5));
        }
    }
    Ok(())
}
