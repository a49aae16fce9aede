//! One change of one session, applied exactly once.
//!
//! The rule that makes it so: a change has one token, its revision, which every write of it carries. A
//! write whose answer was lost is looked up: if its revision is in the record, it counted. If the record
//! still has the version the write was based on, it has not been applied yet, and the *same* write is sent
//! again; whichever of the two copies arrives first makes the other one fail. If others have written since,
//! the record's list of revisions tells whether ours came before them, as long as the list reaches back to
//! the version we started from. If it no longer does, nobody can know, and the change is reported as
//! [`Outcome::Unknown`](crate::Outcome::Unknown) rather than as done.

use std::sync::Arc;

use super::{Attempts, Change, Engine, Session, SessionData, data::encode};
use crate::{
    Error, Record, SessionId, SessionKey,
    cache::{Entry, Trust},
    fate::{Fate, Sent},
    metrics::{self, Cached, Found, Operation},
    record::Revision,
    store::{Condition, StoreError, Stored},
};

/// What became of a change.
pub(super) enum Applied<T> {
    /// It was applied, and this is the session now.
    Done {
        session: Session<T>,
        /// Whether it was given more time.
        renewed: bool,
    },
    /// There's no such session, or none any more.
    Gone,
    /// The session was rotated and has this key now.
    Moved(SessionKey),
}

/// A write that may be sent any number of times, and is applied at most once.
struct Prepared<T> {
    record: Record,
    sent: Sent,
    session: Session<T>,
    renewed: bool,
}

impl<T: SessionData> Engine<T> {
    /// Applies a change to the session of this key.
    pub(super) async fn apply(
        &self,
        key: SessionKey,
        change: &mut Change<T>,
        attempts: &mut Attempts,
    ) -> Result<Applied<T>, Error> {
        let _place = attempts.wait(&self.queues, key).await?;
        let result = self.apply_in_turn(key, change, attempts).await;
        if !matches!(result, Ok(Applied::Done { .. })) {
            self.cache.remove(&key);
        }
        result
    }

    async fn apply_in_turn(
        &self,
        key: SessionKey,
        change: &mut Change<T>,
        attempts: &mut Attempts,
    ) -> Result<Applied<T>, Error> {
        let revision = Revision(rand::random());
        let (mut base, mut trust, mut guessed) = self.guess_or_read(key, attempts).await?;
        // The write whose answer was lost, if there's one.
        let mut in_doubt: Option<Prepared<T>> = None;
        loop {
            let Some(stored) = base else {
                // Deleted, perhaps after our write: a change of a session that is gone has no effect.
                attempts.resolved(Found::Gone);
                metrics::unknown_id();
                return Ok(Applied::Gone);
            };
            let prepared = match in_doubt.take().map(|prepared| (prepared.sent.fate(&stored), prepared)) {
                Some((Fate::Applied, prepared)) => {
                    attempts.resolved(Found::Applied);
                    self.cache.insert(key, Arc::unwrap_or_clone(stored), trust);
                    return Ok(Applied::Done { session: prepared.session, renewed: prepared.renewed });
                }
                Some((Fate::Unknown, _)) => {
                    return Err(attempts.unavailable("too many others wrote while the answer was missing".into()));
                }
                Some((Fate::Pending, prepared)) => prepared,
                Some((Fate::Lost, _)) | None => {
                    attempts.resolved(Found::NotApplied);
                    if self.lifetime.is_over(&stored.record, self.now()) {
                        metrics::expired();
                        return Ok(Applied::Gone);
                    }
                    if let Some(successor) = stored.record.successor {
                        return Ok(Applied::Moved(successor));
                    }
                    self.prepare(key, &stored, change, revision)?
                }
            };
            let write = self.store.put(&key, &prepared.record, Condition::Unchanged(prepared.sent.base()));
            match attempts.call(Operation::Put, write).await {
                Ok(version) => {
                    // If an earlier copy was in doubt, it had not been applied: this one was.
                    attempts.resolved(Found::NotApplied);
                    let stored = Stored { record: prepared.record, version };
                    if guessed {
                        metrics::cached(Cached::Hit);
                        trust = trust.after(true);
                    }
                    self.cache.insert(key, stored, trust);
                    return Ok(Applied::Done { session: prepared.session, renewed: prepared.renewed });
                }
                // Somebody else was here. If an earlier copy of this write is in doubt, it may have been that.
                Err(StoreError::Conflict) => {
                    if guessed {
                        metrics::cached(Cached::Stale);
                        (trust, guessed) = (trust.after(false), false);
                    }
                    in_doubt = attempts.in_doubt.then_some(prepared);
                    attempts.conflict().await?;
                }
                Err(error) => {
                    attempts.in_doubt |= matches!(error, StoreError::Unavailable(_));
                    in_doubt = attempts.in_doubt.then_some(prepared);
                    attempts.pause(error).await?;
                }
            }
            base = attempts.read(|| self.store.get(&key)).await?.map(Arc::new);
        }
    }

