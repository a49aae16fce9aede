//! Logging.

use std::{backtrace::Backtrace, env, io::IsTerminal as _, panic};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::cloud_logging::{CloudLogging, Traces};
use crate::config::LogFormat;

/// What is logged unless `RUST_LOG` says otherwise. The Firestore client logs each request of its own.
const DEFAULT_FILTER: &str = "info,firestore=error,gcloud_sdk=off";

/// What `RUST_LOG` says is to be logged; `None` if it's not set, or empty.
///
/// # Errors
/// If it can't be read.
pub(crate) fn filter() -> Result<Option<EnvFilter>, String> {
    let variable = env::var_os(EnvFilter::DEFAULT_ENV).filter(|text| !text.is_empty());
    let bad = |why: String| format!("{}: {why}", EnvFilter::DEFAULT_ENV);
    let Some(text) = variable else { return Ok(None) };
    let text = text.into_string().map_err(|_bytes| bad("it is not UTF-8".to_owned()))?;
    EnvFilter::builder().parse(text).map(Some).map_err(|error| bad(error.to_string()))
}

/// Starts logging: text on stderr for people, JSON on stdout for Cloud Logging. `project` is the Google Cloud
/// project that traces belong to.
pub(crate) fn start(filter: Option<EnvFilter>, format: LogFormat, project: Option<&str>) {
    let filter = filter.unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER));
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
