//! The web server of the page whose views are counted in sessions.

mod assets;
mod check;
mod command_line;
mod config;
mod failure;
mod headers;
mod health;
mod https;
mod listen;
mod manage;
mod newcomers;
mod output;
mod router;
mod serve;
mod store;
mod telemetry;

use std::process::ExitCode;

use crate::{
    command_line::{Command, CommandLine},
    failure::BAD_USAGE,
};

fn main() -> ExitCode {
    let command = match CommandLine::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(refusal) => return refusal.exit(BAD_USAGE),
    };
    let result = match command {
        Command::Serve(config) => serve::run(*config).map_err(Into::into),
        Command::Sessions(command) => manage::run(command),
        Command::Check(args) => check::run(*args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit(),
    }
}
