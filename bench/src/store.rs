//! Where a server under measurement keeps its sessions.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// A store, and the settings that name it to a server.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A Firestore emulator, in a project of its own.
    Emulator {
        /// Its address, or a proxy's before it.
        host: String,
        /// Documents of one project are not seen in another.
        project: String,
    },
}

impl Store {
    /// A project of its own on the emulator.
    pub(crate) fn emulator(host: &str, project: &str) -> Self {
        Self::Emulator { host: host.to_owned(), project: format!("bench-{project}-{}", std::process::id()) }
    }

    /// The same at another address.
    pub(crate) fn through(&self, address: &str) -> Self {
        match self {
            Self::Sqlite(_) => self.clone(),
            Self::Emulator { project, .. } => Self::Emulator { host: address.to_owned(), project: project.clone() },
        }
    }

    /// The file of SQLite.
    pub(crate) fn file(&self) -> anyhow::Result<&Path> {
        let Self::Sqlite(path) = self else { bail!("SQLite is a file") };
        Ok(path)
    }

    /// The environment of a process that is to use it.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sqlite(path) => vec![("SESSION_STORE", format!("sqlite:{}", path.display()))],
            Self::Emulator { host, project } => vec![
                ("SESSION_STORE", "firestore".to_owned()),
                ("FIRESTORE_EMULATOR_HOST", host.clone()),
                ("GOOGLE_CLOUD_PROJECT", project.clone()),
            ],
        }
    }
}
