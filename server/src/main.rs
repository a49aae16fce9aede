//! The web server of the page whose views are counted in sessions.

mod assets;
mod check;
mod command_line;
mod compression;
mod config;
mod failure;
mod headers;
mod health;
mod https;
mod listen;
mod manage;
mod metrics;
mod newcomers;
mod output;
mod pages;
mod pseudonym;
mod request_log;
mod router;
mod serve;
mod store;
mod telemetry;

use std::{env, process::ExitCode};

use crate::{
    command_line::{Command, CommandLine},
    config::LogFormat,
    failure::{BAD_USAGE, Failure},
};

/// Requests move from thread to thread, and with the system's allocator the threads wait for each other to free what
/// another one took.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let command = match CommandLine::parse(env::args_os()) {
        Ok(command) => command,
        Err(refusal) => return refusal.exit(BAD_USAGE),
    };
    let result = match command {
        Command::Serve(config) => serve::run(*config).map_err(Into::into),
        Command::Sessions(command) => run(manage::run(command)),
        Command::Check(args) => run(check::run(*args)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit(),
    }
}

/// Runs a command that ends by itself.
fn run(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // It says what there is to say by itself. Its log is for those who look into it.
    if env::var_os("RUST_LOG").is_some() {
        telemetry::start(LogFormat::Text, None);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    runtime.block_on(command)
}
