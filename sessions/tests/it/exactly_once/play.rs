//! A schedule, played.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use exact_sessions::{
    ChangeError, Error, Outcome, SessionId, Sessions, Settings, SignIn,
    store::{Store, memory::MemoryStore},
    testing::{Fault, Faulty},
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Act, Schedule};
use crate::users::Stepwise;

pub(super) const USER: &str = "ada";

/// The tokens of the changes that were applied, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Log(pub(super) std::collections::BTreeMap<String, Vec<u64>>);

impl Log {
    fn write(&mut self, token: u64) {
        self.0.entry("tokens".to_owned()).or_default().push(token);
    }

    pub(super) fn tokens(&self) -> &[u64] {
        self.0.get("tokens").map_or(&[], Vec::as_slice)
    }
}

/// What a call returned, as its visitor learns it.
#[derive(Clone, Debug)]
pub(super) enum CallResult {
    /// The session as it is, and a new id for it.
    Seen(Log, Option<SessionId>),
    /// There's no session.
    Nothing,
    /// It was ended.
    Ended,
    Refused,
    Panicked,
    Superseded,
    /// It was not done.
    Failed,
    Unknown,
}

/// One request and its response. `begun` and `ended` are places in the order of all that happened.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) begun: u64,
    pub(super) ended: u64,
    pub(super) id: SessionId,
    pub(super) act: Act,
    /// What it writes.
    pub(super) token: u64,
    pub(super) result: CallResult,
    pub(super) took: Duration,
}

/// What is true of an id in the end.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) id: SessionId,
    pub(super) read: CallResult,
    pub(super) is_stored: bool,
}

#[derive(Debug)]
pub(super) struct History {
    pub(super) events: Vec<Event>,
    /// Of each id that anybody was ever given.
    pub(super) left: Vec<Left>,
    pub(super) deadline: Duration,
}

/// What all visitors share.
struct World {
    order: AtomicU64,
    /// The id in the cookie that the visitor's browser holds.
    current: Mutex<SessionId>,
    events: Mutex<Vec<Event>>,
}

impl Schedule {
    pub(super) fn run(&self) -> History {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(self.play())
    }

    async fn play(&self) -> History {
        let memory = Arc::<MemoryStore>::default();
        let clean = sessions(Arc::clone(&memory));
        let first = clean.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
        let instances: Vec<_> = self.faults.iter().map(|faults| self.instance(&memory, faults)).collect();
        let world = Arc::new(World { order: AtomicU64::new(1), current: Mutex::new(first), events: Mutex::default() });
        let mut visitors = tokio::task::JoinSet::new();
        for step in &self.steps {
            for _ in 0..step.times {
                let (sessions, world) = (instances[step.instance].clone(), Arc::clone(&world));
                let (after, act) = (step.after, step.act);
                visitors.spawn(async move {
                    tokio::time::sleep(after).await;
                    world.visit(&sessions, act).await;
                });
            }
        }
        while let Some(visitor) = visitors.join_next().await {
            visitor.expect("no panic");
        }
        // Whatever is still on its way arrives.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let events = std::mem::take(&mut *world.events.lock().expect("no panic"));
        let given = events.iter().filter_map(|event| match &event.result {
            CallResult::Seen(_, new_id) => *new_id,
            _ => None,
        });
        let mut left = Vec::new();
        for id in [first].into_iter().chain(given) {
            let read = call_result(clean.read(id).await.map(|session| session.map(|session| (session.data, None))));
            let is_stored = memory.get(&id.key()).await.expect("an answer").is_some();
            left.push(Left { id, read, is_stored });
        }
        History { events, left, deadline: clean.settings().store_timeout }
    }

    fn instance(&self, memory: &Arc<MemoryStore>, faults: &[Fault]) -> Sessions<Log> {
        let left: Mutex<std::collections::VecDeque<_>> = Mutex::new(faults.iter().copied().collect());
        let choose = move || left.lock().expect("no panic").pop_front().unwrap_or(Fault::None);
        let store = Faulty::new(Arc::clone(memory), choose);
        if self.is_atomic { sessions(store) } else { sessions(Stepwise(store)) }
    }
}

