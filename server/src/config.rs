//! The settings: each is a flag and an environment variable, and all are checked before anything starts.

mod sessions;
mod store;

use std::{env, path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum};

pub(crate) use self::{
    sessions::SessionSettings,
    store::{StoreConfig, StoreSettings},
};

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
            (["--firestore-database", "a/b"], "FIRESTORE_DATABASE"),
            (["--session-collection", ""], "SESSION_COLLECTION"),
            (["--session-collection", "__x__"], "SESSION_COLLECTION"),
            (["--https-only", "yes"], "HTTPS_ONLY"),
            (["--log-format", "xml"], "LOG_FORMAT"),
            (["--store-timeout", "never"], "STORE_TIMEOUT"),
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
