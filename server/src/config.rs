//! The settings: each is a flag and an environment variable, and all are checked before anything starts.

mod sessions;
mod store;

use std::{env, path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum};

pub(crate) use self::{
    sessions::SessionSettings,
    store::{StoreConfig, StoreSettings},
};
use crate::listen;

/// The settings of a server.
#[derive(Clone, Debug, Args)]
pub(crate) struct Config {
    /// Name or address to listen on
    #[arg(long, env = "HOST", default_value = "127.0.0.1")]
    pub(crate) host: String,

    /// Port to listen on; 0 for any that's free
    #[arg(long, env = "PORT", default_value_t = 8080)]
    pub(crate) port: u16,

    #[command(flatten)]
    pub(crate) store: StoreSettings,

    #[command(flatten)]
    pub(crate) sessions: SessionSettings,

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

/// Whether this runs on App Engine or Cloud Run, which set these variables.
pub(crate) fn on_google_cloud() -> bool {
    ["GAE_SERVICE", "K_SERVICE"].into_iter().any(|name| env::var_os(name).is_some())
}

/// A duration of at least a millisecond and at most a century: longer ones overflow dates somewhere.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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

    use crate::command_line::{Command, CommandLine, Refusal};

    fn parse(args: &[&str]) -> Result<Config, Refusal> {
        match CommandLine::parse([&["server"], args].concat())? {
            Command::Serve(config) => Ok(*config),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn durations_are_written_with_a_unit() {
        let idle =
            |text: &str| parse(&[&format!("--session-idle-timeout={text}")]).map(|config| config.sessions.idle_timeout);
        assert_eq!(idle("2s").ok(), Some(Duration::from_secs(2)));
        assert_eq!(idle("14d").ok(), Some(Duration::from_secs(14 * 24 * 60 * 60)));
        for bad in ["", "2", "-2s", "0s", "soon", "200years"] {
            let error = idle(bad).expect_err(bad).to_string();
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
            let error = parse(&args).expect_err(name).to_string();
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
            assert_eq!(parse(args).map(|config| config.https_only).ok(), Some(expected), "{args:?}");
        }
    }
}