fn sessions(store: impl Store) -> Sessions<Log> {
    // The old id of a rotation leads to the session for as long as the test lasts.
    let settings = Settings::default().rotation_grace(Duration::from_hours(24));
    let begun = Instant::now();
    let clock = move || -> SystemTime { UNIX_EPOCH + Duration::from_secs(1_800_000_000) + begun.elapsed() };
    Sessions::builder(store, Log::default).settings(settings).clock(Arc::new(clock)).build()
}

impl World {
    fn next(&self) -> u64 {
        self.order.fetch_add(1, Ordering::SeqCst)
    }

    async fn visit(&self, sessions: &Sessions<Log>, act: Act) {
        let id = *self.current.lock().expect("no panic");
        let begun = self.next();
        let started = Instant::now();
        let result = request(sessions, id, act, begun).await;
        let (took, ended) = (started.elapsed(), self.next());
        if let CallResult::Seen(_, Some(new_id)) = result {
            *self.current.lock().expect("no panic") = new_id;
        }
        self.events.lock().expect("no panic").push(Event { begun, ended, id, act, token: begun, result, took });
    }
}

async fn request(sessions: &Sessions<Log>, id: SessionId, act: Act, token: u64) -> CallResult {
    let write = move |log: &mut Log| log.write(token);
    match act {
        Act::Change => call_result(sessions.update(id, write).await.map(|changed| changed.map(seen))),
        Act::Read => call_result(sessions.read(id).await.map(|session| session.map(|session| (session.data, None)))),
        Act::Rotate => call_result(sessions.rotate(id).await.map(|changed| changed.map(seen))),
        Act::SignIn => {
            call_result(sessions.sign_in(Some(id), SignIn::new(USER), write).await.map(|done| Some(seen(done))))
        }
        Act::SignOut => {
            let keep = move |mut log: Log| {
                log.write(token);
                log
            };
            call_result(sessions.sign_out_keeping(id, keep).await.map(|changed| changed.map(seen)))
        }
        Act::Refuse => {
            let refused = sessions.try_update(id, move |log| {
                log.write(token);
                Err::<(), _>(())
            });
            match refused.await {
                Err(ChangeError::Refused(())) => CallResult::Refused,
                Err(ChangeError::Failed(error)) => call_result(Err(error)),
                Ok(changed) => call_result(Ok(changed.map(seen))),
            }
        }
        Act::Panic => {
            let sessions = sessions.clone();
            let change = move |log: &mut Log| -> () {
                log.write(token);
                std::panic::resume_unwind(Box::new("on purpose"))
            };
            match tokio::spawn(async move { sessions.update(id, change).await }).await {
                Err(_panic) => CallResult::Panicked,
                Ok(result) => call_result(result.map(|changed| changed.map(seen))),
            }
        }
        Act::Delete => ended(sessions.delete(id).await),
        Act::EndAll => ended(sessions.end_all_of_user(USER, None).await),
    }
}

fn seen<R>(changed: exact_sessions::Changed<Log, R>) -> (Log, Option<SessionId>) {
    (changed.session.data, changed.new_id)
}

fn ended<R>(result: Result<R, Error>) -> CallResult {
    match result {
        Ok(_) => CallResult::Ended,
        Err(error) => call_result(Err(error)),
    }
}

fn call_result(result: Result<Option<(Log, Option<SessionId>)>, Error>) -> CallResult {
    match result {
        Ok(Some((log, new_id))) => CallResult::Seen(log, new_id),
        Ok(None) => CallResult::Nothing,
        Err(Error::Superseded) => CallResult::Superseded,
        Err(Error::Unavailable { outcome: Outcome::Unknown, .. }) => CallResult::Unknown,
        Err(_) => CallResult::Failed,
    }
}
