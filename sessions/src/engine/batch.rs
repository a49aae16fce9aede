//! All changes of one session that wait at the same time, done by one write.
//!
//! The request that has the session's turn applies them in their order on one base, each on what the one before has left, and
//! writes once. Each caller gets the session as it was after its own change. A change that panics or refuses, or whose
//! data can't be stored, is left out, and touches no other.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::SystemTime,
};

use futures::FutureExt as _;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tracing::Instrument as _;

use super::{
    Budget, Change, Engine, Value,
    cache::HitRate,
    lifetime::Times,
    queue::Place,
    transaction::{Base, End, Next, Plan, complete, transact},
};
use crate::{
    DataProblem, Error, Outcome, Record, Session, SessionData, SessionKey,
    data::are_same,
    metrics::{self, Cached},
    record::Revision,
    store::{Stored, Write, cause},
};

/// How many changes one write holds. More wait for the next one.
const MOST: usize = 256;

/// A change on its way.
pub(crate) struct Job<T> {
    change: Box<dyn Change<T>>,
    deadline: Instant,
    /// `None` for the one whose caller carries out the batch.
    caller: Option<Caller<T>>,
}

/// Who waits for a job.
struct Caller<T> {
    progress: Arc<Progress>,
    reply: oneshot::Sender<Reply<T>>,
}

/// What a caller gets.
type Reply<T> = Result<Result<Applied<T>, Error>, Box<dyn Any + Send>>;

/// What became of a change.
pub(crate) enum Applied<T> {
    /// It was applied, and this is the session after it.
    Done {
        session: Session<T>,
        value: Value,
        /// Whether the session was given more time.
        renewed: bool,
    },
    /// It refused.
    Refused(Value),
    /// There's no such session, or none any more.
    Gone,
    /// The session was rotated and has this key now.
    Moved(SessionKey),
}

/// How far a job has come, between the one who waits for it and the one who does it.
#[derive(Debug)]
struct Progress(AtomicU8);

impl Progress {
    /// Nothing of it is on its way.
    const UNSENT: u8 = 0;
    /// A write with it may be on its way.
    const SENT: u8 = 1;
    /// Its caller has given up, and it must not be sent.
    const GIVEN_UP: u8 = 2;

