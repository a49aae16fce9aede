//! Parsers of values that more than one setting has.

use std::time::Duration;

use super::SHUTDOWN_TIMEOUT;

/// A duration of at least a millisecond and at most a century: longer ones overflow dates somewhere.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const MAX: Duration = Duration::from_hours(36_525 * 24);
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 2s, 30m or 14d"))?;
    match duration {
        _ if duration < Duration::from_millis(1) => Err("it must be at least 1ms".to_owned()),
        _ if duration > MAX => Err("it must be at most 100 years".to_owned()),
        _ => Ok(duration),
    }
}

/// A host and a port.
pub(super) fn address(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("write it as 127.0.0.1:9090".to_owned()),
    }
}

/// Zero, or a duration that ends before the shutdown times out.
pub(super) fn drain_time(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 0s or 10s"))?;
    if duration > SHUTDOWN_TIMEOUT { Err(format!("it must be at most {SHUTDOWN_TIMEOUT:?}")) } else { Ok(duration) }
}
