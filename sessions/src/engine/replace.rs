//! A new id for a session: what a sign-in needs, also a repeated one, so that an id that somebody planted or learned
//! before is worth nothing after it (OWASP ASVS 5.0, 7.2.4).
//!
//! Two writes, done both or neither: one creates the record of the new id, the other closes that of the old one. A
//! request that comes with the old id finds it closed, and a write of the old record that is still on its way fails,
//! since its condition does. Each try takes another new id, so that no copy of an earlier try can come back.
//!
//! A client that never gets the new id, since its connection broke or its user clicked twice, has only the old one. So the
//! closed record names the new one, and a further sign-in of the same user goes on with that, unless it has been changed
//! since: then somebody has its id.

use std::{sync::Arc, time::SystemTime};

use super::{
    Budget, Change, Engine, Value,
    create::{Beginning, Created},
    lifetime::Lifetime,
    queue::Place,
    transaction::{End, Next, Plan, replacing, transact},
};
use crate::{
    Admission, Error, Record, Session, SessionData, SessionId, SessionKey,
    engine::batch::Job,
    metrics,
    record::{Meta, Replaced, Revision, Revisions, SignedIn, later},
    store::{Stored, Write},
};

/// Why a session gets a new id.
enum Purpose<'a, T> {
    SignIn {
        beginning: &'a Beginning,
        change: &'a mut dyn Change<T>,
        /// Whether it goes on with what a sign-in of the same user has made.
        is_repeated: bool,
    },
    Confirm,
    SignOut(&'a mut dyn SignOut<T>),
    Rotate,
}

/// What a guest keeps of a user's data, when the user signs out.
pub(crate) trait SignOut<T>: Send {
    fn keep(&mut self, data: T) -> T;
}

impl<T, F: FnOnce(T) -> T + Clone + Send> SignOut<T> for F {
    fn keep(&mut self, data: T) -> T {
        self.clone()(data)
    }
}

/// A session with a new id; or why the change refused.
pub(crate) enum Replacement<T> {
    Done {
        id: SessionId,
        session: Session<T>,
        value: Value,
    },
    Refused(Value),
    /// The session had been rotated before, and this is its key.
    Moved(SessionKey),
    /// Its id was replaced: see [`End::Closed`].
    Closed(Option<SessionKey>, Revisions),
    /// There's no such session; of a confirmation also: nobody is signed in.
    Gone,
}

/// A new id that was tried.
struct Candidate<T> {
    revision: Revision,
    id: SessionId,
    session: Session<T>,
    value: Value,
}

struct Replacing<'a, 'b, T> {
    engine: Arc<Engine<T>>,
    key: SessionKey,
    purpose: &'a mut Purpose<'b, T>,
    candidates: Vec<Candidate<T>>,
    refusal: Option<Value>,
}

impl<T: SessionData> Engine<T> {
    /// Gives the session a new id and binds it to a user; makes one if there's none.
    pub(crate) async fn sign_in(
        self: &Arc<Self>,
        key: Option<SessionKey>,
        beginning: Beginning,
        change: &mut dyn Change<T>,
        admission: &Admission,
        mut budget: Budget,
    ) -> Result<Created<T>, Error> {
        let (mut next, mut is_moved, mut is_repeated) = (key, false, false);
        while let Some(key) = next {
            let mut purpose = Purpose::SignIn { beginning: &beginning, change: &mut *change, is_repeated };
            next = match self.replace(key, &mut purpose, &mut budget).await? {
                Replacement::Done { id, session, value } => return Ok(Created::Done { id, session, value }),
                Replacement::Refused(refusal) => return Ok(Created::Refused(refusal)),
                // The id that the first sign-in has given was used, or its session has been ended.
                Replacement::Moved(_) | Replacement::Gone if is_repeated => return Err(Error::Superseded),
                // One write made the session, and one gave it a new id.
                Replacement::Closed(_, revisions) if is_repeated && revisions.len() != 2 => {
                    return Err(Error::Superseded);
                }
                Replacement::Closed(successor, _) => {
                    is_repeated = true;
                    Some(successor.ok_or(Error::Superseded)?)
                }
                // An id leads to its successor only.
                Replacement::Moved(_) if is_moved => None,
                Replacement::Moved(successor) => {
                    is_moved = true;
                    Some(successor)
                }
                Replacement::Gone => None,
            };
        }
        self.create(change, beginning, admission, &mut budget).await
    }

