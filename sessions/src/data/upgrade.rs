//! Data of an earlier version of the application.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{Error, Record, SessionKey, store::Cause};

/// A step from one version of the data to the next.
type Step = Box<dyn Fn(&mut Map<String, Value>) -> Result<(), Cause> + Send + Sync>;

/// The version of an application's data and the steps that lead to it.
#[derive(Default)]
pub(crate) struct Upgrades {
    /// 0 if the application doesn't say.
    version: u32,
    /// By the version they start from.
    steps: BTreeMap<u32, Step>,
}

impl Upgrades {
    pub(crate) fn set_version(&mut self, version: u32) {
        self.version = version;
    }

    pub(crate) fn add(
        &mut self,
        from: u32,
        step: impl Fn(&mut Map<String, Value>) -> Result<(), Cause> + Send + Sync + 'static,
    ) {
        self.steps.insert(from, Box::new(step));
    }

    /// The version of what the application writes.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// The versions from which a step is missing, or for which there's one too many.
    pub(crate) fn wrong_steps(&self) -> Vec<u32> {
        let needed: Vec<u32> = (1..self.version).collect();
        let has = |version: &u32| self.steps.contains_key(version);
        let missing = needed.iter().copied().filter(|version| !has(version));
        missing.chain(self.steps.keys().copied().filter(|version| !needed.contains(version))).collect()
    }

    /// The record as this application's version has it, if it's of an earlier one. Data without a version is of the
    /// first one.
    pub(crate) fn upgraded(&self, key: &SessionKey, record: &Record) -> Result<Option<Record>, Error> {
        let stored = record.meta.data_version.max(1);
        let supported = self.version.max(1);
        if stored > supported {
            return Err(Error::Newer { key: *key, stored, supported });
        }
        if stored == supported {
            return Ok(None);
        }
        let mut upgraded = record.clone();
        for version in stored..supported {
            let Some(step) = self.steps.get(&version) else { continue };
            step(&mut upgraded.data).map_err(|cause| {
                // The cause is not logged: it may quote a value, which is the visitor's.
                tracing::error!(%key, "a session's data can't be taken from version {version} to the next");
                Error::Unreadable { key: *key, path: String::new(), cause }
            })?;
        }
        if let Some(fields) = &mut upgraded.meta.fields {
            // What a step has added is the application's, too.
            let is_own = |name: &&String| fields.contains(name) || !record.data.contains_key(*name);
            *fields = upgraded.data.keys().filter(is_own).cloned().collect();
        }
        upgraded.meta.data_version = self.version;
        Ok(Some(upgraded))
    }
}
