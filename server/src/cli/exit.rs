//! How a command fails: one line, and an exit code that scripts can distinguish.

use std::{io, process::ExitCode};

use sessions::Error;

/// A bad command line or setting, `EX_USAGE` of sysexits.h.
pub(crate) const BAD_USAGE: u8 = 64;

/// The store can't be reached; the same may work later. `EX_UNAVAILABLE` of sysexits.h.
const UNAVAILABLE: u8 = 69;

/// Ended by Ctrl-C, by the convention of shells.
const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// `None` if the failure has already been printed, or the reader of the output is gone.
    message: Option<String>,
}

impl Failure {
    /// The command can't be done.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: Some(message.into()) }
    }

    /// The command line or a setting is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: BAD_USAGE, message: Some(message.into()) }
    }

    /// The failure has already been printed.
    pub(crate) fn already_reported() -> Self {
        Self { code: 1, message: None }
    }

    /// Ctrl-C ended the command.
    pub(crate) fn interrupted() -> Self {
        Self { code: INTERRUPTED, message: Some("interrupted".to_owned()) }
    }

    /// The store failed.
    pub(crate) fn of_store(error: &Error, store: &str) -> Self {
        let code = if matches!(error, Error::Busy | Error::Unavailable { .. }) { UNAVAILABLE } else { 1 };
        // What logs must not quote, the owner at a terminal may see.
        let why = match error {
            Error::Unreadable { cause, .. } => format!(": {cause}"),
            _ => String::new(),
        };
        Self { code, message: Some(format!("SESSION_STORE: {store}: {error}{why}")) }
    }

    /// Prints it and returns the exit code.
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
    /// Errors of standard output. A reader that stops early, as in `server sessions list | head`, is not a failure.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self { code: 0, message: None },
            _ => Self::new(format!("standard output: {error}")),
        }
    }
}