    /// Ends a user's session and begins a guest's with what is kept of it.
    pub(crate) async fn sign_out_keeping(
        self: &Arc<Self>,
        key: SessionKey,
        keep: &mut dyn SignOut<T>,
        mut budget: Budget,
    ) -> Result<Option<(SessionId, Session<T>)>, Error> {
        self.replace_here_or_next(key, Purpose::SignOut(keep), &mut budget).await
    }

    /// Notes that the user has just proved again who they are; `None` if nobody is signed in.
    pub(crate) async fn confirm(
        self: &Arc<Self>,
        key: SessionKey,
        mut budget: Budget,
    ) -> Result<Option<(SessionId, Session<T>)>, Error> {
        self.replace_here_or_next(key, Purpose::Confirm, &mut budget).await
    }

    /// Replaces the session of this key, or the one to which a rotation has moved it.
    async fn replace_here_or_next(
        self: &Arc<Self>,
        key: SessionKey,
        mut purpose: Purpose<'_, T>,
        budget: &mut Budget,
    ) -> Result<Option<(SessionId, Session<T>)>, Error> {
        let mut next = key;
        // An id leads to its successor only.
        for _ in 0..2 {
            match self.replace(next, &mut purpose, budget).await? {
                Replacement::Done { id, session, .. } => return Ok(Some((id, session))),
                Replacement::Moved(successor) => next = successor,
                Replacement::Closed(..) => return Err(Error::Superseded),
                Replacement::Gone | Replacement::Refused(_) => break,
            }
        }
        Ok(None)
    }

    /// Gives the session a new id, to which the old one leads for the time of the grace.
    pub(crate) async fn rotate(
        self: &Arc<Self>,
        key: SessionKey,
        budget: &mut Budget,
    ) -> Result<Replacement<T>, Error> {
        self.replace(key, &mut Purpose::Rotate, budget).await
    }

    async fn replace(
        self: &Arc<Self>,
        key: SessionKey,
        purpose: &mut Purpose<'_, T>,
        budget: &mut Budget,
    ) -> Result<Replacement<T>, Error> {
        let _place = self.turn(key, budget).await?;
        let (base, mut hit_rate) = self.guess_or_read(key, budget).await?;
        // From here on the record may be closed.
        self.cache.remove(&key);
        let mut plan = Replacing { engine: Arc::clone(self), key, purpose, candidates: Vec::new(), refusal: None };
        let end =
            transact(&self.store, key, &mut plan, budget, base, |right| hit_rate = hit_rate.guessed(right)).await?;
        Ok(match end {
            End::Applied { revision, created, .. } => {
                let Some(done) = plan.candidates.into_iter().find(|candidate| candidate.revision == revision) else {
                    return Ok(Replacement::Gone);
                };
                if let Some((key, stored)) = created {
                    self.cache.insert(key, stored, hit_rate, budget.latest());
                }
                Replacement::Done { id: done.id, session: done.session, value: done.value }
            }
            End::Kept(_) => plan.refusal.map_or(Replacement::Gone, Replacement::Refused),
            End::Moved(successor) => Replacement::Moved(successor),
            End::Closed(next, revisions) => Replacement::Closed(next, revisions),
            End::Gone | End::HandedOver(_) => {
                metrics::unknown_id();
                Replacement::Gone
            }
            End::Over => {
                metrics::expired();
                Replacement::Gone
            }
        })
    }

    /// Waits for the turn of this session, to have it alone; fails if it comes too late to begin with anything.
    pub(super) async fn turn(self: &Arc<Self>, key: SessionKey, budget: &Budget) -> Result<Place<Job<T>>, Error> {
        let place = match self.queues.try_enter(key) {
            Some(place) => place,
            None => {
                let turn = self.queues.join(key, None).turn(budget.deadline());
                turn.await.map(|(place, _)| place).map_err(|_late| Error::Busy)?
            }
        };
        budget.begin()?;
        Ok(place)
    }
}

