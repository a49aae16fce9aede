//! The command line: `server` alone serves; the other commands administer what it serves.

mod args;
mod check;
mod error;
mod exit;
mod output;
mod sessions;

use std::{ffi::OsString, process::ExitCode};

use tracing_subscriber::EnvFilter;

use self::{
    args::{Command, CommandLine},
    exit::{BAD_USAGE, Failure},
};
use crate::{config::LogFormat, observability::logging, startup};

/// Runs the command that the arguments name, the program's name first, and returns the exit code.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString>>) -> ExitCode {
    let command = match CommandLine::parse(args) {
        Ok(command) => command,
        Err(error) => return error.exit(BAD_USAGE),
    };
    let filter = match logging::filter() {
        Ok(filter) => filter,
        Err(why) => return Failure::usage(why).exit(),
    };
    let result = match command {
        Command::Serve(config) => startup::run(*config, filter).map_err(Into::into),
        Command::Sessions(command) => run_to_end(filter, sessions::run(*command)),
        Command::Check(args) => run_to_end(filter, check::run(*args)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit(),
    }
}

/// Runs a command that ends by itself.
fn run_to_end(filter: Option<EnvFilter>, command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // Commands print their own output; logging is on only if `RUST_LOG` is set.
    if filter.is_some() {
        logging::start(filter, LogFormat::Text, None);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    runtime.block_on(command)
}
