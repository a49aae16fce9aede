//! The settings: each is a flag and an environment variable, and all are checked before anything starts.

mod refusal;
mod store;

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Parser, ValueEnum};

use crate::listen;

pub(crate) use self::{refusal::Refusal, store::StoreConfig};

/// Serves a page that greets each visitor and counts that visitor's views.
#[derive(Clone, Debug, Parser)]
#[command(version, about)]
pub(crate) struct Config {
    /// Name or address to listen on
    #[arg(long, env = "HOST", default_value = "127.0.0.1")]
    pub(crate) host: String,

    /// Port to listen on; 0 for any that's free
    #[arg(long, env = "PORT", default_value_t = 8080)]
    pub(crate) port: u16,

    /// Where sessions are kept: `firestore`, or `sqlite:PATH`. By default Firestore if
    /// `FIRESTORE_EMULATOR_HOST` or `GOOGLE_CLOUD_PROJECT` is set, else `sqlite:data/sessions.db`
    #[arg(long, env = "SESSION_STORE", value_parser = store::parse)]
    session_store: Option<store::Kind>,

    /// Google Cloud project of the Firestore database; detected if it's not set
    #[arg(long, env = "GOOGLE_CLOUD_PROJECT", value_parser = store::resource_id)]
    google_cloud_project: Option<String>,

    /// Firestore database
    #[arg(long, env = "FIRESTORE_DATABASE", default_value = "(default)", value_parser = store::database)]
    firestore_database: String,

    /// Firestore collection
    #[arg(long, env = "SESSION_COLLECTION", default_value = "sessions", value_parser = store::path_segment)]
    session_collection: String,

    /// After how long without a view a session ends, as `2s`, `30m`, `14d`
    #[arg(long, env = "SESSION_IDLE_TIMEOUT", default_value = "14d", value_parser = duration)]
    pub(crate) session_idle_timeout: Duration,

    /// After how long a session ends, however often it's viewed
    #[arg(long, env = "SESSION_LIFETIME", default_value = "90d", value_parser = duration)]
    pub(crate) session_lifetime: Duration,

    /// Deadline for all store work of one request, retries included
    #[arg(long, env = "STORE_TIMEOUT", default_value = "2s", value_parser = duration)]
    pub(crate) store_timeout: Duration,

    /// How many sessions this instance remembers between requests
    #[arg(long, env = "SESSION_CACHE_CAPACITY", default_value_t = 10_000)]
    pub(crate) session_cache_capacity: u64,

    /// For how long this instance remembers a session between requests
    #[arg(long, env = "SESSION_CACHE_AGE", default_value = "10m", value_parser = duration)]
    pub(crate) session_cache_age: Duration,

    /// For how long after SIGTERM requests are still taken, while `/readyz` answers 503 already: as long as whatever
    /// balances the load needs to notice. At most 25s, which is also when the requests in flight are given up
    #[arg(long, env = "DRAIN_TIME", default_value = "0s", value_parser = drain_time)]
    pub(crate) drain_time: Duration,

    /// Whether the site is reached over HTTPS alone: the cookie is `Secure` and named
    /// `__Host-session_id`, plain HTTP is redirected, and browsers are told to remember that (HSTS)
    #[arg(long, env = "HTTPS_ONLY", default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub(crate) https_only: bool,

    /// How many new sessions a client address gets in a minute; 0 for no limit. Behind proxies it needs
    /// `TRUSTED_PROXIES`, or all visitors share one address
    #[arg(long, env = "NEW_SESSIONS_PER_MINUTE", default_value_t = 0)]
    pub(crate) new_sessions_per_minute: u32,

    /// How many entries at the end of `X-Forwarded-For` were added by proxies of ours
    #[arg(long, env = "TRUSTED_PROXIES", default_value_t = 0)]
    pub(crate) trusted_proxies: usize,

    /// Address of a listener of its own for `GET /metrics`, as Prometheus reads it: `127.0.0.1:9090`. Off by default
    #[arg(long, env = "METRICS_ADDR", value_parser = address)]
    pub(crate) metrics_addr: Option<String>,

    /// Secret from which sessions get their names in the log. Instances that share it name them alike; by
    /// default each start has its own
    #[arg(long, env = "LOG_SALT", hide_env_values = true)]
    pub(crate) log_salt: Option<String>,

