//! Changing what the application keeps in a session.

use std::time::SystemTime;

use serde_json::{Map, Value};

use super::{Admin, State};
use crate::{
    Error, Record, SessionKey,
    engine::attempts::Attempts,
    fate::{Fate, Sent},
    metrics::{Found, Operation},
    record::{RESERVED_FIELDS, Revision},
    store::{Cause, Condition, StoreError, Stored},
};

/// The application's fields after a change of those before it.
type Change<'a> = dyn FnMut(&Record) -> Result<Map<String, Value>, Error> + Send + 'a;

/// What became of a change.
enum Applied {
    /// It was applied, and this is what it wrote.
    Done(Record),
    /// There's no such session.
    Gone,
    /// The session was rotated and has this key now.
    Moved(SessionKey),
}

impl Admin {
    /// Changes the application's fields of a session exactly once, or of the one it was rotated to; `None` if
    /// there's none, or if it has expired. It takes effect at the visitor's next view, and is no view itself: the
    /// session ends when it would have ended.
    ///
    /// `change` may run several times, and its last run counts. The application has to be able to read what it
    /// leaves; what it can't read it replaces.
    ///
    /// # Errors
    /// See [`Error`]: [`Error::Data`] if `change` fails or uses a reserved name. Unless it says
    /// [`Outcome::Unknown`](crate::Outcome::Unknown), nothing was changed.
    pub async fn update(
        &self,
        key: &SessionKey,
        mut change: impl FnMut(&mut Map<String, Value>) -> Result<(), Cause> + Send,
    ) -> Result<Option<Record>, Error> {
        let mut attempts = self.attempts();
        let mut change = |before: &Record| {
            let mut data = before.data.clone();
            change(&mut data).map_err(Error::Data)?;
            if let Some(name) = RESERVED_FIELDS.into_iter().find(|name| data.contains_key(*name)) {
                return Err(Error::Data(format!("the field name {name:?} is reserved").into()));
            }
            // A store keeps what isn't there; this is how a field is dropped.
            for name in before.data.keys().filter(|name| !data.contains_key(*name)).cloned().collect::<Vec<_>>() {
                data.insert(name, Value::Null);
            }
            Ok(data)
        };
        match self.apply(key, &mut change, &mut attempts).await? {
            Applied::Done(record) => Ok(Some(record)),
            Applied::Gone => Ok(None),
            Applied::Moved(successor) => match self.apply(&successor, &mut change, &mut attempts).await? {
                Applied::Done(record) => Ok(Some(record)),
                // An id leads to its successor only.
                Applied::Gone | Applied::Moved(_) => Ok(None),
            },
        }
    }

    async fn apply(
        &self,
        key: &SessionKey,
        change: &mut Change<'_>,
        attempts: &mut Attempts,
    ) -> Result<Applied, Error> {
        let revision = Revision(rand::random());
        // The write whose answer was lost, if there's one.
        let mut in_doubt: Option<(Sent, Record)> = None;
        while let Some(stored) = attempts.read(|| self.store.get(key)).await? {
            match in_doubt.take().map(|(sent, record)| (sent.fate(&stored), record)) {
                // The record as it was written: whoever was here since may have rotated it.
                Some((Fate::Applied, record)) => {
                    attempts.resolved(Found::Applied);
                    return Ok(Applied::Done(record));
                }
                Some((Fate::Unknown, _)) => {
                    return Err(attempts.unavailable("too many others wrote while the answer was missing".into()));
                }
                // The same token on the same record makes the same write: whichever arrives first is it.
                Some((Fate::Pending, _)) => {}
                Some((Fate::Lost, _)) | None => attempts.resolved(Found::NotApplied),
            }
            match (State::of(&stored.record, SystemTime::now()), stored.record.successor) {
                (State::Expired, _) => return Ok(Applied::Gone),
                (_, Some(successor)) => return Ok(Applied::Moved(successor)),
                (State::Live | State::Rotated, None) => {}
            }
            let sent = Sent::new(revision, &stored);
            let Stored { record: before, .. } = stored;
            let data = change(&before)?;
            let mut record = Record { data, ..before };
            record.revisions.push(revision);
            match attempts.call(Operation::Put, self.store.put(key, &record, Condition::Unchanged(sent.base()))).await {
                Ok(_version) => {
                    attempts.resolved(Found::NotApplied);
                    return Ok(Applied::Done(record));
                }
                Err(StoreError::Conflict) => {
                    in_doubt = attempts.in_doubt.then_some((sent, record));
                    attempts.conflict().await?;
                }
                Err(error) => {
                    attempts.in_doubt |= matches!(error, StoreError::Unavailable(_));
                    in_doubt = attempts.in_doubt.then_some((sent, record));
                    attempts.pause(error).await?;
                }
            }
        }
        // A change of a session that is gone has no effect.
        attempts.resolved(Found::Gone);
        Ok(Applied::Gone)
    }
}
