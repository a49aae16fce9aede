//! The signals that stop the server.

use std::{io, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the server. From its creation on they don't end the process by themselves.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Installs the handlers. The kernel ignores a signal without a handler if it's sent to process 1, which the server
    /// is in a container, so this comes first.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for a signal, and returns for how long requests are still accepted after it: for `drain_time`, but not at
    /// all after Ctrl-C, since no load balancer routes to a server at a terminal. Cancellation loses no signal.
    pub(super) async fn recv(&mut self, drain_time: Duration) -> Duration {
        tokio::select! {
            _ = self.terminate.recv() => drain_time,
            _ = self.interrupt.recv() => Duration::ZERO,
        }
    }
}
