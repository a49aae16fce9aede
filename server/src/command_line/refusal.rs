//! What a bad command line or a bad setting is answered with: one line that names it.

use std::{fmt, process::ExitCode};

/// Why the command line was not taken; or the help or the version, if that was asked for.
#[derive(Debug)]
pub(crate) struct Refusal(clap::Error);

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self(error)
    }
}

impl Refusal {
    /// Prints it and answers the exit code.
    pub(crate) fn exit(&self, bad_setting: u8) -> ExitCode {
        if self.0.use_stderr() {
            eprintln!("{self}");
            return ExitCode::from(bad_setting);
        }
        // A closed pipe, as of `server --help | head`, is no failure of ours.
        let _ = self.0.print();
        ExitCode::SUCCESS
    }
}

impl fmt::Display for Refusal {
    /// clap's message without the usage that follows it, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.0.render().to_string();
        let lines: Vec<_> = message.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        f.write_str(&without_ids(&lines.join(" ")))
    }
}

/// The message without what may be the value of a cookie: who pastes one into the wrong place must not find it in
/// a log.
fn without_ids(message: &str) -> String {
    let of_an_id = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut shown = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(of_an_id) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !of_an_id(c)).unwrap_or(from.len()));
        shown.push_str(before);
        shown.push_str(if run.len() >= 32 { "…" } else { run });
        rest = after;
    }
    shown + rest
}
