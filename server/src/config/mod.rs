//! The settings: each is a flag and an environment variable, and all are validated before anything starts.

mod sessions;
pub(crate) mod sqlite;
mod store;
mod values;

use std::{env, path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum};

use self::values::{address, drain_time};
pub(crate) use self::{
    sessions::SessionSettings,
    store::{StoreLocation, StoreSettings},
    values::duration,
};

/// How long a stop may take after the signal. App Engine kills the process after 30 seconds.
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(25);

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

    /// For how long after SIGTERM requests are still accepted, while `/readyz` already responds with 503: as long as the
    /// load balancer needs to notice. At most 25s, which is also when requests in flight are aborted
    #[arg(long, env = "DRAIN_TIME", default_value = "0s", value_parser = drain_time)]
    pub(crate) drain_time: Duration,

    /// Whether the site is reached over HTTPS alone: the cookie is `Secure` and named
    /// `__Host-session_id`, plain HTTP is redirected, and browsers remember that (HSTS)
    #[arg(long, env = "HTTPS_ONLY", default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub(crate) https_only: bool,

    /// How many new sessions a client address gets in a minute; 0 for no limit. Behind proxies it needs
    /// `TRUSTED_PROXIES`, or all visitors share one address
    #[arg(long, env = "NEW_SESSIONS_PER_MINUTE", default_value_t = 0)]
    pub(crate) new_sessions_per_minute: u32,

    /// How many entries at the end of `X-Forwarded-For` were added by your proxies
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

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches as _};

    use super::*;

    fn parse(args: &[&str]) -> Result<Config, clap::Error> {
        let command = Config::augment_args(Command::new("server"));
        Config::from_arg_matches(&command.try_get_matches_from([&["server"], args].concat())?)
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
