//! How a command ends when it ends badly: one line, and an exit code that scripts can tell apart.

use std::{io, process::ExitCode};

use sessions::Error;

/// A bad command line or setting, `EX_USAGE` of sysexits.h.
pub(crate) const BAD_USAGE: u8 = 64;

/// The store can't be reached; the same may work later. `EX_UNAVAILABLE` of sysexits.h.
const UNAVAILABLE: u8 = 69;

/// Ended by Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// `None` if there's nobody to tell, or nothing that was not told.
    message: Option<String>,
}

impl Failure {
    /// It can't be done.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: Some(message.into()) }
    }

    /// It can't be asked for like this.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: BAD_USAGE, message: Some(message.into()) }
    }

    /// What went wrong was said already.
    pub(crate) fn told() -> Self {
        Self { code: 1, message: None }
    }

    /// Somebody ended it.
    pub(crate) fn interrupted() -> Self {
        Self { code: INTERRUPTED, message: Some("interrupted".to_owned()) }
    }

    /// A failure of this store.
    pub(crate) fn of_store(error: &Error, store: &str) -> Self {
        let code = if matches!(error, Error::Busy | Error::Unavailable { .. }) { UNAVAILABLE } else { 1 };
        Self { code, message: Some(format!("SESSION_STORE: {store}: {error}")) }
    }

    /// Prints it and answers the exit code.
    pub(crate) fn exit(self) -> ExitCode {
        if let Some(message) = self.message {
            eprintln!("error: {message}");
        }
        ExitCode::from(self.code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        // `{:#}` puts the causes on the same line.
        Self::new(format!("{error:#}"))
    }
}

impl From<io::Error> for Failure {
    /// Of standard output: that nobody reads on, as in `server sessions list | head`, is no failure.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self { code: 0, message: None },
            _ => Self::new(format!("standard output: {error}")),
        }
    }
}
