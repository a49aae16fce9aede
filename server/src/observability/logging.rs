//! Logging.

use std::{backtrace::Backtrace, env, io::IsTerminal as _, panic};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::cloud_logging::{CloudLogging, Traces};
use crate::config::LogFormat;

/// What is logged unless `RUST_LOG` says otherwise. The Firestore client logs each request of its own.
const DEFAULT_FILTER: &str = "info,firestore=error,gcloud_sdk=off";

/// Starts logging: text on stderr for people, JSON on stdout for Cloud Logging. `project` is the Google Cloud
/// project that traces belong to.
pub(crate) fn start(format: LogFormat, project: Option<&str>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(DEFAULT_FILTER));
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Json => {
            registry.with(Traces).with(fmt::layer().event_format(CloudLogging::new(project))).init();
        }
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
            registry.with(fmt::layer().with_ansi(colours).with_writer(std::io::stderr)).init();
        }
    }
    // Rust's own report is several lines of text, which a reader of JSON lines can't parse.
    panic::set_hook(Box::new(|panic| {
        let cause = panic.payload_as_str().unwrap_or("a panic without a message");
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, backtrace = %Backtrace::capture(), "this is a bug: {cause}");
    }));
}
