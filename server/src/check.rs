//! `server check`: whether the settings and the store are sound, said before a visitor finds out.

mod settings;
mod site;
mod store;

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use crate::{
    config::{Config, on_google_cloud},
    failure::Failure,
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

/// What was found about one thing.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    subject: &'static str,
    verdict: Verdict,
    detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warning,
    Bad,
}

impl Finding {
    fn ok(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, verdict: Verdict::Ok, detail: detail.into() }
    }

    fn warning(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, verdict: Verdict::Warning, detail: detail.into() }
    }

    fn bad(subject: &'static str, detail: impl Into<String>) -> Self {
        Self { subject, verdict: Verdict::Bad, detail: detail.into() }
    }
}

/// Looks at everything and prints what it found.
pub(crate) async fn run(CheckArgs { json, config }: CheckArgs) -> Result<(), Failure> {
    let place = config.store.place();
    let mut report = Report { json, sound: true };
    // All of it is looked at, whether or not somebody reads on: the exit code says what was found.
    let told = [
        report.add(settings::check(&config, &place, on_google_cloud())),
        report.add(site::check(&config).await),
        report.add(store::check(&place, config.store.timeout).await),
    ];
    if report.sound { told.into_iter().collect() } else { Err(Failure::told()) }
}

struct Report {
    json: bool,
    sound: bool,
}

impl Report {
    fn add(&mut self, findings: Vec<Finding>) -> Result<(), Failure> {
        let mut out = io::stdout();
        self.sound &= findings.iter().all(|finding| finding.verdict != Verdict::Bad);
        for finding in findings {
            if self.json {
                let json = serde_json::to_string(&finding).map_err(|error| Failure::new(error.to_string()))?;
                writeln!(out, "{json}")?;
            } else {
                let verdict = match finding.verdict {
                    Verdict::Ok => "ok",
                    Verdict::Warning => "warning",
                    Verdict::Bad => "BAD",
                };
                writeln!(out, "{verdict:<7}  {:<8}  {}", finding.subject, finding.detail)?;
            }
        }
        Ok(())
    }
}
