//! What a view costs, measured: `make bench`. It starts the released server as a process of its own, on SQLite
//! and on the Firestore emulator, and drives it over loopback.

mod client;
mod figures;
mod floor;
mod load;
mod machine;
mod picture;
mod proxy;
mod server;
mod store;
mod subject;
mod table;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::{figures::Report, subject::SUBJECTS};

/// Measures the server and prints a table of what it found.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    run: Run,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Args, Debug)]
struct Run {
    /// The server's program.
    #[arg(long, default_value = "target/release/server")]
    server: PathBuf,
    /// Measure these subjects only; by default all of them.
    #[arg(long, value_delimiter = ',', value_parser = SUBJECTS.map(|(name, _)| name))]
    only: Vec<String>,
    /// Measure the programs of the peers in this folder too: `bench/peers/setup.sh` makes it.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Write the figures there, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write the picture there, as SVG.
    #[arg(long)]
    picture: Option<PathBuf>,
    /// Read the figures from this file instead of measuring.
    #[arg(long)]
    from: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Works on a store directly and prints what that took: a process of its own, so that its CPU is counted
    /// apart from that of the measuring process.
    #[command(hide = true)]
    Floor(floor::Arguments),
}

fn main() -> ExitCode {
    let Arguments { run, task } = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            match task {
                Some(Task::Floor(arguments)) => floor::work(arguments).await,
                None => measure(run).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(run: Run) -> anyhow::Result<()> {
    let report = match &run.from {
        Some(path) => {
            let json = fs::read(path).with_context(|| path.display().to_string())?;
            serde_json::from_slice(&json).with_context(|| path.display().to_string())?
        }
        None => subject::all(&run.server, run.peers.as_deref(), &run.only).await?,
    };
    print(&run, &report)
}

fn print(run: &Run, report: &Report) -> anyhow::Result<()> {
    println!("{}", table::text(report));
    if let Some(path) = &run.json {
        write(path, &serde_json::to_string_pretty(report)?)?;
    }
    if let Some(path) = &run.picture {
        write(path, &picture::svg(report).to_string())?;
    }
    Ok(())
}

fn write(path: &PathBuf, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(path, format!("{text}\n"))).with_context(|| path.display().to_string())
}
