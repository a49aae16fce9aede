//! The program: everything is in the library, where tests and documentation can reach it.

use std::{env, process::ExitCode};

/// With the system's allocator, threads wait for each other to free memory that another thread allocated, and
/// requests move between threads.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    server::cli::run(env::args_os())
}
