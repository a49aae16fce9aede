//! Settings that are valid each, and don't fit together or don't fit the place where this runs.

use super::CheckResult;
use crate::config::{Config, StoreLocation};

/// The hosts that only this machine reaches.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

pub(super) fn check(config: &Config, location: &StoreLocation, on_google_cloud: bool) -> Vec<CheckResult> {
    let on_sqlite = matches!(location, StoreLocation::Sqlite(_));
    let emulated = matches!(location, StoreLocation::Firestore { emulator: Some(_), .. });
    let behind_proxy = config.https_only || on_google_cloud;
    let doubts = [
        (
            config.sessions.idle_timeout > config.sessions.lifetime,
            "SESSION_IDLE_TIMEOUT is longer than SESSION_LIFETIME, so it ends no session",
        ),
        (
            config.sessions.first_timeout.is_some_and(|first| first > config.sessions.idle_timeout),
            "SESSION_FIRST_TIMEOUT is longer than SESSION_IDLE_TIMEOUT, so it ends no session",
        ),
        (
            config.new_sessions_per_minute > 0 && config.trusted_proxies == 0 && behind_proxy,
            "NEW_SESSIONS_PER_MINUTE is set and TRUSTED_PROXIES is 0: behind a proxy all visitors share one address, \
             and so one limit",
        ),
        (
            on_google_cloud && on_sqlite,
            "SESSION_STORE is an SQLite file on Google Cloud: each instance has a disk of its own, and loses it",
        ),
        (on_google_cloud && emulated, "FIRESTORE_EMULATOR_HOST is set on Google Cloud: sessions end with the emulator"),
        (
            on_google_cloud && !config.https_only,
            "HTTPS_ONLY is false on Google Cloud, where every site is reached over HTTPS: cookies are not Secure",
        ),
        (
            on_google_cloud && LOOPBACK.contains(&config.host.as_str()),
            "HOST is this machine's own address on Google Cloud: no visitor reaches it",
        ),
    ];
    let doubts: Vec<_> = doubts
        .into_iter()
        .filter(|(doubted, _)| *doubted)
        .map(|(_, why)| CheckResult::warning("settings", why))
        .collect();
    if doubts.is_empty() { vec![CheckResult::ok("settings", "they can be read and fit together")] } else { doubts }
}

#[cfg(test)]
mod tests {
    use sessions::store::firestore::FirestoreConfig;

    use super::*;
    use crate::{
        cli::args::{Command, CommandLine},
        config::sqlite::SqliteLocation,
    };

    fn warnings(args: &[&str], location: &StoreLocation, on_google_cloud: bool) -> String {
        let Ok(Command::Serve(config)) = CommandLine::parse([&["server"], args].concat()) else { panic!("{args:?}") };
        let results = check(&config, location, on_google_cloud);
        results.into_iter().filter(|found| found.status != super::super::Status::Ok).map(|found| found.detail).collect()
    }

    #[test]
    fn what_does_not_fit_is_warned_of() {
        let sqlite = &StoreLocation::Sqlite(SqliteLocation::at("x.db"));
        let firestore = &StoreLocation::Firestore { config: FirestoreConfig::default(), emulator: None };
        let emulator = &StoreLocation::Firestore { config: FirestoreConfig::default(), emulator: Some("x".to_owned()) };
        let deployed = ["--https-only", "--host=0.0.0.0"];
        for (args, location, on_google_cloud, word) in [
            (&[][..], sqlite, false, ""),
            (&["--new-sessions-per-minute=5"], sqlite, false, ""),
            (&deployed, firestore, true, ""),
            (&["--session-idle-timeout=30d", "--session-lifetime=29d"], sqlite, false, "SESSION_IDLE_TIMEOUT"),
            (&["--session-first-timeout=15d"], sqlite, false, "SESSION_FIRST_TIMEOUT"),
            (&["--new-sessions-per-minute=5", "--https-only"], sqlite, false, "TRUSTED_PROXIES is 0"),
            // The limit of connections for each address needs it, too.
            (&["--trusted-proxies=2"], sqlite, false, ""),
            (&deployed, sqlite, true, "SQLite file on Google Cloud"),
            (&deployed, emulator, true, "FIRESTORE_EMULATOR_HOST"),
            (&["--host=0.0.0.0"], firestore, true, "HTTPS_ONLY is false"),
            (&["--https-only"], firestore, true, "HOST"),
        ] {
            let said = warnings(args, location, on_google_cloud);
            assert!(said.contains(word) && said.is_empty() == word.is_empty(), "{args:?}: {said:?}");
        }
    }
}