    fn step(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// `false` if its caller has given up.
    fn begin(&self) -> bool {
        self.step(Self::UNSENT, Self::SENT)
    }

    fn take_back(&self) {
        self.step(Self::SENT, Self::UNSENT);
    }

    /// `false` if it may have been sent.
    fn give_up(&self) -> bool {
        self.step(Self::UNSENT, Self::GIVEN_UP)
    }
}

/// A change in a batch.
struct Member<T> {
    job: Job<T>,
    /// What the last run has led to; `None` if its caller has given up, or before the first run.
    result: Option<Run<T>>,
}

/// What one run of a change has led to. It counts once the write is done, or is known not to be needed.
enum Run<T> {
    Done(Session<T>, Value),
    Refused(Value),
    Failed(Error),
    Panicked(Box<dyn Any + Send>),
}

/// The changes that one write will hold.
struct Batch<T> {
    engine: Arc<Engine<T>>,
    key: SessionKey,
    place: Place<Job<T>>,
    members: Vec<Member<T>>,
    /// How often guesses of this session were right, from when it was read until it goes back to the cache.
    hit_rate: HitRate,
    /// Whether a task of its own does it, which may take others' changes in.
    is_task: bool,
    /// Whether the last plan gave the session more time.
    renewed: bool,
}

impl<T> Caller<T> {
    fn new() -> (Self, Arc<Progress>, oneshot::Receiver<Reply<T>>) {
        let (reply, response) = oneshot::channel();
        let progress = Arc::new(Progress(AtomicU8::new(Progress::UNSENT)));
        (Self { progress: Arc::clone(&progress), reply }, progress, response)
    }
}

impl<T: SessionData> Engine<T> {
    /// Applies a change to the session of this key.
    pub(super) async fn apply(
        self: &Arc<Self>,
        key: SessionKey,
        change: &mut dyn Change<T>,
        budget: &mut Budget,
    ) -> Result<Applied<T>, Error> {
        let reply = match self.queues.try_enter(key) {
            Some(place) => self.lead(place, key, change.boxed(), budget).await,
            // In a box: this future is larger than that of a change that needn't wait, and rarely needed.
            None => Box::pin(self.wait(key, change.boxed(), budget)).await,
        };
        reply.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Waits until the change is done by another request, or its turn has come.
    async fn wait(self: &Arc<Self>, key: SessionKey, change: Box<dyn Change<T>>, budget: &mut Budget) -> Reply<T> {
        let deadline = budget.deadline();
        let (caller, progress, mut response) = Caller::new();
        let waiting = self.queues.join(key, Some(Job { change, deadline, caller: Some(caller) }));
        let turn = waiting.turn(deadline);
        tokio::select! {
            biased;
            reply = &mut response => return reply.unwrap_or_else(|_dropped| Ok(Err(lost()))),
            turn = turn => match turn {
                Ok((place, Some(job))) => return match budget.begin() {
                    Ok(()) => self.lead(place, key, job.change, budget).await,
                    Err(busy) => Ok(Err(busy)),
                },
                Err(Some(_job)) => return Ok(Err(Error::Busy)),
                // It was taken.
                Ok((_, None)) | Err(None) => {}
            },
        }
        hear(response, &progress, deadline).await
    }

    /// Does the change, in its turn. If others wait as well, a task does them all.
    async fn lead(
        self: &Arc<Self>,
        place: Place<Job<T>>,
        key: SessionKey,
        change: Box<dyn Change<T>>,
        budget: &mut Budget,
    ) -> Reply<T> {
        let deadline = budget.deadline();
        let member = Member { job: Job { change, deadline, caller: None }, result: None };
        let mut batch = Batch {
            engine: Arc::clone(self),
            key,
            place,
            members: vec![member],
            hit_rate: HitRate::default(),
            is_task: false,
            renewed: false,
        };
        let (handed_over, reply) = batch.run(None, budget).await;
        let Some(base) = handed_over else {
            return reply.unwrap_or_else(|| Ok(Err(lost())));
        };
        let (caller, progress, response) = Caller::new();
        batch.members[0].job.caller = Some(caller);
        batch.is_task = true;
        let mut budget = budget.of_unsent();
        let task = async move {
            // The application's code runs when its data is read, too.
            if let Err(panic) = AssertUnwindSafe(batch.run(Some(base), &mut budget)).catch_unwind().await {
                batch.reply_after_panic(panic, budget.in_doubt);
            }
        };
        tokio::spawn(task.in_current_span());
        hear(response, &progress, deadline).await
    }

    /// What this instance saw last, if it's likely still true, else what is stored.
    pub(super) async fn guess_or_read(&self, key: SessionKey, budget: &mut Budget) -> Result<(Base, HitRate), Error> {
        let seen = self.cache.get(&key, budget.latest());
        if let Some(entry) = &seen
            && entry.hit_rate.is_worthwhile()
        {
            return Ok((Base { stored: Some(Arc::clone(&entry.stored)), is_guess: true }, entry.hit_rate));
        }
        metrics::cached(if seen.is_some() { Cached::Unused } else { Cached::Miss });
        let stored = budget.read(|| self.store.get(&key)).await?.map(Arc::new);
        let hit_rate = match (&seen, &stored) {
            (Some(seen), Some(stored)) => seen.hit_rate.record(seen.stored.version == stored.version),
            _ => HitRate::default(),
        };
        Ok((Base { stored, is_guess: false }, hit_rate))
    }
}

/// Waits for the reply of the one who has taken the change.
async fn hear<T>(response: oneshot::Receiver<Reply<T>>, progress: &Progress, deadline: Instant) -> Reply<T> {
    match timeout_at(deadline, response).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_dropped)) => Ok(Err(lost())),
        Err(_elapsed) if progress.give_up() => Ok(Err(Error::Busy)),
        Err(_elapsed) => {
            Ok(Err(Error::Unavailable { outcome: Outcome::Unknown, cause: cause("no response before the deadline") }))
        }
    }
}

/// The runtime has stopped while another request did the change.
fn lost() -> Error {
    Error::Unavailable { outcome: Outcome::Unknown, cause: cause("the work was stopped half-way") }
}

