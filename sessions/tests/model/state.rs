//! A state of the whole system, and what can happen in it.

use crate::{
    client::Client,
    store::{KEYS, Key, Kind, Record, Store, Write},
};

/// How many instances of the app there are.
pub(crate) const INSTANCES: usize = 2;

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A client's request comes to its instance and joins the queue.
    Arrive(u8),
    /// A client's time is over.
    GiveUp(u8),
    /// A turn begins, on what the cache holds or on what is read now.
    Begin { instance: u8, key: Key, job: Job, cached: bool },
    /// The instance reads what is stored, after a refused write.
    Read(u8, Key),
    /// The instance sends the turn's write.
    Send(u8, Key),
    /// The write arrives, and its answer too.
    Answer(u8, Key),
    /// The write is refused because others are in the way (an aborted commit).
    Refuse(u8, Key),
    /// No answer comes in time; the write stays in the network.
    LoseAnswer(u8, Key),
    /// The instance looks what became of the write whose answer was lost.
    Look(u8, Key),
    /// A write that was given up is applied all the same.
    ApplyLate(Write),
}

/// Who has the turn.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) enum Job {
    /// All changes that wait.
    Batch,
    /// One client's sign-in, rotation, delete or first visit.
    One(u8),
}

/// How far a turn is.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It must read first.
    Read,
    /// It knows what is stored, or was a moment ago.
    Base(Record),
    /// Its write is under way. `doubt`: an earlier copy of it was, too, and may still be.
    Sent { base: Record, write: Write, doubt: bool },
    /// Nobody knows yet whether its write was applied.
    Doubt { base: Record, write: Write },
}

/// The turn to work on a session, of which an instance has one at a time for each key.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) job: Job,
    /// The revision that its writes leave in the record.
    pub(crate) token: u8,
    pub(crate) stage: Stage,
    /// A first try of a sign-in or rotation, with another new id, that is in doubt as well.
    pub(crate) earlier: Option<Write>,
}

/// Everything: the store, the network, the instances and the clients.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) store: Store,
    /// Writes that were given up and are still in the network, in order. A set: of two copies of one conditional
    /// write at most one is ever applied.
    pub(crate) late: Vec<Write>,
    caches: [[Option<Record>; KEYS]; INSTANCES],
    turns: [[Option<Turn>; KEYS]; INSTANCES],
    pub(crate) clients: Vec<Client>,
}

impl State {
    pub(crate) fn new(clients: Vec<Client>) -> Self {
        // Both instances have seen the session that exists at the start.
        let mut seen = [None; KEYS];
        seen[0] = Some(Record::FIRST);
        let turns = [[None; KEYS]; INSTANCES];
        Self { store: Store::new(), late: Vec::new(), caches: [seen; INSTANCES], turns, clients }
    }

    pub(crate) fn cached(&self, instance: u8, key: Key) -> Option<Record> {
        self.caches[usize::from(instance)][usize::from(key)]
    }

    /// Remembers what this instance saw last. A record that leads elsewhere is not worth it.
    pub(crate) fn cache(&mut self, instance: u8, key: Key, seen: Option<Record>) {
        let seen = seen.filter(|record| record.kind == Kind::Live);
        self.caches[usize::from(instance)][usize::from(key)] = seen;
    }

    pub(crate) fn turn(&self, instance: u8, key: Key) -> Option<&Turn> {
        self.turns[usize::from(instance)][usize::from(key)].as_ref()
    }

    pub(crate) fn turn_mut(&mut self, instance: u8, key: Key) -> Option<&mut Turn> {
        self.turns[usize::from(instance)][usize::from(key)].as_mut()
    }

    pub(crate) fn set_turn(&mut self, instance: u8, key: Key, turn: Turn) {
        self.turns[usize::from(instance)][usize::from(key)] = Some(turn);
    }

    /// The writes that may still arrive, or be sent again.
    pub(crate) fn under_way(&self) -> impl Iterator<Item = &Write> {
        let of_turns = self.turns.iter().flatten().flatten().filter_map(|turn| match &turn.stage {
            Stage::Sent { write, .. } | Stage::Doubt { write, .. } => Some(write),
            Stage::Read | Stage::Base(_) => None,
        });
        self.late.iter().chain(of_turns)
    }

    /// Ends the turn; `seen` is what the instance remembers of the record.
    pub(crate) fn end_turn(&mut self, instance: u8, key: Key, seen: Option<Record>) {
        self.turns[usize::from(instance)][usize::from(key)] = None;
        self.cache(instance, key, seen);
    }

    /// Does something to each client whose operation is this turn's work: those whose write was sent, or, if none
    /// was, those that the next write would take.
    pub(crate) fn each_entry(&mut self, instance: u8, key: Key, mut act: impl FnMut(&mut Client)) {
        let Some(turn) = self.turn(instance, key) else { return };
        let (job, unsent) = (turn.job, matches!(turn.stage, Stage::Read | Stage::Base(_)));
        for client in &mut self.clients {
            let waits = client.is_waiting(instance, key) && unsent;
            let its = match job {
                Job::Batch => client.is_sent(instance, key) || (waits && client.changes()),
                Job::One(number) => client.number == number,
            };
            if its {
                act(client);
            }
        }
    }

    /// Drops what can have no effect any more, so that states which differ only in that count as one.
    pub(crate) fn tidy(&mut self) {
        let store = &self.store;
        self.late.retain(|write| store.may_admit(write));
        self.late.sort_unstable();
        self.late.dedup();
        for (instance, cache) in (0..).zip(&mut self.caches) {
            let to_come = |client: &&Client| client.instance == instance && client.operation().is_some();
            if !self.clients.iter().any(|client| to_come(&client)) {
                *cache = [None; KEYS];
            }
        }
    }
}
