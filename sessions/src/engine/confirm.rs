//! A signed-in user who proves again who they are.

use std::sync::Arc;

use super::{Budget, End, Engine, Next, Plan, replacing, transact};
use crate::{Error, Record, Session, SessionData, SessionKey, record::Revision, store::Stored};

struct Confirming<'a, T> {
    engine: &'a Engine<T>,
    key: SessionKey,
    session: Option<Session<T>>,
}

impl<T: SessionData> Engine<T> {
    /// Notes that the user has just proved who they are; `None` if there's no such session.
    pub(crate) async fn confirm(
        self: &Arc<Self>,
        key: SessionKey,
        mut budget: Budget,
    ) -> Result<Option<Session<T>>, Error> {
        let mut next = key;
        // An id leads to its successor only.
        for _ in 0..2 {
            let _place = self.turn(next, &budget).await?;
            self.cache.remove(&next);
            let base = self.read_base(next, &mut budget).await?;
            let mut plan = Confirming { engine: &**self, key: next, session: None };
            match transact(&self.store, next, &mut plan, &mut budget, base, |_| {}).await? {
                End::Applied { .. } | End::Kept(_) => return Ok(plan.session),
                End::Moved(successor) => next = successor,
                End::Closed => return Err(Error::Superseded),
                End::Gone | End::Over | End::HandedOver(_) => break,
            }
        }
        Ok(None)
    }
}

impl<T: SessionData> Plan for Confirming<'_, T> {
    fn is_over(&self, record: &Record) -> bool {
        self.engine.lifetime.is_over(record, self.engine.now())
    }

    fn plan(&mut self, base: &Stored, revision: Revision) -> Result<Next, Error> {
        let engine = self.engine;
        let now = engine.now();
        let upgraded = engine.codec.upgrades.upgraded(&self.key, &base.record)?;
        let mut record = upgraded.unwrap_or_else(|| base.record.clone());
        let data = engine.codec.decode(&self.key, &record)?.data;
        let times = engine.lifetime.renewed(&record, now);
        times.set(&mut record);
        if let Some(signed_in) = &mut record.meta.signed_in {
            signed_in.at = now;
        }
        let is_user = record.meta.signed_in.is_some();
        self.session = Some(engine.session(self.key, &record, times, data));
        Ok(if is_user { Next::Write(replacing(self.key, base, record, revision)) } else { Next::Keep })
    }
}
