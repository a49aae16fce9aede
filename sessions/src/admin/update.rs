//! Changing what the application keeps in a session.

use std::{sync::Arc, time::SystemTime};

use serde_json::{Map, Value};

use super::{Admin, State};
use crate::{
    DataError, DataProblem, Error, Record, SessionKey,
    data::check_fields,
    engine::{Base, End, Next, Plan, replacing, transact},
    record::Revision,
    store::{Cause, Stored, cause},
};

/// The application's fields after a change of those before it.
type Change<'a> = dyn FnMut(&mut Map<String, Value>) -> Result<(), Cause> + Send + 'a;

struct Updating<'a> {
    admin: &'a Admin,
    key: SessionKey,
    change: &'a mut Change<'a>,
    /// What the last run has left.
    record: Option<Record>,
}

impl Admin {
    /// Changes the application's fields of a session exactly once, or of the one it was rotated to, and returns the key
    /// and the record of the one that was changed; `None` if there's none, if it has expired, or if its id was closed. It
    /// takes effect at the session's next use, and is no activity itself: the session ends when it would have ended.
    ///
    /// `change` may run several times, and its last run counts. It may fail with a [`cause`]. The application has to be
    /// able to read what it leaves.
    ///
    /// # Errors
    /// See [`Error`]: [`Error::Data`] if `change` fails or leaves what can't be stored, [`Error::Unreadable`] if none of
    /// the fields can be read, [`Error::Newer`] if they are of a later version of the application. Unless it says
    /// [`Outcome::Unknown`](crate::Outcome::Unknown), nothing was changed.
    pub async fn update(
        &self,
        key: &SessionKey,
        mut change: impl FnMut(&mut Map<String, Value>) -> Result<(), Cause> + Send,
    ) -> Result<Option<(SessionKey, Record)>, Error> {
        let mut budget = self.budget();
        let mut next = *key;
        // An id leads to its successor only.
        for _ in 0..2 {
            let stored = budget.read(|| self.store.get(&next)).await?.map(std::sync::Arc::new);
            let base = Base { stored, is_guess: false };
            let mut plan = Updating { admin: self, key: next, change: &mut change, record: None };
            match transact(&self.store, next, &mut plan, &mut budget, base, |_| {}).await? {
                End::Applied { .. } | End::Kept(_) => return Ok(plan.record.map(|record| (next, record))),
                End::Moved(successor) => next = successor,
                End::Gone | End::Over | End::Closed(..) | End::HandedOver(_) => break,
            }
        }
        Ok(None)
    }
}

impl Plan for Updating<'_> {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn is_over(&self, record: &Record, now: SystemTime) -> bool {
        State::of(record, now) == State::Expired
    }

    fn plan(&mut self, base: &Arc<Stored>, _now: SystemTime, revision: Revision) -> Result<Next, Error> {
        // None of its fields is known, and a write would replace them all.
        if let Some(damaged) = base.record.damaged.get("") {
            let cause = cause(damaged.reason.as_str());
            return Err(Error::Unreadable { key: self.key, path: String::new(), cause });
        }
        let upgraded = match (self.admin.upgrade)(&self.key, &base.record) {
            // A step fails: the change may be what repairs the fields of the earlier version.
            Err(Error::Unreadable { .. }) => None,
            upgraded => upgraded?,
        };
        let before = upgraded.as_ref().unwrap_or(&base.record);
        let mut record = Record { obsolete: Vec::new(), ..before.clone() };
        (self.change)(&mut record.data).map_err(|cause| DataError::from(DataProblem::Custom(cause.to_string())))?;
        // How much a session may hold is the application's own setting.
        check_fields(&record.data, usize::MAX)?;
        record.damaged.retain(|name, _| !record.data.contains_key(name));
        if let Some(fields) = &mut record.meta.fields {
            // What was added is for the application to read.
            let added = record.data.keys().filter(|name| !before.data.contains_key(*name));
            let own: Vec<_> =
                fields.iter().filter(|name| record.data.contains_key(*name)).chain(added).cloned().collect();
            *fields = own;
        }
        let write = replacing(self.key, base, record, revision);
        self.record = Some(write.record.clone());
        Ok(Next::Write(write))
    }
}
