//! The limit on open files: a connection is one.

use std::io;

use rlimit::{Resource, increase_nofile_limit};

use crate::http::Limits;

/// Raises the process' limit on open files to what the default limits need, and returns the limits that it allows.
///
/// The usual soft limit is 1,024, for programs that use `select`; the hard one is far higher.
///
/// # Errors
/// If the system does not tell its limit.
pub(super) fn limits(trusted_proxies: usize) -> io::Result<Limits> {
    let wanted = Limits::default();
    let open_files = increase_nofile_limit(wanted.open_files()).or_else(|_refused| Resource::NOFILE.get_soft())?;
    let limits = Limits::new(trusted_proxies, open_files);
    if limits.connections < wanted.connections {
        tracing::warn!(
            open_files,
            "at most {} connections at once instead of {}: the limit on open files (ulimit -Hn) is {open_files}, and {} \
             are needed",
            limits.connections,
            wanted.connections,
            wanted.open_files(),
        );
    }
    Ok(limits)
}
