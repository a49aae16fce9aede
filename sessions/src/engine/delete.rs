//! Deleting one session.

use std::sync::Arc;

use super::{Budget, Engine};
use crate::{
    Error, Record, SessionData, SessionKey,
    metrics::{self, Found, Operation},
    record::Replaced,
    store::{Store, StoreError, Stored},
};

impl<T: SessionData> Engine<T> {
    /// Ends the session of this key, and the one it was rotated to.
    pub(crate) async fn delete(self: &Arc<Self>, key: SessionKey, mut budget: Budget) -> Result<(), Error> {
        let _place = self.turn(key, &budget).await?;
        self.cache.remove(&key);
        let stored = budget.read(|| self.store.get(&key)).await?;
        if let Some(Stored { record, .. }) = &stored
            && record.meta.replaced == Some(Replaced::Closed)
            && !self.lifetime.is_over(record, self.now())
        {
            return Err(Error::Superseded);
        }
        if stored.is_some() && delete(&self.store, &key, stored, &is_open, true, &mut budget).await? {
            metrics::ended();
        }
        Ok(())
    }
}

/// Whether the record is of a session, or leads to one.
fn is_open(record: &Record) -> bool {
    record.meta.replaced != Some(Replaced::Closed)
}

/// Deletes what is stored under the key for as long as `should_delete` says so, and returns whether it did. `known` is
/// what was read already. With `follow`, first what it was rotated to.
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
) -> Result<bool, Error> {
    // The version that a delete was sent for whose response was lost.
    let mut sent = None;
    loop {
        let stored = match known.take() {
            Some(stored) => stored,
            None => match budget.read(|| store.get(key)).await? {
                Some(stored) => stored,
                None => {
                    budget.resolved(Found::Gone);
                    return Ok(sent.is_some());
                }
            },
        };
        if sent.is_some_and(|sent| sent != stored.version) {
            // It has changed since: that delete can't happen any more.
            budget.resolved(Found::NotApplied);
            sent = None;
        }
        if !should_delete(&stored.record) {
            return Ok(false);
        }
        if let Some(Replaced::By(successor)) = stored.record.meta.replaced
            && follow
        {
            Box::pin(delete(store, &successor, None, should_delete, false, budget)).await?;
        }
        match budget.call(Operation::Delete, store.delete(key, stored.version)).await {
            Ok(()) => {
                budget.resolved(Found::NotApplied);
                return Ok(true);
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
