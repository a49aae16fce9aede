//! Where sessions are stored.

use std::{env, time::Duration};

use clap::Args;
use sessions::store::firestore::FirestoreConfig;

use super::{sqlite::SqliteLocation, values::duration};

/// Where sessions are stored, and how long to wait for them.
#[derive(Clone, Debug, Args)]
pub(crate) struct StoreSettings {
    /// Where sessions are stored: `firestore`, or `sqlite:PATH`. By default Firestore if
    /// `FIRESTORE_EMULATOR_HOST` or `GOOGLE_CLOUD_PROJECT` is set, else `sqlite:data/sessions.db`. With
    /// `sqlite:PATH?synchronous=full` a view that was answered survives a power cut, too
    #[arg(long, env = "SESSION_STORE", value_parser = parse)]
    session_store: Option<Kind>,

    /// Google Cloud project of the Firestore database; detected if it's not set
    #[arg(long, env = "GOOGLE_CLOUD_PROJECT", value_parser = resource_id)]
    google_cloud_project: Option<String>,

    /// Firestore database
    #[arg(long, env = "FIRESTORE_DATABASE", default_value = "(default)", value_parser = database)]
    firestore_database: String,

    /// Firestore collection
    #[arg(long, env = "SESSION_COLLECTION", default_value = "sessions", value_parser = path_segment)]
    session_collection: String,

    /// How many HTTP/2 connections to Firestore: each carries about 100 requests at once
    #[arg(id = "FIRESTORE_CHANNELS", long = "firestore-channels", env = "FIRESTORE_CHANNELS", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    firestore_channels: u16,

    /// Deadline for all store work of one request, retries included; of a command, for each session or page
    #[arg(id = "STORE_TIMEOUT", long = "store-timeout", env = "STORE_TIMEOUT", default_value = "2s", value_parser = duration)]
    pub(crate) timeout: Duration,
}

impl StoreSettings {
    /// The Google Cloud project, if it's set.
    pub(crate) fn project(&self) -> Option<&str> {
        self.google_cloud_project.as_deref().filter(|project| !project.is_empty())
    }

    /// Where sessions are stored.
    pub(crate) fn location(&self) -> StoreLocation {
        let emulator = env::var("FIRESTORE_EMULATOR_HOST").ok();
        let firestore = FirestoreConfig {
            project: self.project().map(str::to_owned),
            database: self.firestore_database.clone(),
            collection: self.session_collection.clone(),
            channels: self.firestore_channels.into(),
        };
        choose(self.session_store.as_ref(), firestore, emulator.as_deref())
    }
}

/// The value of `SESSION_STORE`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Firestore,
    Sqlite(SqliteLocation),
}

/// A store and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreLocation {
    /// Firestore, or its emulator.
    Firestore {
        /// What to connect to.
        config: FirestoreConfig,
        /// The address of the emulator, if it's that.
        emulator: Option<String>,
    },
    /// An SQLite file.
    Sqlite(SqliteLocation),
}

/// The project on an emulator if none is set. `demo-` is what Firebase's tools call projects
/// that exist in an emulator only.
const EMULATED_PROJECT: &str = "demo-sessions";

/// Relative to the working directory.
const DEFAULT_FILE: &str = "data/sessions.db";

fn parse(text: &str) -> Result<Kind, String> {
    match text.split_once(':') {
        None if text == "firestore" => Ok(Kind::Firestore),
        Some(("sqlite", file)) => SqliteLocation::parse(file, env::var_os("HOME").as_deref()).map(Kind::Sqlite),
        _ => Err("it is neither firestore nor sqlite:PATH".to_owned()),
    }
}

/// The id of a project or a database: `my-project`, `example.com:my-project`, `(default)`
/// (<https://cloud.google.com/resource-manager/docs/creating-managing-projects>). Google's own rules are stricter; this
/// only ensures that the name can be sent.
fn resource_id(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:()".contains(c);
    match text.chars().find(|&c| !plain(c)) {
        Some(bad) => Err(format!("it must not contain {bad:?}")),
        None => Ok(text.to_owned()),
    }
}

/// The name of a database.
fn database(text: &str) -> Result<String, String> {
    path_segment(text).and_then(|name| resource_id(&name))
}

/// A name that becomes one segment of a resource's path.
fn path_segment(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it is empty".to_owned()),
        "." | ".." => Err("it is not a name".to_owned()),
        _ if text.starts_with("__") && text.ends_with("__") => Err("Firestore keeps such names for itself".to_owned()),
        _ if text.contains('/') || text.chars().any(char::is_control) => Err("it must not contain a slash".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

fn choose(kind: Option<&Kind>, firestore: FirestoreConfig, emulator: Option<&str>) -> StoreLocation {
    let emulator = emulator.filter(|address| !address.is_empty());
    let by_default = if emulator.is_some() || firestore.project.is_some() {
        Kind::Firestore
    } else {
        Kind::Sqlite(SqliteLocation::at(DEFAULT_FILE))
    };
    match kind.unwrap_or(&by_default) {
        Kind::Sqlite(file) => StoreLocation::Sqlite(file.clone()),
        Kind::Firestore => {
            let emulated = || emulator.map(|_address| EMULATED_PROJECT.to_owned());
            let project = firestore.project.clone().or_else(emulated);
            let config = FirestoreConfig { project, ..firestore };
            StoreLocation::Firestore { config, emulator: emulator.map(str::to_owned) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_follows_from_what_is_set() {
        let choose = |kind: Option<&str>, project: Option<&str>, emulator| {
            let kind = kind.map(|kind| parse(kind).expect("a kind"));
            let firestore = FirestoreConfig { project: project.map(str::to_owned), ..FirestoreConfig::default() };
            match choose(kind.as_ref(), firestore, emulator) {
                StoreLocation::Sqlite(file) => format!("sqlite:{}", file.path.display()),
                StoreLocation::Firestore { config, emulator } => {
                    format!("{} {}", config.project.unwrap_or_default(), emulator.unwrap_or_default())
                }
            }
        };
        let (project, emulator) = (Some("p"), Some("127.0.0.1:1"));
        assert_eq!(choose(None, None, None), "sqlite:data/sessions.db");
        assert_eq!(choose(None, None, Some("")), "sqlite:data/sessions.db");
        assert_eq!(choose(None, project, None), "p ");
        assert_eq!(choose(None, None, emulator), "demo-sessions 127.0.0.1:1");
        assert_eq!(choose(None, project, emulator), "p 127.0.0.1:1");
        assert_eq!(choose(Some("firestore"), None, None), " ");
        assert_eq!(choose(Some("sqlite:x.db"), project, emulator), "sqlite:x.db");
        assert_eq!(choose(Some("sqlite:C:/x.db"), None, None), "sqlite:C:/x.db");
    }
}