impl<T: SessionData> Replacing<'_, '_, T> {
    /// The record of the new id, and the session in it; `None` if the change refuses.
    fn successor(&mut self, base: &Record, now: SystemTime) -> Result<Option<(Record, T, Value)>, Error> {
        if let Purpose::SignIn { beginning, is_repeated: true, .. } = &self.purpose
            && !(base.meta.revisions.len() == 1 && base.meta.user() == beginning.user())
        {
            return Err(Error::Superseded);
        }
        let engine = Arc::clone(&self.engine);
        let upgraded = engine.codec.upgrades.upgraded(&self.key, base)?;
        let before = upgraded.as_ref().unwrap_or(base);
        let decode = || Ok::<_, Error>(engine.codec.decode(&self.key, before)?.data);
        let nothing = || Box::new(()) as Value;
        Ok(match &mut *self.purpose {
            Purpose::Rotate => {
                let data = decode()?;
                let times = engine.lifetime.renewed(before, now);
                let (mut record, data) = engine.codec.encode(&data, before)?;
                times.set(&mut record);
                Some((record, data, nothing()))
            }
            Purpose::SignIn { beginning, change, .. } => {
                let of_another = before.meta.user().is_some_and(|before| Some(before) != beginning.user());
                // What one user left behind is not for the next one.
                let empty = Record::default();
                let (before, mut data) =
                    if of_another { (&empty, (engine.codec.new_data)()) } else { (before, decode()?) };
                let value = match change.run(&mut data) {
                    Ok(value) => value,
                    Err(refusal) => {
                        self.refusal = Some(refusal);
                        return Ok(None);
                    }
                };
                let (mut record, data) = engine.codec.encode(&data, before)?;
                record.meta.signed_in.clone_from(&beginning.signed_in);
                record.meta.terms = beginning.terms;
                engine.lifetime.begun(&record, now).set(&mut record);
                Some((record, data, value))
            }
            Purpose::Confirm => {
                let data = decode()?;
                let Some(signed_in) = before.meta.signed_in.clone() else { return Ok(None) };
                let times = engine.lifetime.renewed(before, now);
                let (mut record, data) = engine.codec.encode(&data, before)?;
                record.meta.signed_in = Some(SignedIn { at: now, ..signed_in });
                times.set(&mut record);
                Some((record, data, nothing()))
            }
            Purpose::SignOut(keep) => {
                let data = keep.keep(decode()?);
                let (record, data, _) = engine.begin(&data, Beginning::default())?;
                Some((record, data, nothing()))
            }
        })
    }
}

impl<T: SessionData> Plan for Replacing<'_, '_, T> {
    fn now(&self) -> SystemTime {
        self.engine.now()
    }

    fn is_over(&self, record: &Record, now: SystemTime) -> bool {
        self.engine.lifetime.is_over(record, now)
    }

    fn plan(&mut self, base: &Arc<Stored>, now: SystemTime, revision: Revision) -> Result<Next, Error> {
        let before = &base.record;
        let Some((mut record, data, value)) = self.successor(before, now)? else { return Ok(Next::Keep) };
        let id = Engine::<T>::new_id();
        let key = id.key();
        record.meta.revisions = Revisions::default();
        record.meta.revisions.push(revision);
        let times = Lifetime::times_of(&record, now);
        let session = self.engine.session(key, &record, times, now, data);
        self.candidates.push(Candidate { revision, id, session, value });

        let replaced = match &self.purpose {
            Purpose::Rotate => Replaced::By(key),
            Purpose::SignIn { .. } | Purpose::Confirm => Replaced::Closed { next: Some(key) },
            Purpose::SignOut(_) => Replaced::Closed { next: None },
        };
        let end = later(now, self.engine.settings.rotation_grace);
        let closed = Record {
            created_at: before.created_at,
            expires_at: Some(before.expires_at.map_or(end, |expires| expires.min(end))),
            damaged: before.damaged.clone(),
            meta: Meta { revisions: before.meta.revisions, replaced: Some(replaced), ..Meta::default() },
            ..Record::default()
        };
        Ok(Next::Both(Box::new(Write::create(key, record)), replacing(self.key, base, closed, revision)))
    }
}
