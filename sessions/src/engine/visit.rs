//! What is done with a session, step by step: visit, read, delete.

use std::time::SystemTime;

use uuid::Uuid;

use super::{
    Admission, Attempts, Change, Engine, Session, SessionData, Visit, change::Applied, lifetime::to_microseconds,
};
use crate::{Error, SessionId, SessionKey, metrics, removal::remove, store::Stored};

impl<T: SessionData> Engine<T> {
    pub(super) async fn visit(
        &self,
        id: Option<SessionId>,
        admission: &Admission,
        mut change: Change<T>,
        mut attempts: Attempts,
    ) -> Result<Visit<T>, Error> {
        if let Some(id) = id
            && let Some((session, renewed)) = self.follow(id.key(), &mut change, &mut attempts).await?
        {
            return Ok(Visit { session, new_id: None, renewed });
        }
        if !(admission.0)() {
            return Err(Error::NotAdmitted);
        }
        let mut data = (self.fresh)();
        change(&mut data);
        let (id, session) = self.create(data, None, &mut attempts).await?;
        metrics::created();
        Ok(Visit { session, new_id: Some(id), renewed: true })
    }

    /// Applies a change to the session of this key, or to the one it was rotated to; and whether the session
    /// of this very key was renewed.
    pub(super) async fn follow(
        &self,
        key: SessionKey,
        change: &mut Change<T>,
        attempts: &mut Attempts,
    ) -> Result<Option<(Session<T>, bool)>, Error> {
        match self.apply(key, change, attempts).await? {
            Applied::Done { session, renewed } => Ok(Some((session, renewed))),
            Applied::Gone => Ok(None),
            Applied::Moved(successor) => match self.apply(successor, change, attempts).await? {
                Applied::Done { session, .. } => Ok(Some((session, false))),
                // An id leads to its successor only: whoever is two rotations behind has been replaced.
                Applied::Gone | Applied::Moved(_) => Ok(None),
            },
        }
    }

    pub(super) async fn read(&self, key: SessionKey, mut attempts: Attempts) -> Result<Option<Session<T>>, Error> {
        let Some(stored) = self.find(key, &mut attempts).await? else { return Ok(None) };
        let stored = match stored.record.successor {
            None => stored,
            Some(successor) => match self.find(successor, &mut attempts).await? {
                Some(stored) if stored.record.successor.is_none() => stored,
                _ => return Ok(None),
            },
        };
        let now = self.now();
        let data = self.decode(&key, &stored.record);
        let (created_at, expires_at) = self.lifetime.renewed(&stored.record, now);
        let expires_at = stored.record.expires_at.unwrap_or(expires_at);
        Ok(Some(self.session(data, created_at, expires_at)))
    }

    /// What is stored under the key and has not expired.
    pub(super) async fn find(&self, key: SessionKey, attempts: &mut Attempts) -> Result<Option<Stored>, Error> {
        let stored = attempts.read(|| self.store.get(&key)).await?;
        Ok(stored.filter(|stored| !self.lifetime.is_over(&stored.record, self.now())))
    }

    pub(super) async fn delete(&self, key: SessionKey, mut attempts: Attempts) -> Result<(), Error> {
        let _place = attempts.wait(&self.queues, key).await?;
        self.cache.remove(&key);
        if remove(&self.store, &key, None, &|_any| true, true, &mut attempts).await? {
            metrics::ended();
        }
        Ok(())
    }

    pub(super) fn session(&self, data: T, created_at: SystemTime, expires_at: SystemTime) -> Session<T> {
        let ends_at = self.lifetime.last_end(created_at, expires_at);
        Session { data, created_at, expires_at, ends_at }
    }

    pub(super) fn now(&self) -> SystemTime {
        to_microseconds((self.clock)())
    }

    pub(super) fn new_id() -> SessionId {
        SessionId::from_random_bytes(Uuid::new_v4().into_bytes())
    }
}
