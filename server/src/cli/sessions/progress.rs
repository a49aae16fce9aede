//! Progress of long work, and the confirmation before it.

use std::{
    cell::Cell,
    io::{self, BufRead, IsTerminal as _, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::exit::Failure;

/// How often the bar is drawn while there's no progress.
const TICK: Duration = Duration::from_millis(100);

/// How many sessions are between two lines where there's no terminal.
const LINE: u64 = 5_000;

/// Progress on standard error: a bar on a terminal, else a line for every 5,000 sessions. Dropping it removes the bar.
pub(super) struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    next_line: Cell<u64>,
}

impl Progress {
    /// `total` is the number of sessions, if that's known.
    pub(super) fn new(what: &'static str, total: Option<u64>) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let (bar, style) = match total {
                Some(total) => (ProgressBar::new(total), "{prefix} {wide_bar} {msg}, {eta} left"),
                None => (ProgressBar::new_spinner(), "{spinner} {prefix} {msg}"),
            };
            let style = ProgressStyle::with_template(style).unwrap_or_else(|_bad| ProgressStyle::default_bar());
            bar.set_style(style);
            bar.set_prefix(what);
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { what, bar, next_line: Cell::new(LINE) }
    }

    /// Reports the number of sessions done, and a message about them.
    pub(super) fn at(&self, position: u64, message: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(position);
                bar.set_message(message.to_owned());
            }
            None if position >= self.next_line.get() => {
                // A closed stderr must not stop the work.
                let _ = writeln!(io::stderr(), "{}: {message}", self.what);
                self.next_line.set(position - position % LINE + LINE);
            }
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Whether a person can confirm: both input and output are a terminal.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks the person at the terminal whether to continue.
pub(super) fn confirm(question: &str) -> Result<(), Failure> {
    if !is_interactive() {
        return Err(Failure::usage(format!("{question}? --yes is missing: there's no terminal to ask at")));
    }
    eprint!("{question}? [y/N] ");
    io::stderr().flush()?;
    if is_yes(io::stdin().lock())? { Ok(()) } else { Err(Failure::new("nothing was deleted")) }
}

fn is_yes(mut input: impl BufRead) -> io::Result<bool> {
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, yes) in
            [("y\n", true), ("Yes\n", true), ("", false), ("\n", false), ("n\n", false), ("yep\n", false)]
        {
            assert_eq!(is_yes(answer.as_bytes()).expect("text"), yes, "{answer:?}");
        }
    }
}