impl<T: SessionData> Batch<T> {
    /// Does the changes and replies to their callers; the reply for one who does it by itself is returned. If others
    /// wait whom only a task may take in, nothing is done, and that returns the base to go on with.
    async fn run(&mut self, base: Option<Base>, budget: &mut Budget) -> (Option<Base>, Option<Reply<T>>) {
        let result = match self.transact(base, budget).await {
            Ok(End::HandedOver(base)) => return (Some(base), None),
            result => result,
        };
        (None, self.settle(result, budget).await)
    }

    /// Replies to all callers, and returns the reply for one who does it by itself. If the store refuses the record for
    /// what is in it, it doesn't say whose change that is: then each half of the changes is tried alone.
    async fn settle(&mut self, result: Result<End, Error>, budget: &mut Budget) -> Option<Reply<T>> {
        match result {
            Err(Error::Data(why)) if self.members.len() > 1 && matches!(why.problem(), DataProblem::Store(_)) => {
                Box::pin(self.halve(budget)).await;
                None
            }
            result => self.reply(&result),
        }
    }

    async fn halve(&mut self, budget: &Budget) {
        self.is_task = false;
        let second = self.members.split_off(self.members.len() / 2);
        for half in [std::mem::take(&mut self.members), second] {
            self.members = half;
            // Each has a budget of its own: what became of the writes of one says nothing about the other.
            let mut budget = budget.of_unsent();
            let result = self.transact(None, &mut budget).await;
            // Of several changes each has a caller: there's no reply to return.
            self.settle(result, &mut budget).await;
        }
    }

    async fn transact(&mut self, base: Option<Base>, budget: &mut Budget) -> Result<End, Error> {
        let engine = Arc::clone(&self.engine);
        let (base, mut hit_rate) = match base {
            Some(base) => (base, self.hit_rate),
            None => engine.guess_or_read(self.key, budget).await?,
        };
        let on_guess = |right| hit_rate = hit_rate.guessed(right);
        let end = transact(&engine.store, self.key, self, budget, base, on_guess).await;
        match &end {
            Ok(End::Applied { stored, .. } | End::Kept(stored)) => {
                engine.cache.insert(self.key, Arc::clone(stored), hit_rate, budget.latest());
            }
            Ok(End::HandedOver(_)) => self.hit_rate = hit_rate,
            Err(_) if !budget.has_written => {}
            Ok(End::Gone | End::Over | End::Moved(_) | End::Closed(..)) | Err(_) => engine.cache.remove(&self.key),
        }
        match end {
            Ok(End::Gone) => metrics::unknown_id(),
            Ok(End::Over) => metrics::expired(),
            _ => {}
        }
        end
    }

    fn reply(&mut self, end: &Result<End, Error>) -> Option<Reply<T>> {
        let mut own = None;
        for Member { job, result } in self.members.drain(..) {
            let reply = match (end, result) {
                // A run on a guess that turned out to be wrong does not count.
                (Ok(End::Gone | End::Over), _) => Ok(Ok(Applied::Gone)),
                (Ok(End::Moved(successor)), _) => Ok(Ok(Applied::Moved(*successor))),
                (Ok(End::Closed(..)), _) => Ok(Err(Error::Superseded)),
                (_, Some(Run::Panicked(panic))) => Err(panic),
                (_, Some(Run::Failed(error))) => Ok(Err(error)),
                (Ok(End::Applied { .. } | End::Kept(_)), Some(Run::Done(session, value))) => {
                    Ok(Ok(Applied::Done { session, value, renewed: self.renewed }))
                }
                (Ok(End::Applied { .. } | End::Kept(_)), Some(Run::Refused(refusal))) => {
                    Ok(Ok(Applied::Refused(refusal)))
                }
                (Ok(End::Applied { .. } | End::Kept(_) | End::HandedOver(_)), _) => Ok(Err(Error::Busy)),
                // Of what refused nothing was sent.
                (Err(Error::Unavailable { cause, .. }), Some(Run::Refused(_))) => {
                    Ok(Err(Error::Unavailable { outcome: Outcome::NotApplied, cause: Arc::clone(cause) }))
                }
                (Err(error), _) => Ok(Err(error.clone())),
            };
            match job.caller {
                // One who has given up doesn't hear it.
                Some(caller) => drop(caller.reply.send(reply)),
                None => own = Some(reply),
            }
        }
        own
    }

