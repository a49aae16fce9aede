//! Commands of the server's program that end by themselves.

use std::{fs, process::Stdio};

use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};

use super::{CEILING, TestApp};

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl TestApp {
    /// Runs a command to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Ran {
        self.run_with_input(args, "").await
    }

    /// The same, with this on its standard input.
    pub(crate) async fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut child = piped(self.command(), args).stdin(Stdio::piped()).spawn().expect("the server's program");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that reads nothing may have ended by now.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        ended(child).await
    }

    /// Starts a command whose output is read while it runs.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        piped(self.command(), args).spawn().expect("the server's program")
    }
}

/// Waits for the end of a command.
pub(crate) async fn ended(child: Child) -> Ran {
    let output = timeout(CEILING, child.wait_with_output()).await.expect("it ends in time").expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn piped(mut command: Command, args: &[&str]) -> Command {
    command.args(args).stdout(Stdio::piped());
    command
}

/// The most memory that a running command has had so far, in kB.
pub(crate) fn peak_memory(child: &Child) -> u64 {
    let status = format!("/proc/{}/status", child.id().expect("it runs"));
    let status = fs::read_to_string(status).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a running process");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

impl Ran {
    /// The same, if it ended well and complained of nothing.
    pub(crate) fn well(self) -> Self {
        assert_eq!((self.code, &*self.err), (Some(0), ""), "{self:?}");
        self
    }

    /// Asserts that it failed with this code and one line that has all of these words, and printed nothing else.
    pub(crate) fn assert_fails(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.err.lines().count(), &*self.out), (Some(code), 1, ""), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in {self:?}");
        }
    }

    /// What it printed, a JSON object a line.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }
}
