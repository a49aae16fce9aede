//! Reading a session, and giving it more time for having been read.

use std::sync::Arc;

use super::{Budget, Engine, cache::HitRate, lifetime::Times, transaction::replacing};
use crate::{
    Error, Session, SessionData, SessionKey,
    metrics::{self, Operation},
    record::{Replaced, Revision},
    store::{Stored, Write},
};

/// What was read: the session, and the write that gives it more time, if that's due.
pub(crate) struct Read<T> {
    pub(crate) session: Session<T>,
    pub(crate) renewal: Option<Write>,
}

impl<T: SessionData> Engine<T> {
    pub(crate) async fn read(&self, key: SessionKey, mut budget: Budget) -> Result<Option<Read<T>>, Error> {
        let Some(stored) = self.find(key, &mut budget).await? else { return Ok(None) };
        let (key, stored) = match stored.record.meta.replaced {
            None => (key, stored),
            Some(Replaced::Closed { .. }) => return Err(Error::Superseded),
            Some(Replaced::By(successor)) => match self.find(successor, &mut budget).await? {
                Some(stored) => match stored.record.meta.replaced {
                    None => (successor, stored),
                    Some(Replaced::Closed { .. }) => return Err(Error::Superseded),
                    // An id leads to its successor only: one that is two rotations behind has been replaced.
                    Some(Replaced::By(_)) => return Ok(None),
                },
                None => return Ok(None),
            },
        };
        let upgraded = self.codec.upgrades.upgraded(&key, &stored.record)?;
        let record = upgraded.as_ref().unwrap_or(&stored.record);
        let data = self.codec.decode(&key, record)?.data;
        let now = self.now();
        let renewed = self.lifetime.renewed(&stored.record, now);
        let expires_at = stored.record.expires_at.unwrap_or(renewed.expires_at);
        let session = self.session(key, record, Times { expires_at, ..renewed }, now, data);
        let is_due = stored.record.expires_at != Some(renewed.expires_at);
        let renewal = is_due.then(|| renewal(key, &stored, renewed));
        // A change in the same request needs no further read.
        let seen = self.cache.get(&key, budget.latest());
        let hit_rate = seen.map_or_else(HitRate::default, |seen| {
            if seen.stored.version == stored.version { seen.hit_rate } else { seen.hit_rate.record(false) }
        });
        self.cache.insert(key, stored, hit_rate, budget.latest());
        Ok(Some(Read { session, renewal }))
    }

    /// Sends a renewal once; and whether it was done. If it fails, or others have written meanwhile, the session is as
    /// good as before, and the next use renews it.
    pub(crate) async fn renew(&self, write: Write, mut budget: Budget) -> bool {
        match budget.call(Operation::Put, self.store.put(&write)).await {
            Ok(version) => {
                let Write { key, record, .. } = write;
                let hit_rate =
                    self.cache.get(&key, budget.latest()).map_or_else(HitRate::default, |entry| entry.hit_rate);
                self.cache.insert(key, Arc::new(Stored { record, version }), hit_rate, budget.latest());
                true
            }
            Err(error) => {
                self.cache.remove(&write.key);
                tracing::debug!(key = %write.key, %error, "a session was not renewed; its next use will renew it");
                false
            }
        }
    }

    /// What is stored under the key and has not expired.
    pub(super) async fn find(&self, key: SessionKey, budget: &mut Budget) -> Result<Option<Arc<Stored>>, Error> {
        let Some(stored) = budget.read(|| self.store.get(&key)).await? else {
            metrics::unknown_id();
            return Ok(None);
        };
        if self.lifetime.is_over(&stored.record, self.now()) {
            metrics::expired();
            return Ok(None);
        }
        Ok(Some(Arc::new(stored)))
    }
}

/// The write that sets these times, and nothing else.
fn renewal(key: SessionKey, stored: &Arc<Stored>, times: Times) -> Write {
    let mut record = stored.record.clone();
    times.set(&mut record);
    *replacing(key, stored, record, Revision(rand::random()))
}