    /// Replies after a panic that was no single change's: the first caller gets it.
    fn reply_after_panic(&mut self, panic: Box<dyn Any + Send>, in_doubt: bool) {
        let outcome = if in_doubt { Outcome::Unknown } else { Outcome::NotApplied };
        let mut panic = Some(panic);
        for caller in self.members.drain(..).filter_map(|member| member.job.caller) {
            let failed = || Error::Unavailable { outcome, cause: cause("the application's code has panicked") };
            drop(caller.reply.send(panic.take().map_or_else(|| Ok(Err(failed())), Err)));
        }
    }

    /// Takes in the changes that wait.
    fn take_others(&mut self) {
        let least = self.engine.pace.least();
        let room = MOST.saturating_sub(self.members.len());
        for job in self.place.take_jobs(room) {
            match job.caller {
                Some(caller) if job.deadline.saturating_duration_since(Instant::now()) < least => {
                    drop(caller.reply.send(Ok(Err(Error::Busy))));
                }
                _ => self.members.push(Member { job, result: None }),
            }
        }
    }

    /// Runs all changes on this base. Returns the write of the record after them, if one of them or an upgrade has changed
    /// it.
    fn fold(&mut self, base: &Stored, times: Times, now: SystemTime) -> Result<Option<Box<Write>>, Error> {
        let Self { engine, key, members, .. } = self;
        let codec = &engine.codec;
        let write_of = |record| Box::new(Write::replace(*key, record, base.version));
        let mut write = codec.upgrades.upgraded(key, &base.record)?.map(write_of);
        let mut is_changed = write.is_some();
        for Member { job, result } in members {
            if job.caller.as_ref().is_some_and(|caller| !caller.progress.begin()) {
                continue;
            }
            let record = write.as_ref().map_or(&base.record, |write| &write.record);
            let decoded = codec.decode(key, record)?;
            let mut data = decoded.data;
            // The application's code runs when its data is serialised, too.
            let run = || job.change.run(&mut data).map(|value| (value, codec.encode_data(&data, record)));
            *result = Some(match catch_unwind(AssertUnwindSafe(run)) {
                Err(panic) => Run::Panicked(panic),
                Ok(Err(refusal)) => Run::Refused(refusal),
                Ok(Ok((_, Err(error)))) => Run::Failed(error.into()),
                Ok(Ok((value, Ok(after)))) => {
                    is_changed |= decoded.repaired || !are_same(&after.data, &record.data);
                    let (record, data) = after.with_rest_of(record);
                    let write = write.insert(write_of(record));
                    Run::Done(engine.session(*key, &write.record, times, now, data), value)
                }
            });
        }
        Ok(write.filter(|_| is_changed))
    }
}

impl<T: SessionData> Plan for Batch<T> {
    fn now(&self) -> SystemTime {
        self.engine.now()
    }

    fn is_over(&self, record: &Record, now: SystemTime) -> bool {
        self.engine.lifetime.is_over(record, now)
    }

    fn plan(&mut self, base: &Arc<Stored>, now: SystemTime, revision: Revision) -> Result<Next, Error> {
        if self.is_task {
            self.take_others();
        } else if self.members.iter().all(|member| member.job.caller.is_none()) && self.place.has_jobs() {
            return Ok(Next::HandOver);
        }
        let before = &base.record;
        if before.created_at.is_none() || before.expires_at.is_none() {
            tracing::warn!(key = %self.key, "a session's created_at or expires_at is missing or no time; it is repaired");
        }
        let times = self.engine.lifetime.renewed(before, now);
        let write = self.fold(base, times, now)?;
        self.renewed = before.expires_at != Some(times.expires_at);
        let is_active = self.members.iter().any(|member| matches!(member.result, Some(Run::Done(..))));
        let is_due = self.renewed || before.created_at != Some(times.created_at);
        if !is_active || (write.is_none() && !is_due) {
            self.renewed = false;
            return Ok(Next::Keep);
        }
        let mut write = write.unwrap_or_else(|| Box::new(Write::replace(self.key, before.clone(), base.version)));
        times.set(&mut write.record);
        complete(&mut write, base, revision);
        Ok(Next::Write(write))
    }

    fn not_applied(&mut self) {
        for Member { job, result } in &mut self.members {
            *result = None;
            if let Some(caller) = &job.caller {
                caller.progress.take_back();
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.members.iter().map(|member| member.job.deadline).max()
    }
}
