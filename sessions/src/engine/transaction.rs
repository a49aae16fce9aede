//! One change of one stored session, applied exactly once.
//!
//! The rule that makes it so: every write carries a token, its revision. A write whose response was lost is looked up:
//! if its revision is in the record, it counted. If the record still has the version the write was based on, it has not
//! been applied yet, and the *same* write is sent again; whichever of the two copies arrives first makes the other one
//! fail. If others have written since, the record's list of revisions tells whether ours came before them, as long as
//! the list reaches back to the version we started from. If it no longer does, the change is reported as
//! [`Outcome::Unknown`](crate::Outcome::Unknown) rather than as done.
//!
//! What is written is a [`Plan`]'s matter: changes of visitors, of an administrator, or a new id.

use std::{sync::Arc, time::SystemTime};

use tokio::time::Instant;

use super::{
    Budget,
    in_flight_write::{InFlightWrite, WriteOutcome},
};
use crate::{
    Error, Record, SessionKey,
    metrics::{LookupResult, Operation},
    record::{Replaced, Revision, Revisions},
    store::{Store, StoreError, Stored, Version, Write, cause},
};

/// What is to become of a record.
pub(crate) trait Plan: Send {
    /// The present time, read once for each decision.
    fn now(&self) -> SystemTime;

    /// Whether the session has ended.
    fn is_over(&self, record: &Record, now: SystemTime) -> bool;

    /// Plans the next write. It's called again each time that others turn out to have written; what it decided before
    /// has no effect then. An error ends the transaction, and nothing was changed.
    fn plan(&mut self, base: &Arc<Stored>, now: SystemTime, revision: Revision) -> Result<Next, Error>;

    /// What was planned may be given up again: it is known not to be applied.
    fn not_applied(&mut self) {}

    /// Until when to try, if that's later than the budget says.
    fn deadline(&self) -> Option<Instant> {
        None
    }
}

/// What is to be done next. Writes are in boxes, since a change keeps room for several of them while it waits.
pub(crate) enum Next {
    /// This write, which carries the revision.
    Write(Box<Write>),
    /// Two writes, both or neither. The first creates a record; the second replaces this one and carries the revision.
    Both(Box<Write>, Box<Write>),
    /// Nothing: the record is as it's wanted.
    Keep,
    /// The rest is done by a task of its own.
    HandOver,
}

/// How a transaction ended.
pub(crate) enum End {
    /// The write with this revision was applied; the records, as far as their versions are known.
    Applied { revision: Revision, stored: Arc<Stored>, created: Option<(SessionKey, Arc<Stored>)> },
    /// Nothing had to be written, and this was stored when the plan was made.
    Kept(Arc<Stored>),
    /// There's no such session, or none any more.
    Gone,
    /// The session has ended, and its record waits to be cleaned up.
    Over,
    /// The session was rotated and has this key now.
    Moved(SessionKey),
    /// The session has a new id, to which this one does not lead: see [`Replaced::Closed`]. With the revisions of the
    /// record, the last of which is that of the new id.
    Closed(Option<SessionKey>, Revisions),
    /// Nothing was written: the plan wants to be carried out by a task of its own.
    HandedOver(Base),
}

/// What a plan is made on.
pub(crate) struct Base {
    pub(crate) stored: Option<Arc<Stored>>,
    /// Whether it's a guess, which only a write or a read can confirm.
    pub(crate) is_guess: bool,
}

/// A write that was sent.
struct Attempt {
    writes: (Option<Box<Write>>, Box<Write>),
    sent: InFlightWrite,
}

/// The write that puts this record in the place of the base, with a revision more, and removes what isn't in it.
pub(crate) fn replacing(key: SessionKey, base: &Arc<Stored>, record: Record, revision: Revision) -> Box<Write> {
    let mut write = Box::new(Write::replace(key, record, base.version));
    complete(&mut write, base, revision);
    write
}

/// Adds to the write its revision, what it's based on, and the names of what it removes: all that the record before has
/// and the new one lacks.
pub(super) fn complete(write: &mut Write, base: &Arc<Stored>, revision: Revision) {
    let (before, Write { record, removed, .. }) = (&base.record, &mut *write);
    let names = before.data.keys().chain(before.damaged.keys()).chain(&before.obsolete);
    let is_left = |name: &&String| !record.data.contains_key(*name) && !record.damaged.contains_key(*name);
    *removed = names.filter(is_left).cloned().collect();
    record.obsolete.clear();
    record.meta.revisions.push(revision);
    write.before = Some(Arc::clone(base));
}

