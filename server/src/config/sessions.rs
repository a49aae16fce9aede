//! How long sessions live, and what an instance remembers of them.

use std::time::Duration;

use clap::Args;
use sessions::Settings;

use super::values::duration;

/// How long sessions live, and what an instance remembers of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct SessionSettings {
    /// After how long without being used a session ends, as `2s`, `30m`, `14d`. Views, changes and reads are uses
    #[arg(id = "SESSION_IDLE_TIMEOUT", long = "session-idle-timeout", env = "SESSION_IDLE_TIMEOUT", default_value = "14d", value_parser = duration)]
    pub(crate) idle_timeout: Duration,

    /// After how long a session ends whose visitor never came back after the first view, as `30m`. Crawlers and uptime
    /// checks keep no cookie: each of their views is such a session. By default as `SESSION_IDLE_TIMEOUT`
    #[arg(id = "SESSION_FIRST_TIMEOUT", long = "session-first-timeout", env = "SESSION_FIRST_TIMEOUT", value_parser = duration)]
    pub(crate) first_timeout: Option<Duration>,

    /// After how long a session ends, however often it's viewed
    #[arg(id = "SESSION_LIFETIME", long = "session-lifetime", env = "SESSION_LIFETIME", default_value = "90d", value_parser = duration)]
    pub(crate) lifetime: Duration,

    /// How many bytes of memory the sessions take that this instance remembers between requests
    #[arg(
        id = "SESSION_CACHE_BYTES",
        long = "session-cache-bytes",
        env = "SESSION_CACHE_BYTES",
        default_value_t = 16 * 1024 * 1024
    )]
    cache_bytes: u64,

    /// For how long this instance remembers a session between requests
    #[arg(id = "SESSION_CACHE_AGE", long = "session-cache-age", env = "SESSION_CACHE_AGE", default_value = "10m", value_parser = duration)]
    cache_age: Duration,
}

impl SessionSettings {
    /// Returns the engine's settings, with the deadline for its store work.
    pub(crate) fn engine(&self, store_timeout: Duration) -> Settings {
        Settings::default()
            .idle_timeout(self.idle_timeout)
            .first_timeout(self.first_timeout)
            .lifetime(self.lifetime)
            .store_timeout(store_timeout)
            .cache_bytes(self.cache_bytes)
            .cache_age(self.cache_age)
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches as _};

    use super::*;

    #[test]
    fn every_flag_sets_what_the_engine_has_of_it() {
        let command = SessionSettings::augment_args(Command::new("server"));
        let flags = [
            "server",
            "--session-idle-timeout=1m",
            "--session-first-timeout=2s",
            "--session-lifetime=3h",
            "--session-cache-bytes=4000",
            "--session-cache-age=5s",
        ];
        let matches = command.try_get_matches_from(flags).expect("good flags");
        let settings = SessionSettings::from_arg_matches(&matches).expect("settings").engine(Duration::from_secs(6));
        let expected = Settings::default()
            .idle_timeout(Duration::from_secs(60))
            .first_timeout(Some(Duration::from_secs(2)))
            .lifetime(Duration::from_secs(3 * 60 * 60))
            .cache_bytes(4000)
            .cache_age(Duration::from_secs(5))
            .store_timeout(Duration::from_secs(6));
        assert_eq!(settings, expected);
    }
}
