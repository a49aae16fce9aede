//! What must be true in every state.

use stateright::Property;

use crate::{
    client::{Client, Operation, Outcome},
    search::Protocol,
    state::{INSTANCES, Stage, State, Turn},
    store::{KEYS, Kind, Record, WriteOutcome, write_outcome},
};

pub(crate) const LOST: &str = "no acknowledged change is lost";
pub(crate) const DOUBLED: &str = "no change is applied twice";
pub(crate) const APPLIED: &str = "what was reported as not applied never is";
pub(crate) const BACK: &str = "a deleted session stays deleted";
pub(crate) const ENDED: &str = "an id that has ended never answers again";
pub(crate) const OLD_ID: &str = "nobody is signed in under an old id";
pub(crate) const ONE_PLACE: &str = "a session is live under one key";

/// A property or a situation: its name, and whether a state has it.
type Named = (&'static str, fn(&Protocol, &State) -> bool);

const ALWAYS: [Named; 7] = [
    (LOST, |_, state| acknowledged_changes_are_there(state)),
    (DOUBLED, |_, state| state.store.records.iter().flatten().all(|record| record.twice.is_empty())),
    (APPLIED, |_, state| not_applied_is_true(state)),
    (BACK, |_, state| deleted_stays_deleted(state)),
    (ENDED, |_, state| state.store.ended.members().all(|key| state.store.answer(key).is_none())),
    (OLD_ID, |_, state| old_ids_are_not_signed_in(state)),
    (ONE_PLACE, |_, state| keys().all(|session| state.store.live(session).count() <= 1)),
];

/// What a search must meet, or it proves little.
const SITUATIONS: [Named; 8] = [
    ("a write in doubt was applied", |_, state| in_doubt(state, WriteOutcome::Applied, 1)),
    ("a write in doubt was not applied yet", |_, state| in_doubt(state, WriteOutcome::Pending, 1)),
    ("a write in doubt never will be applied", |_, state| in_doubt(state, WriteOutcome::Lost, 1)),
    ("nobody can know whether a write was applied", |_, state| in_doubt(state, WriteOutcome::Unknown, 1)),
    ("a batch of two is in doubt and was not applied yet", |_, state| in_doubt(state, WriteOutcome::Pending, 2)),
    ("a change follows a rotation", |_, state| state.clients.iter().any(|client| client.moved && client.changes())),
    ("a sign-in goes on with the session of another one", |_, state| {
        let signs_in = |client: &Client| client.operation() == Some(Operation::SignIn);
        let is_ended =
            |client: &Client| matches!(state.store.get(client.id), Some(Record { kind: Kind::Tombstone(_), .. }));
        state.clients.iter().any(|client| client.moved && signs_in(client) && is_ended(client))
    }),
    ("a client hears that its id has ended", |_, state| {
        state.clients.iter().any(|client| client.heard().any(|(_, _, outcome)| outcome == Outcome::Superseded))
    }),
];

pub(crate) fn all() -> Vec<Property<Protocol>> {
    let always = ALWAYS.iter().map(|(name, holds)| Property::always(name, *holds));
    always.chain(SITUATIONS.iter().map(|(name, is)| Property::sometimes(name, *is))).collect()
}

/// Whether the name is that of a property, not of a situation.
pub(crate) fn must_always_hold(name: &str) -> bool {
    ALWAYS.iter().any(|(property, _)| *property == name)
}

pub(crate) fn situations() -> impl Iterator<Item = &'static str> {
    SITUATIONS.iter().map(|(name, _)| *name)
}

/// Whether the store says this of a write in doubt that holds so many operations.
fn in_doubt(state: &State, what: WriteOutcome, operations: u32) -> bool {
    let mut turns = (0..).take(INSTANCES).flat_map(|instance| keys().map(move |key| (instance, key)));
    turns.any(|(instance, key)| match (state.turn(instance, key), state.store.get(key)) {
        (Some(Turn { stage: Stage::Doubt { base, write }, .. }), Some(now)) => {
            write.of.count() == operations && write_outcome(write.token(), *base, now) == what
        }
        _ => false,
    })
}

fn keys() -> impl Iterator<Item = u8> {
    (0..).take(KEYS)
}

/// An acknowledged change, which a sign-in and a first visit are too, is in the data, unless the session was deleted.
fn acknowledged_changes_are_there(state: &State) -> bool {
    state.clients.iter().all(|client| {
        let mut live = state.store.live(client.session());
        let Some(record) = live.next() else { return true };
        client.heard().all(|(operation, number, outcome)| match operation {
            Operation::Change | Operation::SignIn | Operation::Create => {
                outcome != Outcome::Done || record.data.has(number)
            }
            Operation::Rotate | Operation::Delete => true,
        })
    }) && is_only_gone_by_a_delete(state)
}

/// A session is gone only if a delete of it was applied.
fn is_only_gone_by_a_delete(state: &State) -> bool {
    state.store.live(0).next().is_some() || {
        let of_session = state.clients.iter().filter(|client| client.session() == 0);
        let mut deletes = of_session.flat_map(Client::numbered).filter(|(op, _)| *op == Operation::Delete);
        deletes.any(|(_, number)| state.store.applied.has(number))
    }
}

fn not_applied_is_true(state: &State) -> bool {
    let mut heard = state.clients.iter().flat_map(Client::heard);
    heard.all(|(_, number, outcome)| match outcome {
        Outcome::NotApplied | Outcome::Superseded => !state.store.applied.has(number),
        Outcome::Done | Outcome::Unknown | Outcome::Gone => true,
    })
}

fn deleted_stays_deleted(state: &State) -> bool {
    state.clients.iter().all(|client| {
        let deleted =
            client.heard().any(|(operation, _, outcome)| operation == Operation::Delete && outcome == Outcome::Done);
        !deleted || state.store.live(client.session()).next().is_none()
    })
}

/// A signed-in session answers only under ids that were made at the sign-in or later.
fn old_ids_are_not_signed_in(state: &State) -> bool {
    keys().all(|key| {
        let signed_in = state.store.answer(key).is_some_and(|record| record.signed_in);
        !signed_in || state.store.born_signed_in.has(key)
    })
}
