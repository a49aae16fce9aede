//! The clients of the model: what each wants, how far it is, and which answers it got.

use crate::store::{Key, SECOND};

/// How many operations one client does, one after the other.
pub(crate) const STEPS: usize = 2;

/// What a client asks an instance for.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Change,
    SignIn,
    Rotate,
    Delete,
    /// A first visit: a new session under a fresh id.
    Create,
}

/// The result of an operation.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// `Error::Busy`, or `Error::Unavailable` with `Outcome::NotApplied`.
    NotApplied,
    Unknown,
    /// There is no session of this id.
    Gone,
    /// The id ended at a sign-in.
    Superseded,
}

/// How far the client's operation is.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has not begun.
    Ready,
    /// It waits in the queue of this key, and no write with it is under way.
    Waiting(Key),
    /// A write with it was sent, and is under way or in doubt.
    Sent(Key),
}

/// One client. It stays on its instance.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) number: u8,
    pub(crate) instance: u8,
    script: [Option<Operation>; STEPS],
    step: u8,
    pub(crate) phase: Phase,
    /// The id in its cookie.
    pub(crate) id: Key,
    /// Whether a rotation or a sign-in has led its operation to a successor.
    pub(crate) moved: bool,
    pub(crate) outcomes: [Option<Outcome>; STEPS],
}

impl Client {
    pub(crate) fn new(number: u8, instance: u8, script: [Option<Operation>; STEPS]) -> Self {
        let creates = script[0] == Some(Operation::Create);
        let id = if creates { Self::fresh(number) } else { 0 };
        Self { number, instance, script, step: 0, phase: Phase::Ready, id, moved: false, outcomes: [None; STEPS] }
    }

    /// The key of the first id that a client gets.
    fn fresh(number: u8) -> Key {
        number + 1
    }

    /// The key of the id that this client's operation makes.
    pub(crate) fn new_key(&self) -> Key {
        let had_one = self.step > 0 && matches!(self.script[0], Some(Operation::SignIn | Operation::Rotate));
        if had_one { SECOND } else { Self::fresh(self.number) }
    }

    /// The first key of the session that this client uses.
    pub(crate) fn session(&self) -> Key {
        if self.script[0] == Some(Operation::Create) { Self::fresh(self.number) } else { 0 }
    }

    /// The operation that is next or under way.
    pub(crate) fn operation(&self) -> Option<Operation> {
        *self.script.get(usize::from(self.step))?
    }

    /// The number of that operation among those of all clients.
    pub(crate) fn operation_number(&self) -> u8 {
        self.number * 2 + self.step
    }

    pub(crate) fn is_waiting(&self, instance: u8, key: Key) -> bool {
        self.instance == instance && self.phase == Phase::Waiting(key)
    }

    pub(crate) fn is_sent(&self, instance: u8, key: Key) -> bool {
        self.instance == instance && self.phase == Phase::Sent(key)
    }

    pub(crate) fn changes(&self) -> bool {
        self.operation() == Some(Operation::Change)
    }

    /// The client hears the outcome and goes on to its next operation.
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        self.outcomes[usize::from(self.step)] = Some(outcome);
        let created = self.operation() == Some(Operation::Create);
        self.step += 1;
        (self.phase, self.moved) = (Phase::Ready, false);
        if created && outcome != Outcome::Done {
            // It has no id: what comes then is another client's first visit.
            self.step = 2;
        }
    }

    /// Its operations, each with its number.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (Operation, u8)> {
        self.script.into_iter().zip(self.number * 2..).filter_map(|(operation, number)| Some((operation?, number)))
    }

    /// The operations that have ended, each with its number and outcome.
    pub(crate) fn heard(&self) -> impl Iterator<Item = (Operation, u8, Outcome)> {
        let ended = self.numbered().zip(self.outcomes);
        ended.filter_map(|((operation, number), outcome)| Some((operation, number, outcome?)))
    }
}
