//! The server under measurement: a process of its own.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

use crate::{
    client::{Client, get},
    machine::{Observed, Usage},
    store::Store,
};

/// How long a start may take before it counts as failed.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A running server. It's killed when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// How long it took from the start of the process until it said it was ready.
    pub(crate) started_in: Duration,
    child: Child,
    observed: Observed,
}

impl Server {
    /// Starts the program on this store and waits until it's ready. `more` are settings beside the default ones.
    pub(crate) async fn start(program: &Path, store: &Store, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let address = free_address()?;
        let log = NamedTempFile::new()?;
        let mut command = Command::new(program);
        for name in
            ["RUST_LOG", "LOG_FORMAT", "FIRESTORE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT", "GAE_SERVICE", "K_SERVICE"]
        {
            command.env_remove(name);
        }
        command.envs(store.environment()).envs(more.iter().copied());
        command.env("HOST", address.ip().to_string()).env("PORT", address.port().to_string());
        let output = || File::options().append(true).open(log.path());
        command.stdin(Stdio::null()).stdout(output()?).stderr(output()?).kill_on_drop(true);
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("{}: `make build` makes it", program.display()))?;
        while !ready(address).await {
            if child.try_wait()?.is_some() || begun.elapsed() > START_TIMEOUT {
                bail!("the server did not start: {}", std::fs::read_to_string(log.path())?.trim());
            }
            sleep(Duration::from_micros(500)).await;
        }
        let started_in = begun.elapsed();
        let observed = Observed::new(child.id().context("the server has ended")?)?;
        Ok(Self { address, started_in, child, observed })
    }

    /// What it has used so far.
    pub(crate) fn usage(&mut self) -> Usage {
        self.observed.usage()
    }

    /// Ends it, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// An address on loopback that nobody listens on. Somebody else may take it before the server does; the start
/// then fails and says so.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

async fn ready(address: SocketAddr) -> bool {
    let Ok(mut client) = Client::connect(address).await else { return false };
    client.send(get("/readyz")).await.is_ok_and(|response| response.status == 200)
}
