//! `server check`: reports problems of the settings and the store before a visitor meets them.

mod settings;
mod site;
mod store;

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use crate::{
    cli::exit::Failure,
    config::{Config, on_google_cloud},
};

/// `check`
#[derive(Debug, Args)]
#[command(after_help = "Beside a running server it's safe: it writes one session that has expired already, and \
deletes it again. Exit codes: 0 sound, with warnings or without; 1 something is bad; 64 a bad setting.")]
pub(crate) struct CheckArgs {
    /// Print a JSON object a line
    #[arg(long)]
    json: bool,

    #[command(flatten, next_help_heading = "The server's settings")]
    config: Config,
}

/// The result of one check.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct CheckResult {
    subject: &'static str,
    #[serde(rename = "verdict")]
    status: Status,
    detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Bad,
}

impl CheckResult {
    fn ok(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, status: Status::Ok, detail: detail.into() }
    }

    fn warning(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, status: Status::Warning, detail: detail.into() }
    }

    fn bad(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, status: Status::Bad, detail: detail.into() }
    }
}

/// Runs all checks and prints their results.
pub(crate) async fn run(CheckArgs { json, config }: CheckArgs) -> Result<(), Failure> {
    let location = config.store.location();
    let mut report = Report { json, healthy: true };
    // Every check runs, also when stdout is closed: the exit code reports the result.
    let write_results = [
        report.add(settings::check(&config, &location, on_google_cloud())),
        report.add(site::check(&config).await),
        report.add(store::check(&location, config.store.timeout).await),
    ];
    if report.healthy { write_results.into_iter().collect() } else { Err(Failure::already_reported()) }
}

struct Report {
    json: bool,
    healthy: bool,
}

impl Report {
    fn add(&mut self, results: Vec<CheckResult>) -> Result<(), Failure> {
        let mut out = io::stdout();
        self.healthy &= results.iter().all(|result| result.status != Status::Bad);
        for result in results {
            if self.json {
                let json = serde_json::to_string(&result).map_err(|error| Failure::new(error.to_string()))?;
                writeln!(out, "{json}")?;
            } else {
                let status = match result.status {
                    Status::Ok => "ok",
                    Status::Warning => "warning",
                    Status::Bad => "BAD",
                };
                writeln!(out, "{status:<7}  {:<8}  {}", result.subject, result.detail)?;
            }
        }
        Ok(())
    }
}
