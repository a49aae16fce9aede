//! What it was measured on, and what a process there has used.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// The machine, as far as it matters for the figures.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
}

impl Machine {
    pub(crate) fn this() -> anyhow::Result<Self> {
        let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()))?;
        let processor = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default();
        Ok(Self { processor, cores: system.cpus().len() })
    }
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// CPU time in user and system mode, of all its threads.
    pub(crate) cpu: Duration,
    /// Resident memory just now, in megabytes of 1,000,000 bytes.
    pub(crate) megabytes: f64,
}

/// A process to look at.
pub(crate) struct Observed {
    system: System,
    pid: Pid,
}

impl Observed {
    pub(crate) fn new(pid: u32) -> anyhow::Result<Self> {
        Ok(Self { system: System::new()?, pid: Pid::from_u32(pid) })
    }

    /// What it has used so far; nothing if it has ended.
    pub(crate) fn usage(&mut self) -> Usage {
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), true, kind);
        self.system.process(self.pid).map_or_else(Usage::default, |process| Usage {
            cpu: Duration::from_millis(process.accumulated_cpu_time()),
            megabytes: float(process.memory()) / 1e6,
        })
    }
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^52")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