    /// How to log: `json` follows Cloud Logging's structured format. By default `json` on Google Cloud
    #[arg(long, env = "LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,

    /// Folder with the built assets
    #[arg(long, env = "LEPTOS_SITE_ROOT", default_value = "target/site")]
    pub(crate) site_root: PathBuf,
}

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A JSON object a line, for Cloud Logging.
    Json,
    /// For people.
    Text,
}

impl Config {
    /// Reads the command line and the environment.
    pub(crate) fn from_process() -> Result<Self, Refusal> {
        Ok(Self::try_parse()?)
    }

    /// The Google Cloud project, if it's set.
    pub(crate) fn project(&self) -> Option<&str> {
        self.google_cloud_project.as_deref().filter(|project| !project.is_empty())
    }

    /// Where sessions are kept. `emulator` is the value of `FIRESTORE_EMULATOR_HOST`, if that's set.
    pub(crate) fn store(&self, emulator: Option<&str>) -> StoreConfig {
        store::choose(
            self.session_store.as_ref(),
            self.project(),
            &self.firestore_database,
            &self.session_collection,
            emulator,
        )
    }
}

/// A duration of at least a millisecond and at most a century: longer ones overflow dates somewhere.
fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_hours(36_525 * 24);
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 2s, 30m or 14d"))?;
    match duration {
        _ if duration < Duration::from_millis(1) => Err("it must be at least 1ms".to_owned()),
        _ if duration > LONGEST => Err("it must be at most 100 years".to_owned()),
        _ => Ok(duration),
    }
}

/// A host and a port.
fn address(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("write it as 127.0.0.1:9090".to_owned()),
    }
}

/// None at all, or a duration that leaves time for the end.
fn drain_time(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 0s or 10s"))?;
    if duration > listen::GRACE { Err(format!("it must be at most {:?}", listen::GRACE)) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Config, String> {
        let config = Config::try_parse_from([&["server"], args].concat());
        config.map_err(|error| Refusal::from(error).to_string())
    }

    #[test]
    fn durations_are_written_with_a_unit() {
        let idle =
            |text: &str| parse(&[&format!("--session-idle-timeout={text}")]).map(|config| config.session_idle_timeout);
        assert_eq!(idle("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(idle("14d"), Ok(Duration::from_secs(14 * 24 * 60 * 60)));
        for bad in ["", "2", "-2s", "0s", "soon", "200years"] {
            let error = idle(bad).expect_err(bad);
            assert!(error.contains("--session-idle-timeout <SESSION_IDLE_TIMEOUT>"), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_bad_setting_is_named_in_one_line() {
        for (args, name) in [
            (["--port", "70000"], "PORT"),
            (["--port", "http"], "PORT"),
            (["--session-store", "redis"], "SESSION_STORE"),
            (["--session-store", "sqlite:"], "SESSION_STORE"),
            (["--google-cloud-project", "my project"], "GOOGLE_CLOUD_PROJECT"),
            (["--google-cloud-project", "a/b"], "GOOGLE_CLOUD_PROJECT"),
            (["--firestore-database", "a/b"], "FIRESTORE_DATABASE"),
            (["--firestore-database", "a b"], "FIRESTORE_DATABASE"),
            (["--session-collection", ""], "SESSION_COLLECTION"),
            (["--session-collection", "__x__"], "SESSION_COLLECTION"),
            (["--https-only", "yes"], "HTTPS_ONLY"),
            (["--log-format", "xml"], "LOG_FORMAT"),
            (["--store-timeout", "never"], "STORE_TIMEOUT"),
            (["--drain-time", "26s"], "DRAIN_TIME"),
            (["--metrics-addr", "9090"], "METRICS_ADDR"),
            (["--metrics-addr", "localhost:http"], "METRICS_ADDR"),
        ] {
            let error = parse(&args).expect_err(name);
            assert!(error.contains(name) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn https_only_is_a_flag_or_has_a_value() {
        for (args, expected) in [
            (&[][..], false),
            (&["--https-only"], true),
            (&["--https-only=false"], false),
            (&["--https-only", "true"], true),
        ] {
            assert_eq!(parse(args).map(|config| config.https_only), Ok(expected), "{args:?}");
        }
    }
}
