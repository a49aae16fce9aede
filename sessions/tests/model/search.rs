//! The searches: everything for two and for three clients, and one for each planted bug.

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::{
    bug::Bug,
    client::Operation::{Change, Create, Delete},
    properties::{self, APPLIED, BACK, DOUBLED, ENDED, LOST, OLD_ID},
    scenarios::{DOUBLE, SINGLE, Script, TWO_IDS, all, start},
    state::{Action, State},
};

/// The protocol, from these states on, right or with a bug.
pub(crate) struct Protocol {
    starts: Vec<State>,
    bug: Option<Bug>,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.starts.clone()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.possible(actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(state.after(action, self.bug))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

/// Searches everything from these states on; returns the names of the situations that were met.
fn holds(name: &str, starts: Vec<State>) -> Vec<&'static str> {
    let (scenarios, begun) = (starts.len(), Instant::now());
    let checker = Protocol { starts, bug: None }.checker().threads(2).spawn_bfs().join();
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!("{name}: {scenarios} scenarios, {states} states, {steps} steps, {:.1?}", begun.elapsed());
    let mut met = Vec::new();
    for (name, path) in checker.discoveries() {
        if properties::must_always_hold(name) {
            let last = path.last_state().clone();
            let steps: Vec<_> = path.into_actions().iter().map(|action| format!("  {action:?}\n")).collect();
            panic!("not true: {name}\n{}{last:#?}", steps.concat());
        }
        met.push(name);
    }
    met
}

/// Three operations in all.
#[test]
fn two_clients() {
    let starts = all(2, &[SINGLE.as_slice(), &DOUBLE].concat());
    let operations = |start: &State| start.clients.iter().map(|client| client.numbered().count()).sum::<usize>();
    holds("two clients", starts.into_iter().filter(|start| operations(start) <= 3).collect());
}

/// One of the clients gets two new ids, so that there is a chain of them.
#[test]
fn two_clients_and_two_new_ids() {
    let starts = SINGLE.iter().flat_map(|other| {
        TWO_IDS.map(|script| [start(&[(0, script), (0, *other)]), start(&[(0, script), (1, *other)])])
    });
    holds("two clients and two new ids", starts.flatten().collect());
}

#[test]
fn three_clients() {
    let met = holds("three clients", all(3, &SINGLE));
    let never: Vec<_> = properties::situations().filter(|situation| !met.contains(situation)).collect();
    assert!(never.is_empty(), "the search is to meet these, and did not: {never:?}");
}

/// The search finds this bug: with it the property does not hold, and without it all do.
fn finds(bug: Bug, property: &'static str, clients: &[(u8, Script)]) {
    holds("without the bug", vec![start(clients)]);
    let protocol = Protocol { starts: vec![start(clients)], bug: Some(bug) };
    let until = HasDiscoveries::AnyOf([property].into());
    let checker = protocol.checker().finish_when(until).spawn_bfs().join();
    let Some(path) = checker.discovery(property) else { panic!("{bug:?} was not found: {property}") };
    println!("{bug:?}: {} states until it is found", checker.unique_state_count());
    println!("not true any more: {property}, by these steps:");
    path.into_actions().iter().for_each(|action| println!("  {action:?}"));
}

const CHANGE: Script = SINGLE[0];
const SIGN_IN: Script = SINGLE[1];
const ROTATE: Script = SINGLE[2];
const DELETE: Script = SINGLE[3];

#[test]
fn finds_a_put_without_its_condition() {
    finds(Bug::PutWithoutCondition, LOST, &[(0, CHANGE), (1, CHANGE)]);
}

#[test]
fn finds_a_new_revision_on_a_resend() {
    finds(Bug::NewRevisionOnResend, DOUBLED, &[(0, CHANGE)]);
}

#[test]
fn finds_a_lost_answer_that_counts_as_not_applied() {
    finds(Bug::LostAnswerIsNotApplied, APPLIED, &[(0, CHANGE)]);
}

#[test]
fn finds_a_deadline_that_counts_as_not_applied() {
    finds(Bug::DeadlineIsNotApplied, APPLIED, &[(0, CHANGE)]);
}

#[test]
fn finds_a_batch_that_is_folded_again_while_in_doubt() {
    finds(Bug::BatchFoldedAgainInDoubt, LOST, &[(0, CHANGE), (0, CHANGE)]);
}

#[test]
fn finds_a_first_visit_that_is_sent_again() {
    finds(Bug::CreateSentAgain, ENDED, &[(0, [Some(Create), Some(Delete)])]);
}

#[test]
fn finds_a_delete_without_its_condition() {
    finds(Bug::DeleteWithoutCondition, BACK, &[(0, ROTATE), (1, DELETE)]);
}

#[test]
fn finds_a_delete_that_follows_one_rotation_only() {
    finds(Bug::DeleteFollowsOnce, BACK, &[(0, TWO_IDS[0]), (1, DELETE)]);
}

#[test]
fn finds_a_delete_that_is_acknowledged_though_a_sign_in_was_first() {
    finds(Bug::DeleteOfAnEndedId, BACK, &[(0, SIGN_IN), (1, DELETE)]);
}

#[test]
fn finds_a_sign_in_in_two_steps() {
    finds(Bug::SignInInTwoSteps, OLD_ID, &[(0, SIGN_IN)]);
}

#[test]
fn finds_a_sign_in_whose_old_id_leads_to_the_new_one() {
    finds(Bug::SignInWithGrace, OLD_ID, &[(0, SIGN_IN)]);
}

#[test]
fn finds_a_list_that_need_not_reach_back() {
    finds(Bug::ListNeedNotReachBack, DOUBLED, &[(0, CHANGE), (1, [Some(Change), Some(Change)])]);
}
