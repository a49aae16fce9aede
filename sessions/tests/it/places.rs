//! The three stores, each of which can be opened again.

use std::{sync::Arc, time::Duration};

use exact_sessions::{
    Settings,
    store::{
        Store,
        firestore::{FirestoreConfig, FirestoreStore},
        memory::MemoryStore,
        sqlite::SqliteStore,
    },
};
use tempfile::TempDir;

use crate::emulator::emulated;

/// Settings with a deadline that no test runs into: an emulator that was just started, on a busy machine, needs longer for
/// its first calls than the default allows.
pub(crate) fn unhurried() -> Settings {
    Settings::default().store_timeout(Duration::from_secs(30))
}

/// Where sessions are kept, whatever opens it.
pub(crate) enum Place {
    Memory(Arc<MemoryStore>),
    Sqlite(TempDir),
    /// A project on the emulator.
    Firestore(String),
}

impl Place {
    /// All three; two where there is no emulator.
    pub(crate) fn all() -> Vec<Self> {
        let mut places = vec![Self::Memory(Arc::default()), Self::sqlite()];
        if emulated("(default)").is_some() {
            places.push(Self::firestore(format!("test-{:016x}", rand::random::<u64>())));
        }
        places
    }

    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn firestore(project: String) -> Self {
        Self::Firestore(project)
    }

    pub(crate) fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Sqlite(folder) => Arc::new(SqliteStore::open(folder.path().join("sessions.db")).expect("a store")),
            Self::Firestore(project) => Arc::new(FirestoreStore::new(FirestoreConfig {
                project: Some(project.clone()),
                ..FirestoreConfig::default()
            })),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Sqlite(_) => "SQLite",
            Self::Firestore(_) => "Firestore",
        }
    }
}
