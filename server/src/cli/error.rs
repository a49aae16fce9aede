//! The error for a bad command line or a bad setting: one line that names it.

use std::{fmt, process::ExitCode};

/// Why the command line was not accepted; or the requested help or version.
#[derive(Debug)]
pub(crate) struct CliError(clap::Error);

impl From<clap::Error> for CliError {
    fn from(error: clap::Error) -> Self {
        Self(error)
    }
}

impl CliError {
    /// Prints it and returns the exit code.
    pub(crate) fn exit(&self, bad_setting: u8) -> ExitCode {
        if self.0.use_stderr() {
            eprintln!("{self}");
            return ExitCode::from(bad_setting);
        }
        // A closed pipe, as with `server --help | head`, is not a failure.
        let _ = self.0.print();
        ExitCode::SUCCESS
    }
}

impl fmt::Display for CliError {
    /// clap's message without the usage that follows it, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.0.render().to_string();
        let lines: Vec<_> = message.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        f.write_str(&without_ids(&lines.join(" ")))
    }
}

/// Returns the message without what may be the value of a cookie: if a person pastes one into the wrong place, it must
/// not end up in a log.
fn without_ids(message: &str) -> String {
    let is_id_char = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut shown = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(is_id_char) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !is_id_char(c)).unwrap_or(from.len()));
        shown.push_str(before);
        shown.push_str(if run.len() >= 32 { "…" } else { run });
        rest = after;
    }
    shown + rest
}
