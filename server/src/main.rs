//! The web server of the page whose views are counted in sessions.

mod assets;
mod config;
mod headers;
mod health;
mod https;
mod listen;
mod metrics;
mod newcomers;
mod pseudonym;
mod request_log;
mod router;
mod serve;
mod store;
mod telemetry;

use std::process::ExitCode;

use crate::config::Config;

/// The exit code for a bad setting, `EX_USAGE` of sysexits.h.
const BAD_SETTING: u8 = 64;

fn main() -> ExitCode {
    let config = match Config::from_process() {
        Ok(config) => config,
        Err(refusal) => return refusal.exit(BAD_SETTING),
    };
    match serve::run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // `{:#}` puts the causes on the same line.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
