//! An instance that crashes, or whose store fails once, at each step of a sign-in, a sign-out or the end of a user's
//! sessions.

use std::{sync::Arc, time::Duration};

use exact_sessions::{
    Error, Outcome, SessionId, Sessions, SignIn,
    store::{Store, memory::MemoryStore},
    testing::{Fault, Faulty},
};

use super::Stepwise;
use crate::bench::Counter;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    SignIn,
    SignOut,
    EndAll,
}

/// More steps than any of the acts has.
const STEPS: usize = 8;
const LATE: Fault = Fault::Late(Duration::from_millis(700));

/// What an instance did before it crashed, or as its store failed.
#[derive(Clone, Debug, PartialEq)]
enum CallResult {
    /// It crashed before.
    Nothing,
    Done(Option<SessionId>),
    NotDone,
    Unknown,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

/// An instance on this store, whose calls have these faults, the last one for ever.
fn instance(memory: &Arc<MemoryStore>, is_atomic: bool, faults: Vec<Fault>) -> Sessions<Counter> {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let choose = move || {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        faults[call.min(faults.len() - 1)]
    };
    let store = Faulty::new(Arc::clone(memory), choose);
    if is_atomic { Sessions::new(store) } else { Sessions::new(Stepwise(store)) }
}

async fn act(sessions: &Sessions<Counter>, id: SessionId, act: Act) -> CallResult {
    let result = match act {
        Act::SignIn => {
            sessions.sign_in(Some(id), SignIn::new("ada"), |counter| counter.views += 100).await.map(|done| done.new_id)
        }
        Act::SignOut => {
            let keep = |mut counter: Counter| {
                counter.views += 100;
                counter
            };
            sessions.sign_out_keeping(id, keep).await.map(|changed| changed.and_then(|changed| changed.new_id))
        }
        Act::EndAll => sessions.end_all_of_user("ada", None).await.map(|_| None),
    };
    match result {
        Ok(new_id) => CallResult::Done(new_id),
        Err(Error::Unavailable { outcome: Outcome::Unknown, .. }) => CallResult::Unknown,
        Err(_) => CallResult::NotDone,
    }
}

/// The session by this id, on a healthy instance; `None` if the id leads nowhere.
async fn views(sessions: &Sessions<Counter>, id: SessionId) -> Option<(u64, bool)> {
    match sessions.read(id).await {
        Ok(session) => session.map(|session| (session.data.views, session.user.is_some())),
        Err(Error::Superseded) => None,
        Err(error) => panic!("{error}"),
    }
}

fn check(what: Act, is_atomic: bool, faults: Vec<Fault>, crashes: bool) {
    let memory = Arc::<MemoryStore>::default();
    let before = runtime();
    let (id, instance) = before.block_on(async {
        let healthy = Sessions::new(Arc::clone(&memory));
        let guest = healthy.upsert(None, Counter::count).await.expect("a view").new_id.expect("an id");
        let id = match what {
            Act::SignIn => guest,
            Act::SignOut | Act::EndAll => {
                let done = healthy.sign_in(Some(guest), SignIn::new("ada"), |_| {}).await;
                done.expect("a sign-in").new_id.expect("an id")
            }
        };
        (id, instance(&memory, is_atomic, faults))
    });
    let (result, guest) = before.block_on(async {
        // Another instance has a change of the same session in flight meanwhile.
        let late =
            self::instance(&memory, true, vec![Fault::None, Fault::Delay(Duration::from_millis(5)), Fault::None]);
        let guest = tokio::spawn(async move { late.update(id, Counter::count).await });
        let working = act(&instance, id, what);
        let time = if crashes { Duration::from_secs(1) } else { Duration::from_secs(60) };
        let result = tokio::time::timeout(time, working).await.unwrap_or(CallResult::Nothing);
        (result, guest.await.expect("no panic"))
    });
    // With the runtime all its tasks end: nothing of them is finished.
    drop((instance, before));
    runtime().block_on(async {
        let healthy = Sessions::<Counter>::new(Arc::clone(&memory));
        let guests = match guest {
            Ok(Some(_)) => 1,
            Ok(None) | Err(Error::Superseded) => 0,
            Err(error) => panic!("{error}"),
        };
        let old = views(&healthy, id).await;
        let was_user = what != Act::SignIn;
        match &result {
            CallResult::Done(Some(new)) => {
                assert_eq!(old, None, "the old id leads somewhere");
                assert_eq!(views(&healthy, *new).await, Some((101 + guests, what == Act::SignIn)));
                assert!(matches!(healthy.update(id, Counter::count).await, Err(Error::Superseded) | Ok(None)));
                assert!(matches!(healthy.delete(id).await, Err(Error::Superseded) | Ok(())));
                assert_eq!(views(&healthy, *new).await, Some((101 + guests, what == Act::SignIn)), "it's still there");
            }
            CallResult::Done(None) => {
                assert_eq!((what, old), (Act::EndAll, None), "ended, or not there");
                assert_eq!(healthy.of_user("ada").await.expect("a list"), []);
            }
            CallResult::NotDone if what != Act::EndAll => assert_eq!(old, Some((1 + guests, was_user)), "not done"),
            // Either nothing has happened, or the old id is worth nothing.
            CallResult::NotDone | CallResult::Nothing | CallResult::Unknown => {
                assert!(old.is_none() || old == Some((1 + guests, was_user)), "{old:?}");
            }
        }
        // The visitor goes on, whatever happened. A sign-in whose response did not come is repeated, and nothing is lost.
        if what == Act::SignIn {
            let again = healthy.sign_in(Some(id), SignIn::new("ada"), |_| {}).await.expect("a sign-in");
            let views = again.session.data.views;
            assert!([1 + guests, 101 + guests].contains(&views), "{views}, {result:?}");
        } else {
            let next = healthy.upsert(Some(id), Counter::count).await;
            assert!(matches!(next, Ok(_) | Err(Error::Superseded)), "{next:?}");
        }
        // A user is rid of all of it, also of what a crash has left behind.
        healthy.end_all_of_user("ada", None).await.expect("an end");
        assert_eq!(healthy.of_user("ada").await.expect("a list"), []);
        let page = memory.list(None, 99).await.expect("a list");
        assert!(page.iter().all(|(_, stored)| stored.record.meta.user().is_none()), "{page:?}");
    });
}

fn each_step(what: Act) {
    for is_atomic in [true, false] {
        for step in 0..STEPS {
            for fault in [Fault::Before, Fault::After, Fault::Aborted, Fault::Refused, Fault::Hang, LATE] {
                let then = |last: Fault| {
                    let mut faults = vec![Fault::None; step];
                    faults.extend([fault, last]);
                    faults
                };
                eprintln!("{what:?}, in one: {is_atomic}, step {step}: {fault:?}");
                check(what, is_atomic, then(Fault::None), false);
                check(what, is_atomic, then(Fault::Hang), true);
                check(what, is_atomic, then(fault), false);
            }
        }
    }
}

#[test]
fn a_sign_in_that_fails_at_any_step_leaves_nobody_signed_in_under_the_old_id() {
    each_step(Act::SignIn);
}

#[test]
fn a_sign_out_that_fails_at_any_step_leaves_the_user_or_a_guest() {
    each_step(Act::SignOut);
}

#[test]
fn ending_the_sessions_of_a_user_fails_or_ends_them_all() {
    each_step(Act::EndAll);
}