    /// What this instance saw last, if it's likely still true, else what is stored; and whether it's a guess.
    async fn guess_or_read(
        &self,
        key: SessionKey,
        attempts: &mut Attempts,
    ) -> Result<(Option<Arc<Stored>>, Trust, bool), Error> {
        let seen = self.cache.get(&key);
        if let Some(Entry { stored, trust }) = &seen
            && trust.pays()
            && stored.record.successor.is_none()
            && !self.lifetime.is_over(&stored.record, self.now())
        {
            return Ok((Some(Arc::clone(stored)), *trust, true));
        }
        metrics::cached(if seen.is_some() { Cached::Unused } else { Cached::Miss });
        let stored = attempts.read(|| self.store.get(&key)).await?;
        let trust = match (&seen, &stored) {
            (Some(seen), Some(stored)) => seen.trust.after(seen.stored.version == stored.version),
            _ => Trust::default(),
        };
        Ok((stored.map(Arc::new), trust, false))
    }

    fn prepare(
        &self,
        key: SessionKey,
        stored: &Stored,
        change: &mut Change<T>,
        revision: Revision,
    ) -> Result<Prepared<T>, Error> {
        let before = &stored.record;
        let mut data = self.decode(&key, before);
        change(&mut data);
        let (created_at, expires_at) = self.lifetime.renewed(before, self.now());
        if before.created_at.is_none() || before.expires_at.is_none() {
            tracing::warn!(%key, "a session's created_at or expires_at is missing or no time; it is set anew");
        }
        let mut revisions = before.revisions.clone();
        revisions.push(revision);
        let record = Record {
            data: encode(&data, &before.data)?,
            created_at: Some(created_at),
            expires_at: Some(expires_at),
            revisions,
            successor: None,
        };
        Ok(Prepared {
            record,
            sent: Sent::new(revision, stored),
            session: self.session(data, created_at, expires_at),
            renewed: before.expires_at != Some(expires_at),
        })
    }

    /// Stores a new session under a fresh id; `began` is when it began, if not now.
    pub(super) async fn create(
        &self,
        data: T,
        began: Option<Record>,
        attempts: &mut Attempts,
    ) -> Result<(SessionId, Session<T>), Error> {
        let revision = Revision(rand::random());
        let mut record = began.unwrap_or_default();
        let (created_at, expires_at) = self.lifetime.renewed(&record, self.now());
        record.data = encode(&data, &record.data)?;
        record.created_at = Some(created_at);
        record.expires_at = Some(expires_at);
        record.revisions.push(revision);
        loop {
            let id = Self::new_id();
            let key = id.key();
            let stored = match attempts.call(Operation::Put, self.store.put(&key, &record, Condition::Absent)).await {
                Ok(version) => Some(Stored { record: record.clone(), version }),
                // Somebody else's session has this id. It happens once in 2^122, or with a broken generator.
                Err(StoreError::Conflict) => None,
                Err(StoreError::Unavailable(cause)) => {
                    attempts.in_doubt = true;
                    attempts.pause(StoreError::Unavailable(cause)).await?;
                    let stored = attempts.read(|| self.store.get(&key)).await?;
                    attempts.resolved(if stored.is_some() { Found::Applied } else { Found::NotApplied });
                    stored
                }
                Err(error) => {
                    attempts.pause(error).await?;
                    None
                }
            };
            // The next try takes another id. To send this one again could make a session that was deleted
            // in between come back, since "must not exist" holds again after a delete.
            if let Some(stored) = stored {
                self.cache.insert(key, stored, Trust::default());
                return Ok((id, self.session(data, created_at, expires_at)));
            }
        }
    }
}
