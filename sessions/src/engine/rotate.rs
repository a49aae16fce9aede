//! A new id for a session: what an app does when a visitor signs in (OWASP: renew the id after any
//! change of privilege), so that an id somebody may have learned before is worth nothing after.

use super::{Attempts, Change, Engine, SessionData, Visit, change::Applied};
use crate::{
    Error, Record, SessionKey,
    metrics::{Found, Operation},
    record::Revision,
    removal::remove,
    store::{Condition, StoreError, Stored},
};

impl<T: SessionData> Engine<T> {
    pub(super) async fn rotate(&self, key: SessionKey, mut attempts: Attempts) -> Result<Option<Visit<T>>, Error> {
        let _place = attempts.wait(&self.queues, key).await?;
        self.cache.remove(&key);
        loop {
            let Some(old) = self.find(key, &mut attempts).await? else { return Ok(None) };
            if let Some(successor) = old.record.successor {
                return self.already_rotated(successor, &mut attempts).await;
            }
            // First the new record, which nobody can reach yet; then the old one points to it.
            let data = self.decode(&key, &old.record);
            let copy = Record { successor: None, ..old.record.clone() };
            let (id, session) = self.create(data, Some(copy), &mut attempts).await?;
            match self.forward(key, &old, id.key(), &mut attempts).await {
                Ok(true) => return Ok(Some(Visit { session, new_id: Some(id), renewed: true })),
                // The session was changed meanwhile: take the copy back and begin again.
                Ok(false) => {
                    self.cache.remove(&id.key());
                    remove(&self.store, &id.key(), None, &|_any| true, false, &mut attempts).await?;
                }
                Err(error) => {
                    // The copy is unreachable unless the old record points to it all the same; it expires.
                    self.cache.remove(&id.key());
                    return Err(error);
                }
            }
        }
    }

    /// Makes the old record point to the new one, for the time of the grace. `false` if the old one has
    /// changed since it was read.
    async fn forward(
        &self,
        key: SessionKey,
        old: &Stored,
        new: SessionKey,
        attempts: &mut Attempts,
    ) -> Result<bool, Error> {
        let mut revisions = old.record.revisions.clone();
        revisions.push(Revision(rand::random()));
        let end = self.now() + self.settings.rotation_grace;
        let record = Record {
            // The data has moved; what stays behind would be a copy that nobody looks after.
            data: old.record.data.keys().map(|name| (name.clone(), serde_json::Value::Null)).collect(),
            created_at: old.record.created_at,
            expires_at: Some(old.record.expires_at.map_or(end, |expires| expires.min(end))),
            revisions,
            successor: Some(new),
        };
        loop {
            match attempts.call(Operation::Put, self.store.put(&key, &record, Condition::Unchanged(old.version))).await
            {
                Ok(_version) => {
                    attempts.resolved(Found::NotApplied);
                    return Ok(true);
                }
                Err(StoreError::Conflict) if !attempts.in_doubt => return Ok(false),
                Err(StoreError::Conflict) => {}
                Err(error) => {
                    attempts.in_doubt |= matches!(error, StoreError::Unavailable(_));
                    attempts.pause(error).await?;
                    continue;
                }
            }
            // An earlier copy of this write may have been applied: only it points to this new record.
            let now = attempts.read(|| self.store.get(&key)).await?;
            let applied = now.is_some_and(|now| now.record.successor == Some(new));
            attempts.resolved(if applied { Found::Applied } else { Found::NotApplied });
            return Ok(applied);
        }
    }

    /// The session as it is, for a request that came with the old id within the grace.
    async fn already_rotated(&self, successor: SessionKey, attempts: &mut Attempts) -> Result<Option<Visit<T>>, Error> {
        let mut nothing: Change<T> = Box::new(|_| {});
        Ok(match self.apply(successor, &mut nothing, attempts).await? {
            Applied::Done { session, .. } => Some(Visit { session, new_id: None, renewed: false }),
            Applied::Gone | Applied::Moved(_) => None,
        })
    }
}