/// Carries out the plan for the record of this key, beginning on `base`. `on_guess` learns whether a guess was right.
pub(crate) async fn transact<P: Plan>(
    store: &Arc<dyn Store>,
    key: SessionKey,
    plan: &mut P,
    budget: &mut Budget,
    base: Base,
    mut on_guess: impl FnMut(bool) + Send,
) -> Result<End, Error> {
    let Base { stored: mut base, mut is_guess } = base;
    // What was sent without a response. All are based on the same state of the record, so one at most is applied.
    let mut in_doubt: Vec<Attempt> = Vec::new();
    loop {
        let Some(stored) = base else {
            // Deleted, perhaps after our write: a change of a session that is gone has no effect.
            budget.resolved(LookupResult::Gone);
            return Ok(End::Gone);
        };
        let now = plan.now();
        let (mut again, mut is_ended) = (None, false);
        let outcomes: Vec<_> = in_doubt.iter().map(|attempt| attempt.sent.outcome(&stored)).collect();
        if let Some(applied) = outcomes.iter().position(|outcome| *outcome == WriteOutcome::Applied) {
            budget.resolved(LookupResult::Applied);
            // What else it created has a version that is not known; the next use reads it.
            return Ok(End::Applied { revision: in_doubt[applied].sent.revision, stored, created: None });
        }
        match outcomes.first() {
            Some(WriteOutcome::Unknown) => {
                return Err(budget.unavailable(cause("too many others wrote while the response was missing")));
            }
            Some(WriteOutcome::Pending) => again = in_doubt.pop_if(|attempt| attempt.writes.0.is_none()),
            _ => {
                in_doubt.clear();
                budget.resolved(LookupResult::NotApplied);
                plan.not_applied();
                let end = end_of(&stored.record, plan.is_over(&stored.record, now));
                is_ended = end.is_some();
                if let Some(end) = end.filter(|_| !is_guess) {
                    return Ok(end);
                }
            }
        }
        let attempt = match again {
            Some(attempt) => attempt,
            None => {
                let revision = Revision(rand::random());
                // On a guess, an end is as good as a plan to write nothing: both are confirmed by a read.
                let next = if is_ended { Ok(Next::Keep) } else { plan.plan(&stored, now, revision) };
                let writes = match next {
                    Ok(Next::Write(write)) => (None, write),
                    Ok(Next::Both(first, second)) => (Some(first), second),
                    Ok(Next::HandOver) => return Ok(End::HandedOver(Base { stored: Some(stored), is_guess })),
                    // An earlier write of this may still be applied.
                    Ok(Next::Keep) | Err(_) if budget.in_doubt => {
                        return Err(budget.unavailable(cause("the response of a write is missing")));
                    }
                    Ok(Next::Keep) if !is_guess => return Ok(End::Kept(stored)),
                    Err(error) if !is_guess => return Err(error),
                    // What others have written meanwhile may change the plan. While that is read, nothing is sent.
                    Ok(Next::Keep) | Err(_) => {
                        plan.not_applied();
                        let read = read(store, key, budget).await?;
                        if let Some(read) = &read {
                            on_guess(read.version == stored.version);
                        }
                        (base, is_guess) = (read, false);
                        continue;
                    }
                };
                Attempt { writes, sent: InFlightWrite::new(revision, &stored) }
            }
        };
        if let Some(deadline) = plan.deadline() {
            budget.extend(deadline);
        }
        match send(store, &attempt.writes, budget).await {
            Ok((created, version)) => {
                // If an earlier copy was in doubt, it had not been applied: this one was.
                budget.resolved(LookupResult::NotApplied);
                if is_guess {
                    on_guess(true);
                }
                let Attempt { writes: (first, second), sent } = attempt;
                let stored = |write: Box<Write>, version| Arc::new(Stored { record: write.record, version });
                let created = first.zip(created).map(|(write, version)| (write.key, stored(write, version)));
                return Ok(End::Applied { revision: sent.revision, stored: stored(second, version), created });
            }
            // Others were here. If an earlier copy of this write is in doubt, it may have been that.
            Err(StoreError::Conflict) => {
                if is_guess {
                    on_guess(false);
                }
                if budget.in_doubt {
                    in_doubt.push(attempt);
                } else {
                    plan.not_applied();
                }
                budget.conflict().await?;
            }
            Err(error) => {
                budget.in_doubt |= matches!(error, StoreError::Unavailable(_));
                if budget.in_doubt {
                    in_doubt.push(attempt);
                } else {
                    plan.not_applied();
                }
                budget.pause(error).await?;
            }
        }
        // Another write for which there's no time to hear what became of it would be worse than none.
        if !budget.in_doubt {
            budget.begin()?;
        }
        (base, is_guess) = (read(store, key, budget).await?, false);
    }
}

/// What keeps the session of this record from being changed.
fn end_of(record: &Record, is_over: bool) -> Option<End> {
    match record.meta.replaced {
        _ if is_over => Some(End::Over),
        Some(Replaced::By(successor)) => Some(End::Moved(successor)),
        Some(Replaced::Closed { next }) => Some(End::Closed(next, record.meta.revisions)),
        None => None,
    }
}

async fn read(store: &Arc<dyn Store>, key: SessionKey, budget: &mut Budget) -> Result<Option<Arc<Stored>>, Error> {
    Ok(budget.read(|| store.get(&key)).await?.map(Arc::new))
}

/// The versions of what was created and of what was replaced.
async fn send(
    store: &Arc<dyn Store>,
    writes: &(Option<Box<Write>>, Box<Write>),
    budget: &mut Budget,
) -> Result<(Option<Version>, Version), StoreError> {
    match writes {
        (None, write) => {
            let version = budget.call(Operation::Put, store.put(write)).await?;
            Ok((None, version))
        }
        (Some(first), second) => {
            let [created, replaced] = budget.call(Operation::Put, store.put_both(first, second)).await?;
            Ok((Some(created), replaced))
        }
    }
}
