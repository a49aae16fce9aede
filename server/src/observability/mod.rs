//! What operators see of a server: its log and its metrics.

mod cloud_logging;
pub(crate) mod log_id;
pub(crate) mod logging;
pub(crate) mod metrics;

/// The target of the log lines that requests have.
pub(crate) const REQUEST_TARGET: &str = "request";

/// The field of a request's span that holds the id of the trace it belongs to.
pub(crate) const TRACE_FIELD: &str = "trace";
