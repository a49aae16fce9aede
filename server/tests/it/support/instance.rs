//! A running server.

use std::{
    process::ExitStatus,
    sync::{Arc, Mutex},
    thread,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use super::CEILING;

/// A server process. It is killed when this is dropped; if that is since a test failed, its log is shown.
pub(crate) struct Instance {
    address: String,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Instance {
    /// Runs the command and waits until it says where it listens.
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the server's program");
        let log = Arc::<Mutex<String>>::default();
        let (announce, mut announced) = mpsc::unbounded_channel();
        let (stdout, stderr) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        tokio::spawn(keep(stdout, Arc::clone(&log), announce.clone()));
        tokio::spawn(keep(stderr, Arc::clone(&log), announce));
        let mut instance = Self { address: String::new(), child, log };
        let address = timeout(CEILING, announced.recv()).await.expect("it starts in time");
        instance.address = address.unwrap_or_else(|| panic!("it ended at once: {}", instance.log()));
        instance
    }

    /// The address of a path on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    /// How many files it has open, and how much memory it has, in kB.
    pub(crate) fn usage(&self) -> (usize, u64) {
        let process = format!("/proc/{}", self.child.id().expect("it runs"));
        let files = std::fs::read_dir(format!("{process}/fd")).expect("it runs").count();
        let status = std::fs::read_to_string(format!("{process}/status")).expect("it runs");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of its memory");
        (files, memory.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("a number"))
    }

    /// Sends it a signal, as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id]).status().await;
        assert!(sent.expect("a shell").success());
    }

    /// Kills it, as the power does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        timeout(CEILING, self.child.wait()).await.expect("it ends in time").expect("it runs")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the server at {} has logged:\n{}---", self.address, self.log());
        }
    }
}

/// Keeps what the server logs, and tells the address that it announces.
async fn keep(output: impl AsyncRead + Unpin, log: Arc<Mutex<String>>, announce: mpsc::UnboundedSender<String>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some((_, rest)) = line.split_once("listening on http://") {
            // Nobody waits any more if the test has ended.
            let _ = announce.send(rest.split(',').next().unwrap_or_default().to_owned());
        }
        let mut log = log.lock().expect("no panic");
        log.push_str(&line);
        log.push('\n');
    }
}
