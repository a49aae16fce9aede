//! What a first visit loads, and how long it takes in a browser until the page is alive.

use std::{env, process::Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::process::Command;

use super::Bench;
use crate::{
    client::{Client, Encoding, asset, view},
    figures::{Report, Target},
    machine::float,
    server::Server,
};

const SUBJECT: &str = "first load, SQLite";

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(&bench.server, &bench.sqlite("first-load"), &[]).await?;
    bytes(&server, report).await?;
    hydration(&server, report).await
}

/// With brotli, as a browser takes it.
async fn bytes(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let mut client = Client::connect(server.address).await?;
    let html = client.send(view(None, Encoding::Identity)).await?.body;
    let html = String::from_utf8_lossy(&html).into_owned();
    let mut total = 0;
    for kind in ["html", "css", "js", "wasm"] {
        let path = if kind == "html" { "/" } else { asset_of(&html, kind).context("the page names no asset")? };
        let response = client.send(asset(path)).await?;
        if response.status != 200 {
            bail!("{path}: {}", response.status);
        }
        total += response.body.len();
        report.add(SUBJECT, kind, "bytes", &[float(u64::try_from(response.body.len())?)]);
    }
    let total = float(u64::try_from(total)?);
    report.add(SUBJECT, "all", "bytes", &[total]).target(Target::AtMost(60_000.0));
    Ok(())
}

/// The first path under `/pkg/` with this extension.
fn asset_of<'a>(html: &'a str, extension: &str) -> Option<&'a str> {
    html.split('"').find(|part| {
        part.strip_prefix("/pkg/").and_then(|name| name.rsplit_once('.')).is_some_and(|(_, last)| last == extension)
    })
}

/// What `end2end/hydration.mjs` prints, in milliseconds since the navigation began.
#[derive(Deserialize)]
struct Loads {
    html: Vec<f64>,
    alive: Vec<f64>,
}

async fn hydration(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    if env::var_os("CHROMIUM_PATH").is_none() {
        report.skipped.push("hydration: CHROMIUM_PATH names no browser; it may be empty for Playwright's".to_owned());
        return Ok(());
    }
    let mut command = Command::new("node");
    command.args(["end2end/hydration.mjs", &format!("http://{}/", server.address)]);
    let output = command.stderr(Stdio::inherit()).kill_on_drop(true).output().await.context("node")?;
    if !output.status.success() {
        bail!("end2end/hydration.mjs failed");
    }
    let loads: Loads = serde_json::from_slice(&output.stdout).context("end2end/hydration.mjs")?;
    report.add(SUBJECT, "page there, Chromium", "ms", &loads.html);
    report.add(SUBJECT, "hydrated, Chromium", "ms", &loads.alive);
    Ok(())
}
