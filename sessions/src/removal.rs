//! Removing one session.

use std::sync::Arc;

use crate::{
    Error, Record, SessionKey,
    engine::attempts::Attempts,
    metrics::{Found, Operation},
    store::{Store, StoreError, Stored},
};

/// Deletes what is stored under the key for as long as it's `doomed`, and answers whether it did. `known` is what was
/// read already. `follow`: first what it was rotated to.
///
/// The delete is conditional, so that a rotation on another instance can't carry the session away meanwhile, and
/// whoever was here in between is looked at again.
pub(crate) async fn remove(
    store: &Arc<dyn Store>,
    key: &SessionKey,
    mut known: Option<Stored>,
    doomed: &(dyn Fn(&Record) -> bool + Sync),
    follow: bool,
    attempts: &mut Attempts,
) -> Result<bool, Error> {
    // The version that a delete was sent for whose answer was lost.
    let mut sent = None;
    loop {
        let stored = match known.take() {
            Some(stored) => stored,
            None => match attempts.read(|| store.get(key)).await? {
                Some(stored) => stored,
                None => {
                    attempts.resolved(Found::Gone);
                    return Ok(sent.is_some());
                }
            },
        };
        if sent.is_some_and(|sent| sent != stored.version) {
            // It has changed since: that delete can't happen any more.
            attempts.resolved(Found::NotApplied);
            sent = None;
        }
        if !doomed(&stored.record) {
            return Ok(false);
        }
        if let Some(successor) = stored.record.successor.filter(|_| follow) {
            Box::pin(remove(store, &successor, None, doomed, false, attempts)).await?;
        }
        match attempts.call(Operation::Delete, store.delete(key, stored.version)).await {
            Ok(()) => {
                attempts.resolved(Found::NotApplied);
                return Ok(true);
            }
            Err(StoreError::Conflict) => attempts.conflict().await?,
            Err(error) => {
                if matches!(error, StoreError::Unavailable(_)) {
                    (sent, attempts.in_doubt) = (Some(stored.version), true);
                }
                attempts.pause(error).await?;
            }
        }
    }
}
