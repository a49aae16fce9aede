//! Thousands of random schedules of faults, held against what must be true whatever happens.
//!
//! Each schedule lets several instances work on one visitor's session at once, over a store that delays, refuses,
//! loses answers, hangs, and applies writes long after it was given up on. Time is simulated. To run a
//! schedule again, set `SESSIONS_TEST_SEED` to the seed that the test printed.

mod check;
mod play;

use std::time::Duration;

use exact_sessions::testing::Fault;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use self::check::Expect;

const SCHEDULES: u32 = 2000;
const INSTANCES: usize = 3;

/// What visitors do: when, on which instance, how many at once, and what it is.
#[derive(Clone, Debug)]
struct Step {
    after: Duration,
    instance: usize,
    times: usize,
    act: Act,
}

/// What one request does. All but `Read`, `Rotate`, `Delete` and `EndAll` write a token of their own into the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Change,
    Read,
    Refuse,
    Panic,
    Rotate,
    Delete,
    SignIn,
    SignOut,
    EndAll,
}

/// What happens: the steps, and for each instance the faults of its calls of the store, in order.
#[derive(Clone, Debug)]
struct Schedule {
    steps: Vec<Step>,
    faults: Vec<Vec<Fault>>,
    /// Whether the store does two writes in one.
    is_atomic: bool,
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
        2 => Just(Fault::Unreachable),
        1 => Just(Fault::Hang),
        3 => within(4000_u64).prop_map(Fault::Late),
    ]
}

fn schedule(acts: impl Strategy<Value = Act> + 'static) -> impl Strategy<Value = Schedule> {
    // Some come at the same instant, so that their changes are done by one write.
    let after = prop_oneof![2 => 0..1500_u64, 1 => (0..4_u64).prop_map(|n| n * 300)];
    let times = prop_oneof![3 => Just(1), 1 => 2..6_usize];
    let step = (after, 0..INSTANCES, times, acts).prop_map(|(after, instance, times, act)| Step {
        after: Duration::from_millis(after),
        instance,
        times,
        act,
    });
    let faults = vec(vec(fault(), 0..25), INSTANCES);
    let parts = (vec(step, 1..20), faults, any::<bool>());
    parts.prop_map(|(steps, faults, is_atomic)| Schedule { steps, faults, is_atomic })
}

fn hold(expect: Expect, acts: impl Strategy<Value = Act> + 'static) {
    let seed = std::env::var("SESSIONS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    eprintln!("{SCHEDULES} schedules, SESSIONS_TEST_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = ProptestConfig { cases: SCHEDULES, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(&schedule(acts), |schedule| expect.check(&schedule.run()));
    if let Err(failure) = result {
        panic!("SESSIONS_TEST_SEED={seed}: {failure}");
    }
}

/// Changes, some of which are not to count.
fn changes() -> impl Strategy<Value = Act> {
    prop_oneof![6 => Just(Act::Change), 1 => Just(Act::Read), 1 => Just(Act::Refuse), 1 => Just(Act::Panic)]
}

#[test]
fn changes_are_applied_exactly_once() {
    hold(Expect::OneSession, changes());
}

#[test]
fn a_rotation_loses_nothing_and_doubles_nothing() {
    hold(Expect::OneSession, prop_oneof![6 => changes(), 2 => Just(Act::Rotate)]);
}

#[test]
fn a_deleted_session_stays_deleted() {
    hold(Expect::Ends, prop_oneof![8 => changes(), 1 => Just(Act::Rotate), 1 => Just(Act::Delete)]);
}

#[test]
fn a_sign_in_moves_all_changes_and_leaves_the_old_id_worthless() {
    hold(Expect::OneSession, prop_oneof![6 => changes(), 2 => Just(Act::SignIn), 1 => Just(Act::SignOut)]);
}

#[test]
fn what_was_ended_never_answers_again() {
    let acts = prop_oneof![
        6 => changes(),
        2 => Just(Act::SignIn),
        1 => Just(Act::SignOut),
        1 => Just(Act::EndAll),
        1 => Just(Act::Delete),
    ];
    hold(Expect::Ends, acts);
}

#[test]
fn all_at_once() {
    let acts = prop_oneof![
        6 => changes(),
        1 => Just(Act::SignIn),
        1 => Just(Act::SignOut),
        1 => Just(Act::Rotate),
        1 => Just(Act::EndAll),
        1 => Just(Act::Delete),
    ];
    hold(Expect::Ends, acts);
}
