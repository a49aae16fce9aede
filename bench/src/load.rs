//! Load: requests over some connections, each sent when the response before it is there.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use hyper::header::HeaderValue;

use crate::{
    client::{Client, EmptyRequest, Encoding, Response, view},
    machine::float,
};

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Requests(u64),
    Elapsed(Duration),
}

/// What became of a load.
pub(crate) struct Load {
    /// Responses of another status than 200, and requests without one.
    pub(crate) failures: u64,
    pub(crate) elapsed: Duration,
    /// Of each request, in microseconds.
    waits: Histogram<u64>,
}

impl Load {
    /// Of nothing yet.
    pub(crate) fn none() -> anyhow::Result<Self> {
        Ok(Self { failures: 0, elapsed: Duration::ZERO, waits: histogram()? })
    }

    /// Adds what became of a load after this one.
    pub(crate) fn add(&mut self, next: &Self) -> anyhow::Result<()> {
        self.failures += next.failures;
        self.elapsed += next.elapsed;
        Ok(self.waits.add(&next.waits)?)
    }

    /// Responses of status 200.
    pub(crate) fn responses(&self) -> u64 {
        self.waits.len() - self.failures
    }

    pub(crate) fn per_second(&self) -> f64 {
        float(self.responses()) / self.elapsed.as_secs_f64()
    }

    /// How long the slowest of the fastest `share` had to wait, in milliseconds.
    pub(crate) fn wait(&self, share: f64) -> f64 {
        float(self.waits.value_at_quantile(share)) / 1e3
    }
}

/// Loads the servers, a connection each in turn. `request` makes the nth request, `see` gets its response.
pub(crate) async fn load(
    servers: &[SocketAddr],
    connections: usize,
    until: Until,
    request: impl Fn(u64) -> EmptyRequest + Send + Sync + 'static,
    see: impl Fn(u64, Response) -> anyhow::Result<()> + Send + Sync + 'static,
) -> anyhow::Result<Load> {
    let (request, see, next) = (Arc::new(request), Arc::new(see), Arc::new(AtomicU64::new(0)));
    let clients = servers.iter().cycle().take(connections).map(|server| Client::connect(*server));
    let clients = try_join_all(clients).await?;
    let begun = Instant::now();
    let tasks = clients.into_iter().map(|mut client| {
        let (request, see, next) = (Arc::clone(&request), Arc::clone(&see), Arc::clone(&next));
        tokio::spawn(async move {
            let mut waits = histogram()?;
            let mut failures = 0;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let over = match until {
                    Until::Requests(most) => n >= most,
                    Until::Elapsed(most) => begun.elapsed() >= most,
                };
                if over {
                    return Ok::<_, anyhow::Error>((waits, failures));
                }
                let sent = Instant::now();
                let response = client.send(request(n)).await.context("the server broke off")?;
                waits.saturating_record(u64::try_from(sent.elapsed().as_micros())?);
                if response.status == 200 { see(n, response)? } else { failures += 1 }
            }
        })
    });
    let mut all = Load::none()?;
    for done in try_join_all(tasks).await? {
        let (waits, failures) = done?;
        all.waits.add(waits)?;
        all.failures += failures;
    }
    all.elapsed = begun.elapsed();
    Ok(all)
}

/// From a microsecond to a minute, to three digits.
fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

/// Makes so many new sessions and returns their cookies.
pub(crate) async fn visitors(server: SocketAddr, number: usize) -> anyhow::Result<Vec<HeaderValue>> {
    let mut client = Client::connect(server).await?;
    let mut cookies = Vec::with_capacity(number);
    for _ in 0..number {
        cookies.push(client.send(view(None, Encoding::Identity)).await?.cookie()?);
    }
    Ok(cookies)
}
