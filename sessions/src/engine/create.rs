//! New sessions.

use std::sync::Arc;

use uuid::Uuid;

use super::{Budget, Change, Engine, Value, cache::HitRate, lifetime::Times};
use crate::{
    Admission, Error, Record, Session, SessionData, SessionId,
    metrics::{self, LookupResult, Operation},
    record::{Meta, Revision, SignedIn, Terms},
    store::{StoreError, Stored, Write},
};

/// What a session begins with, beside its data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beginning {
    pub(crate) signed_in: Option<SignedIn>,
    pub(crate) terms: Terms,
}

impl Beginning {
    pub(crate) fn user(&self) -> Option<&str> {
        self.signed_in.as_ref().map(|signed_in| signed_in.user.as_str())
    }
}

/// A session that was made, or why its change refused.
pub(crate) enum Created<T> {
    Done { id: SessionId, session: Session<T>, value: Value },
    Refused(Value),
}

impl<T: SessionData> Engine<T> {
    /// Stores a new session, with the change made to new data, under a new id.
    pub(crate) async fn create(
        &self,
        change: &mut dyn Change<T>,
        beginning: Beginning,
        admission: &Admission,
        budget: &mut Budget,
    ) -> Result<Created<T>, Error> {
        if !admission.admits() {
            return Err(Error::NotAdmitted);
        }
        let mut data = (self.codec.new_data)();
        let value = match change.run(&mut data) {
            Ok(value) => value,
            Err(refusal) => return Ok(Created::Refused(refusal)),
        };
        let (record, data, times) = self.begin(&data, beginning)?;
        loop {
            let id = Self::new_id();
            let key = id.key();
            let write = Write::create(key, record.clone());
            let stored = match budget.call(Operation::Put, self.store.put(&write)).await {
                Ok(version) => Some(Stored { record: write.record, version }),
                // Another session has this id. It happens once in 2^122, or with a broken generator.
                Err(StoreError::Conflict) => None,
                Err(error @ StoreError::Unavailable(_)) => {
                    budget.in_doubt = true;
                    budget.pause(error).await?;
                    let stored = budget.read(|| self.store.get(&key)).await?;
                    budget.resolved(if stored.is_some() { LookupResult::Applied } else { LookupResult::NotApplied });
                    stored
                }
                Err(error) => {
                    budget.pause(error).await?;
                    None
                }
            };
            // The next try takes another id. To send this one again could make a session that was deleted
            // in between come back, since "must not exist" holds again after a delete.
            if let Some(stored) = stored {
                metrics::created();
                self.cache.insert(key, Arc::new(stored), HitRate::default(), budget.latest());
                return Ok(Created::Done { id, session: self.session(key, &record, times, self.now(), data), value });
            }
        }
    }

    /// The record of a session that begins now with this data, and the data as it is read from it.
    pub(super) fn begin(&self, data: &T, beginning: Beginning) -> Result<(Record, T, Times), Error> {
        let Beginning { signed_in, terms } = beginning;
        let meta = Meta { signed_in, terms, ..Meta::default() }.with_revision(Revision(rand::random()));
        let (mut record, data) = self.codec.encode(data, &Record { meta, ..Record::default() })?;
        let times = self.lifetime.begun(&record, self.now());
        times.set(&mut record);
        Ok((record, data, times))
    }

    pub(super) fn new_id() -> SessionId {
        SessionId::from_random_bytes(Uuid::new_v4().into_bytes())
    }
}
