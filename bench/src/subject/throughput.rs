//! A thousand warm sessions at concurrency 32, beside the floor of HTTP and the floor of the store.

use std::{iter, sync::Arc, time::Duration};

use hyper::header::HeaderValue;

use super::Bench;
use crate::{
    client::{EmptyRequest, Encoding, get, refresh, view},
    figures::{Report, Target},
    floor::{self, Floor},
    load::{Until, load, visitors},
    machine::float,
    server::Server,
    store::Store,
};

const SESSIONS: usize = 1000;
const CONNECTIONS: usize = 32;
const REPETITIONS: usize = 5;
const EACH: Duration = Duration::from_millis(1500);

/// The kinds of requests that are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum RequestKind {
    Healthz,
    Page(Encoding),
    Refresh,
}

const KINDS: [(&str, RequestKind); 4] = [
    ("GET /healthz", RequestKind::Healthz),
    ("GET /", RequestKind::Page(Encoding::Browser)),
    ("GET /, uncompressed", RequestKind::Page(Encoding::Identity)),
    ("POST /api/refresh", RequestKind::Refresh),
];

/// The samples of one kind of request.
#[derive(Default)]
struct Samples {
    rate: Vec<f64>,
    cpu: Vec<f64>,
    /// CPU in units of what `/healthz` costs.
    ratio: Vec<f64>,
    p50: Vec<f64>,
    p90: Vec<f64>,
    p99: Vec<f64>,
    failed: Vec<f64>,
}

/// A server with its sessions.
struct Loaded {
    server: Server,
    cookies: Arc<[HeaderValue]>,
    /// In megabytes.
    most_memory: f64,
}

impl Loaded {
    async fn start(bench: &Bench, store: &Store, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let server = Server::start(&bench.server, store, settings).await?;
        let cookies = visitors(server.address, SESSIONS).await?.into();
        Ok(Self { server, cookies, most_memory: 0.0 })
    }

    /// Loads it once; returns the CPU seconds for 1,000 requests.
    async fn load(&mut self, kind: RequestKind, samples: &mut Samples) -> anyhow::Result<f64> {
        let cookies = Arc::clone(&self.cookies);
        let request = move |n: u64| -> EmptyRequest {
            let cookie = &cookies[usize::try_from(n).unwrap_or(0) % SESSIONS];
            match kind {
                RequestKind::Healthz => get("/healthz"),
                RequestKind::Page(encoding) => view(Some(cookie), encoding),
                RequestKind::Refresh => refresh(cookie, Encoding::Browser),
            }
        };
        let before = self.server.usage();
        let load = load(&[self.server.address], CONNECTIONS, Until::Elapsed(EACH), request, |_, _| Ok(())).await?;
        let after = self.server.usage();
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() / float(load.responses()) * 1e3;
        self.most_memory = self.most_memory.max(after.megabytes);
        samples.rate.push(load.per_second());
        samples.cpu.push(cpu);
        samples.p50.push(load.wait(0.5));
        samples.p90.push(load.wait(0.9));
        samples.p99.push(load.wait(0.99));
        samples.failed.push(float(load.failures));
        Ok(cpu)
    }
}

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (kind, store) in bench.stores("throughput") {
        let mut loaded = Loaded::start(bench, &store, &[]).await?;
        let idle = loaded.server.usage().megabytes;
        let mut samples = KINDS.map(|_| Samples::default());
        let mut variants = if kind == "SQLite" { variants(bench).await? } else { Vec::new() };
        let mut floors: Vec<Floor> = Vec::new();
        // Not measured: the first requests fill caches and pools.
        for server in iter::once(&mut loaded).chain(variants.iter_mut().map(|(_, variant, _)| variant)) {
            server.load(RequestKind::Page(Encoding::Browser), &mut Samples::default()).await?;
        }
        for n in 0..REPETITIONS {
            let mut least = f64::NAN;
            for ((_, request), samples) in KINDS.into_iter().zip(&mut samples) {
                let cpu = loaded.load(request, samples).await?;
                if request == RequestKind::Healthz {
                    least = cpu;
                }
                samples.ratio.push(cpu / least);
            }
            for (_, variant, samples) in &mut variants {
                let cpu = variant.load(RequestKind::Page(Encoding::Browser), samples).await?;
                samples.ratio.push(cpu / least);
            }
            let apart = match &store {
                Store::Sqlite(_) => bench.sqlite(&format!("floor-{n}")),
                Store::Emulator { host, .. } => Store::emulator(host, &format!("floor-{n}")),
            };
            floors.push(floor::measure(&apart, CONNECTIONS, EACH).await?);
        }
        add(report, kind, &samples);
        let subject = |name: &str| format!("1,000 warm sessions, {kind}: {name}");
        for (name, _, samples) in &variants {
            report.add(&subject(name), "rate", "1/s", &samples.rate);
            report.add(&subject(name), "p99", "ms", &samples.p99);
            report.add(&subject(name), "CPU", "s per 1,000", &samples.cpu);
            report.add(&subject(name), "CPU, beside /healthz", "times", &samples.ratio);
            report.add(&subject(name), "failed", "requests", &samples.failed).target(Target::AtMost(0.0));
        }
        let of = |value: fn(&Floor) -> f64| floors.iter().map(value).collect::<Vec<_>>();
        report.add(&subject("bare writes"), "rate", "1/s", &of(|floor| floor.per_second));
        report.add(&subject("bare writes"), "p50", "ms", &of(|floor| floor.wait));
        report.add(&subject("bare writes"), "CPU", "s per 1,000", &of(|floor| floor.cpu_per_thousand));
        let subject = subject("memory");
        report.add(&subject, "after 1,000 new sessions", "MB", &[idle]);
        report.add(&subject, "the most under load", "MB", &[loaded.most_memory]).target(Target::AtMost(40.0));
    }
    Ok(())
}

/// Servers on SQLite with other settings.
async fn variants(bench: &Bench) -> anyhow::Result<Vec<(&'static str, Loaded, Samples)>> {
    let silent = Loaded::start(bench, &bench.sqlite("silent"), &[("RUST_LOG", "off")]).await?;
    let store = bench.sqlite("full");
    let full = format!("sqlite:{}?synchronous=full", store.file()?.display());
    let full = Loaded::start(bench, &store, &[("SESSION_STORE", &full)]).await?;
    Ok(vec![("GET /, RUST_LOG=off", silent, Samples::default()), ("GET /, synchronous=full", full, Samples::default())])
}

fn add(report: &mut Report, kind: &str, samples: &[Samples]) {
    for ((name, request), samples) in KINDS.into_iter().zip(samples) {
        let subject = format!("1,000 warm sessions, {kind}: {name}");
        report.add(&subject, "rate", "1/s", &samples.rate);
        report.add(&subject, "p50", "ms", &samples.p50);
        report.add(&subject, "p90", "ms", &samples.p90);
        report.add(&subject, "p99", "ms", &samples.p99);
        report.add(&subject, "CPU", "s per 1,000", &samples.cpu);
        if request != RequestKind::Healthz {
            let ratio = report.add(&subject, "CPU, beside /healthz", "times", &samples.ratio);
            if kind == "SQLite" && request == RequestKind::Page(Encoding::Browser) {
                ratio.target(Target::AtMost(4.0));
            }
            report.add(&subject, "failed", "requests", &samples.failed).target(Target::AtMost(0.0));
        }
    }
}
