//! Deleting one session.

use std::sync::Arc;

use super::{Budget, Engine};
use crate::{
    Error, Record, SessionData, SessionKey,
    metrics::{self, LookupResult, Operation},
    record::Replaced,
    store::{Store, StoreError, Stored},
};

impl<T: SessionData> Engine<T> {
    /// Ends the session of this key, and the one it was rotated to.
    pub(crate) async fn delete(self: &Arc<Self>, key: SessionKey, mut budget: Budget) -> Result<(), Error> {
        let _place = self.turn(key, &budget).await?;
        self.cache.remove(&key);
        // What a sign-in has closed is kept, to tell requests that were under way, and for a further sign-in.
        let is_open = |record: &Record| {
            !matches!(record.meta.replaced, Some(Replaced::Closed { .. })) || self.lifetime.is_over(record, self.now())
        };
        match delete(&self.store, &key, None, &is_open, true, &mut budget).await? {
            Deletion::Done => metrics::ended(),
            Deletion::Absent => {}
            Deletion::Spared => return Err(Error::Superseded),
        }
        Ok(())
    }
}

/// How a deletion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// It was deleted.
    Done,
    /// There was nothing.
    Absent,
    /// It's there, and must not be deleted.
    Spared,
}

/// Deletes what is stored under the key for as long as `should_delete` says so. `known` is what was read already. With
/// `follow`, first what it was rotated to; what must not be deleted there keeps this one, too.
///
/// The delete is conditional, so that a rotation on another instance can't carry the session away meanwhile. If others
/// have written in between, the record is looked at again.
pub(crate) async fn delete(
    store: &Arc<dyn Store>,
    key: &SessionKey,
    mut known: Option<Stored>,
    should_delete: &(dyn Fn(&Record) -> bool + Sync),
    follow: bool,
    budget: &mut Budget,
) -> Result<Deletion, Error> {
    // The version that a delete was sent for whose response was lost.
    let mut sent = None;
    loop {
        let stored = match known.take() {
            Some(stored) => stored,
            None => match budget.read(|| store.get(key)).await? {
                Some(stored) => stored,
                None => {
                    budget.resolved(LookupResult::Gone);
                    return Ok(if sent.is_some() { Deletion::Done } else { Deletion::Absent });
                }
            },
        };
        if sent.is_some_and(|sent| sent != stored.version) {
            // It has changed since: that delete can't happen any more.
            budget.resolved(LookupResult::NotApplied);
            sent = None;
        }
        if !should_delete(&stored.record) {
            return Ok(Deletion::Spared);
        }
        if let Some(Replaced::By(successor)) = stored.record.meta.replaced
            && follow
            && Box::pin(delete(store, &successor, None, should_delete, follow, budget)).await? == Deletion::Spared
        {
            return Ok(Deletion::Spared);
        }
        match budget.call(Operation::Delete, store.delete(key, stored.version)).await {
            Ok(()) => {
                budget.resolved(LookupResult::NotApplied);
                return Ok(Deletion::Done);
            }
            Err(StoreError::Conflict) => budget.conflict().await?,
            Err(error) => {
                if matches!(error, StoreError::Unavailable(_)) {
                    (sent, budget.in_doubt) = (Some(stored.version), true);
                }
                budget.pause(error).await?;
            }
        }
    }
}
