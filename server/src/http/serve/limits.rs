//! How much a client may take, and for how long.

use std::time::Duration;

use crate::config::SHUTDOWN_TIMEOUT;

/// The limits of a server. The default ones are for a server on the internet; tests use shorter times.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many connections are open at once. For each further one, one that waits for its client is closed; while
    /// requests are being handled on all of them, further clients wait.
    pub connections: usize,
    /// How many of them one IPv4 address or IPv6 /48 network may have. For each further one, another one of the same is
    /// closed that waits for its client; if none does, the further one is. `None` behind proxies: all connections come
    /// from a few addresses there.
    pub connections_per_address: Option<usize>,
    /// How long a client may take to send the head of a request; also how long an idle connection is kept. Longer behind
    /// proxies than those keep theirs: one that sends a request just when the connection is closed answers with an error.
    pub header_read_timeout: Duration,
    /// How long a client may accept none of a response that is being sent.
    pub write_timeout: Duration,
    /// The same while the server stops.
    pub write_timeout_on_shutdown: Duration,
    /// How long a stop may take after the signal, the drain time included.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_address: Some(4096 / 4),
            header_read_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            write_timeout_on_shutdown: Duration::from_secs(5),
            shutdown_timeout: SHUTDOWN_TIMEOUT,
        }
    }
}

impl Limits {
    /// The default limits for a server behind this many proxies, as far as this many open files allow.
    #[must_use]
    pub fn new(trusted_proxies: usize, open_files: u64) -> Self {
        let limits = Self::default();
        let connections = limits.connections.min(connections_within(open_files));
        let per_address = (trusted_proxies == 0).then_some((connections / 4).max(1));
        let header_read_timeout = if trusted_proxies == 0 { limits.header_read_timeout } else { BEHIND_PROXIES };
        Self { connections, connections_per_address: per_address, header_read_timeout, ..limits }
    }

    /// How many open files these limits need.
    #[must_use]
    pub fn open_files(&self) -> u64 {
        (self.connections as u64) * FILES_PER_CONNECTION + RESERVED_FILES
    }
}

/// Google's load balancers keep an idle connection for 600 seconds and advise 620 for what is behind them
/// (<https://cloud.google.com/load-balancing/docs/https#timeouts_and_retries>); others keep theirs for a minute or two.
const BEHIND_PROXIES: Duration = Duration::from_secs(620);

/// The connection itself, and the asset that is being sent on it.
const FILES_PER_CONNECTION: u64 = 2;

/// For the store, the log, the metrics listener and the runtime.
const RESERVED_FILES: u64 = 100;

fn connections_within(open_files: u64) -> usize {
    let connections = open_files.saturating_sub(RESERVED_FILES) / FILES_PER_CONNECTION;
    usize::try_from(connections).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_the_open_files() {
        let all = Limits::default();
        assert_eq!(Limits::new(0, all.open_files()).connections, all.connections);
        assert_eq!(Limits::new(0, u64::MAX).connections, all.connections);
        let few = Limits::new(0, 1024);
        assert!(few.connections > 400 && few.open_files() <= 1024, "{few:?}");
        assert_eq!(Limits::new(0, 0).connections, 1);
    }

    #[test]
    fn an_address_gets_a_quarter_unless_it_is_a_proxy() {
        assert_eq!(Limits::new(0, u64::MAX).connections_per_address, Some(1024));
        assert_eq!(Limits::new(2, u64::MAX).connections_per_address, None);
    }

    #[test]
    fn connections_of_proxies_are_kept_for_longer_than_proxies_keep_them() {
        assert!(Limits::new(1, u64::MAX).header_read_timeout > Duration::from_secs(600));
        assert!(Limits::new(0, u64::MAX).header_read_timeout < Duration::from_secs(60));
    }
}
