//! Thousands of random schedules of faults, held against what must be true whatever happens.
//!
//! Each schedule lets several instances work on one session at once, over a store that delays, refuses,
//! loses answers, hangs, and applies writes long after it was given up on. Time is simulated. To run a
//! schedule again, set `SESSIONS_TEST_SEED` to the seed that the test printed.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use exact_sessions::{Error, Outcome, SessionId, Sessions, Settings, store::Store, testing::Fault};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use crate::bench::{Bench, Counter};

const SCHEDULES: u32 = 4000;
const INSTANCES: usize = 3;

/// One visitor's doing: when it begins, on which instance, and what it is.
#[derive(Clone, Debug)]
struct Step {
    after: Duration,
    instance: usize,
    act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    View,
    Rotate,
    Delete,
}

/// What happens: the steps, and for each instance the faults of its calls of the store, in order.
#[derive(Clone, Debug)]
struct Schedule {
    steps: Vec<Step>,
    faults: Vec<Vec<Fault>>,
}

fn fault() -> impl Strategy<Value = Fault> {
    let within = |most| (1..most).prop_map(Duration::from_millis);
    prop_oneof![
        6 => Just(Fault::None),
        2 => within(1500_u64).prop_map(Fault::Delay),
        2 => Just(Fault::Before),
        3 => Just(Fault::After),
        1 => Just(Fault::Aborted),
        1 => Just(Fault::Refused),
        1 => Just(Fault::Hang),
        3 => within(4000_u64).prop_map(Fault::Late),
    ]
}

fn schedule(acts: impl Strategy<Value = Act> + 'static) -> impl Strategy<Value = Schedule> {
    let step = (0..1500_u64, 0..INSTANCES, acts).prop_map(|(after, instance, act)| Step {
        after: Duration::from_millis(after),
        instance,
        act,
    });
    let faults = vec(vec(fault(), 0..25), INSTANCES);
    (vec(step, 1..25), faults).prop_map(|(steps, faults)| Schedule { steps, faults })
}

/// What the visitors heard, and what is true in the end.
#[derive(Debug, Default)]
struct Report {
    /// The numbers of the views that were answered.
    seen: Vec<u64>,
    /// How many views were answered with "nobody knows".
    unknown: u64,
    /// Whether a delete was answered with success, and whether one may have happened.
    deleted: bool,
    maybe_deleted: bool,
    /// The ids that rotations gave out.
    rotated: Vec<SessionId>,
    /// The count in the end, if the session is there.
    count: Option<u64>,
    /// The same by each of the ids that rotations gave out.
    count_by_new_id: Vec<Option<u64>>,
    /// Whether anything is stored under any of the ids.
    stored: bool,
}

impl Schedule {
    fn run(&self) -> Report {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(self.play())
    }

    async fn play(&self) -> Report {
        // The old id leads to the session for as long as the test lasts.
        let settings = Settings::default().rotation_grace(Duration::from_secs(24 * 60 * 60));
        let bench = Bench::with(settings);
        let id = bench.new_session().await;
        let instances: Vec<_> = self.faults.iter().map(|faults| bench.faulty(faults.clone())).collect();
        let report = Arc::new(Mutex::new(Report::default()));
        let mut visitors = tokio::task::JoinSet::new();
        for step in self.steps.clone() {
            let (sessions, report) = (instances[step.instance].clone(), Arc::clone(&report));
            visitors.spawn(async move {
                tokio::time::sleep(step.after).await;
                act(&sessions, id, step.act, &report).await;
            });
        }
        while let Some(visitor) = visitors.join_next().await {
            visitor.expect("no panic");
        }
        // Whatever is still on its way arrives.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut report = std::mem::take(&mut *report.lock().expect("no panic"));
        let count = async |id| bench.sessions.read(id).await.expect("an answer").map(|session| session.data.views);
        let stored = async |id: &SessionId| bench.store.get(&id.key()).await.expect("an answer").is_some();
        report.count = count(id).await;
        report.stored = stored(&id).await;
        for new in &report.rotated {
            report.count_by_new_id.push(count(*new).await);
            report.stored |= stored(new).await;
        }
        report
    }
}

async fn act(sessions: &Sessions<Counter>, id: SessionId, act: Act, report: &Mutex<Report>) {
    match act {
        Act::View => {
            let view = sessions.update(id, Counter::count).await;
            let mut report = report.lock().expect("no panic");
            match view {
                Ok(Some(changed)) => report.seen.push(changed.session.data.views),
                Err(Error::Unavailable { outcome: Outcome::Unknown, .. }) => report.unknown += 1,
                Ok(None) | Err(_) => {}
            }
        }
        Act::Rotate => {
            let rotated = sessions.rotate(id).await.ok().flatten().and_then(|visit| visit.new_id);
            report.lock().expect("no panic").rotated.extend(rotated);
        }
        Act::Delete => {
            let deleted = sessions.delete(id).await.is_ok();
            let mut report = report.lock().expect("no panic");
            report.deleted |= deleted;
            report.maybe_deleted = true;
        }
    }
}

fn check(report: &Report) -> Result<(), TestCaseError> {
    let acknowledged = report.seen.len() as u64;
    let distinct: BTreeSet<_> = report.seen.iter().collect();
    prop_assert_eq!(distinct.len() as u64, acknowledged, "two views were answered with the same number: {:?}", report);
    if let Some(count) = report.count {
        // The session began with one view.
        let counted = count - 1;
        prop_assert!(counted >= acknowledged, "a view was answered and is not counted: {:?}", report);
        prop_assert!(counted <= acknowledged + report.unknown, "a view counted twice: {:?}", report);
        prop_assert!(report.seen.iter().all(|seen| *seen <= count), "{:?}", report);
    }
    prop_assert!(report.count.is_some() || report.maybe_deleted, "the session is gone: {:?}", report);
    prop_assert!(report.rotated.len() <= 1, "within the grace an id is replaced once: {:?}", report);
    for count in &report.count_by_new_id {
        prop_assert_eq!(*count, report.count, "the new id leads elsewhere than the old one: {:?}", report);
    }
    if report.deleted {
        prop_assert!(report.count.is_none() && !report.stored, "a deleted session came back: {:?}", report);
    }
    Ok(())
}

fn hold(acts: impl Strategy<Value = Act> + 'static) {
    let seed = std::env::var("SESSIONS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    eprintln!("{SCHEDULES} schedules, SESSIONS_TEST_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = ProptestConfig { cases: SCHEDULES, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(&schedule(acts), |schedule| check(&schedule.run()));
    if let Err(failure) = result {
        panic!("SESSIONS_TEST_SEED={seed}: {failure}");
    }
}

#[test]
fn views_are_counted_exactly_once() {
    hold(Just(Act::View));
}

#[test]
fn a_rotation_loses_nothing_and_doubles_nothing() {
    hold(prop_oneof![8 => Just(Act::View), 2 => Just(Act::Rotate)]);
}

#[test]
fn a_deleted_session_stays_deleted() {
    hold(prop_oneof![8 => Just(Act::View), 1 => Just(Act::Rotate), 1 => Just(Act::Delete)]);
}
