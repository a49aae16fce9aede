//! The protocol, step by step: what an instance, the network and a client can do in a state.

use crate::{
    bits::Bits,
    bug::Bug,
    client::{Client, Operation, Outcome, Phase},
    state::{Action, INSTANCES, Job, Stage, State, Turn},
    store::{Condition, Effect, KEYS, Key, Kind, Record, SPARE, Write, WriteOutcome, write_outcome},
};

/// A token that no operation uses, for a bug.
const OTHER_TOKEN: u8 = 200;

/// What is added to the token of a sign-in or rotation that is tried with another new id.
const ANOTHER: u8 = 100;

impl State {
    /// All that can happen next.
    pub(crate) fn possible(&self, actions: &mut Vec<Action>) {
        for client in &self.clients {
            match (client.operation(), client.phase) {
                (None, _) => {}
                (Some(_), Phase::Ready) => actions.push(Action::Arrive(client.number)),
                (Some(_), Phase::Waiting(_) | Phase::Sent(_)) => actions.push(Action::GiveUp(client.number)),
            }
        }
        for instance in (0..).take(INSTANCES) {
            for key in (0..).take(KEYS) {
                match self.turn(instance, key).map(|turn| &turn.stage) {
                    None => self.possible_turns(instance, key, actions),
                    Some(Stage::Read) => actions.push(Action::Read(instance, key)),
                    Some(Stage::Doubt { .. }) => actions.push(Action::Look(instance, key)),
                    Some(Stage::Base(_)) => actions.push(Action::Send(instance, key)),
                    Some(Stage::Sent { .. }) => actions.extend([
                        Action::Answer(instance, key),
                        Action::Refuse(instance, key),
                        Action::LoseAnswer(instance, key),
                    ]),
                }
            }
        }
        let late = self.late.iter().filter(|write| self.store.admits(write));
        actions.extend(late.map(|write| Action::ApplyLate(*write)));
    }

    /// The turns that can begin: one for all changes that wait, or one for another operation alone.
    fn possible_turns(&self, instance: u8, key: Key, actions: &mut Vec<Action>) {
        let cached = self.cached(instance, key).is_some();
        let waiting = || self.clients.iter().filter(|client| client.is_waiting(instance, key));
        let mut jobs = Vec::new();
        if waiting().any(Client::changes) {
            jobs.push((Job::Batch, cached));
        }
        for client in waiting().filter(|client| !client.changes()) {
            jobs.push((Job::One(client.number), false));
        }
        for (job, cached) in jobs {
            actions.push(Action::Begin { instance, key, job, cached: false });
            if cached {
                actions.push(Action::Begin { instance, key, job, cached: true });
            }
        }
    }

    /// The state after an action.
    pub(crate) fn after(&self, action: Action, bug: Option<Bug>) -> Self {
        let mut next = self.clone();
        match action {
            Action::Arrive(client) => {
                let client = &mut next.clients[usize::from(client)];
                client.phase = Phase::Waiting(client.id);
            }
            Action::GiveUp(client) => next.give_up(client, bug),
            Action::Begin { instance, key, job, cached } => next.begin(instance, key, job, cached, bug),
            Action::Read(instance, key) => next.read(instance, key, bug),
            Action::Send(instance, key) => next.send(instance, key, bug),
            Action::Answer(instance, key) => next.answer(instance, key, bug),
            Action::Refuse(instance, key) => next.refused(instance, key),
            Action::LoseAnswer(instance, key) => next.lose_answer(instance, key, bug),
            Action::Look(instance, key) => next.look(instance, key, bug),
            Action::ApplyLate(write) => {
                next.store.apply(&write);
                next.late.retain(|late| *late != write);
            }
        }
        next.tidy();
        next
    }

    /// The client's time is over. What it hears depends on whether a write with its operation was sent.
    fn give_up(&mut self, number: u8, bug: Option<Bug>) {
        let client = &mut self.clients[usize::from(number)];
        let (instance, phase) = (client.instance, client.phase);
        let (key, outcome) = match phase {
            Phase::Ready => return,
            Phase::Waiting(key) => (key, Outcome::NotApplied),
            Phase::Sent(key) if bug == Some(Bug::DeadlineIsNotApplied) => (key, Outcome::NotApplied),
            Phase::Sent(key) => (key, Outcome::Unknown),
        };
        client.finish(outcome);
        let Some(turn) = self.turn(instance, key) else { return };
        let somebody_left = match (turn.job, &turn.stage) {
            (Job::One(client), _) => client != number,
            (Job::Batch, Stage::Base(_) | Stage::Read) => {
                self.clients.iter().any(|client| client.is_waiting(instance, key) && client.changes())
            }
            (Job::Batch, _) => self.clients.iter().any(|client| client.is_sent(instance, key)),
        };
        if !somebody_left {
            if let Stage::Sent { write, .. } = turn.stage {
                self.late.push(write);
            }
            self.end_turn(instance, key, None);
        }
    }

    /// The turn comes: with the record that the cache holds, or with one that is read now.
    fn begin(&mut self, instance: u8, key: Key, job: Job, cached: bool, bug: Option<Bug>) {
        let first = match job {
            Job::Batch => self.clients.iter().find(|client| client.is_waiting(instance, key) && client.changes()),
            Job::One(number) => self.clients.get(usize::from(number)),
        };
        let Some(client) = first else { return };
        let token = client.operation_number() + 1;
        let create = client.operation() == Some(Operation::Create);
        let stage = match self.cached(instance, key) {
            _ if create => Stage::Base(Record { revisions: [0, 0], version: 0, ..Record::FIRST }),
            Some(record) if cached => Stage::Base(record),
            _ => Stage::Read,
        };
        let read = stage == Stage::Read;
        self.set_turn(instance, key, Turn { job, token, stage, earlier: None });
        if read {
            self.read(instance, key, bug);
        } else {
            self.send(instance, key, bug);
        }
    }

    fn read(&mut self, instance: u8, key: Key, bug: Option<Bug>) {
        match self.store.get(key) {
            None => self.gone(instance, key),
            Some(now) => self.base(instance, key, now, bug),
        }
    }

    /// There is no record, or none any more.
    fn gone(&mut self, instance: u8, key: Key) {
        self.each_entry(instance, key, |client| {
            let deletes = client.operation() == Some(Operation::Delete);
            client.finish(if deletes { Outcome::Done } else { Outcome::Gone });
        });
        self.end_turn(instance, key, None);
    }

    /// What is stored is known, and nothing of this turn is in doubt.
    fn base(&mut self, instance: u8, key: Key, now: Record, bug: Option<Bug>) {
        self.each_entry(instance, key, |client| client.phase = Phase::Waiting(key));
        let Some(turn) = self.turn_mut(instance, key) else { return };
        (turn.stage, turn.earlier) = (Stage::Base(now), None);
        match now.kind {
            Kind::Live => {}
            Kind::Tombstone(successor) => {
                let wrong = bug == Some(Bug::DeleteOfAnEndedId);
                self.each_entry(instance, key, |client| match client.operation() {
                    Some(Operation::SignIn) => {
                        (client.phase, client.moved) = (Phase::Waiting(successor), true);
                    }
                    Some(Operation::Delete) if wrong => client.finish(Outcome::Done),
                    _ => client.finish(Outcome::Superseded),
                });
                self.end_turn(instance, key, None);
            }
            Kind::Forward(successor) => {
                self.each_entry(instance, key, |client| match client.operation() {
                    // Within the grace a second rotation changes nothing.
                    Some(Operation::Rotate) => client.finish(Outcome::Done),
                    Some(Operation::Delete) if client.moved && bug == Some(Bug::DeleteFollowsOnce) => {
                        client.finish(Outcome::Done);
                    }
                    // A delete follows as far as there is something.
                    Some(Operation::Delete) => (client.phase, client.moved) = (Phase::Waiting(successor), true),
                    _ if client.moved => client.finish(Outcome::Gone),
                    _ => (client.phase, client.moved) = (Phase::Waiting(successor), true),
                });
                self.end_turn(instance, key, None);
            }
        }
    }

    /// Makes one write of the turn's work and sends it. A batch takes all changes that wait now.
    fn send(&mut self, instance: u8, key: Key, bug: Option<Bug>) {
        let Some(&Turn { job, token, stage: Stage::Base(base), .. }) = self.turn(instance, key) else { return };
        self.each_entry(instance, key, |client| client.phase = Phase::Sent(key));
        let mut of = Bits::NONE;
        let mut next = base;
        next.push(token);
        let mut operation = Operation::Change;
        for client in self.clients.iter().filter(|client| client.is_sent(instance, key)) {
            of.add(client.operation_number());
            operation = client.operation().unwrap_or(operation);
        }
        let mut condition = Condition::Unchanged(base.version);
        let mut changed = next;
        // (Of a sign-in in two steps, which is a bug, the first has changed the data already.)
        if operation != Operation::Rotate && !(operation == Operation::SignIn && base.data.has(token - 1)) {
            of.members().for_each(|operation| changed.change(operation));
        }
        let effect = match (operation, job) {
            (Operation::Change, _) | (_, Job::Batch) => Effect::Put(changed),
            (Operation::Create, _) => {
                condition = Condition::Absent;
                Effect::Put(changed)
            }
            (Operation::Delete, _) => Effect::Delete,
            (Operation::SignIn, _) if bug == Some(Bug::SignInInTwoSteps) && !base.signed_in => {
                Effect::Put(Record { signed_in: true, ..changed })
            }
            (Operation::SignIn, Job::One(client)) => {
                let new_key = self.clients[usize::from(client)].new_key();
                let grace = bug == Some(Bug::SignInWithGrace);
                let old = next.moved(if grace { Kind::Forward(new_key) } else { Kind::Tombstone(new_key) });
                let revisions = [0, token];
                Effect::PutBoth { old, new_key, new: Record { signed_in: true, revisions, ..changed } }
            }
            (Operation::Rotate, Job::One(client)) => {
                let new_key = self.clients[usize::from(client)].new_key();
                let new = Record { revisions: [0, token], ..changed };
                Effect::PutBoth { old: next.moved(Kind::Forward(new_key)), new_key, new }
            }
        };
        match (bug, effect) {
            (Some(Bug::PutWithoutCondition), Effect::Put(_)) | (Some(Bug::DeleteWithoutCondition), Effect::Delete) => {
                condition = Condition::Nothing;
            }
            _ => {}
        }
        let write = Write { key, condition, effect, of };
        self.set_turn(
            instance,
            key,
            Turn { job, token, stage: Stage::Sent { base, write, doubt: false }, earlier: None },
        );
    }

    /// The store does the write, or refuses it, and the instance hears so.
    fn answer(&mut self, instance: u8, key: Key, bug: Option<Bug>) {
        let Some(&Turn { stage: Stage::Sent { write, .. }, .. }) = self.turn(instance, key) else { return };
        if self.store.apply(&write) {
            self.applied(instance, key, &write, bug);
        } else {
            self.refused(instance, key);
        }
    }

    /// This copy of the write was not applied. If there was an earlier one, that may have been.
    fn refused(&mut self, instance: u8, key: Key) {
        let Some(turn) = self.turn_mut(instance, key) else { return };
        if let Stage::Sent { base, write, doubt: true } = turn.stage {
            turn.stage = Stage::Doubt { base, write };
            return;
        }
        self.each_entry(instance, key, |client| client.phase = Phase::Waiting(key));
        if let Some(turn) = self.turn_mut(instance, key) {
            turn.stage = Stage::Read;
        }
    }

    /// The call takes too long. It may be applied now, later or never.
    fn lose_answer(&mut self, instance: u8, key: Key, bug: Option<Bug>) {
        let Some(turn) = self.turn_mut(instance, key) else { return };
        let Stage::Sent { base, write, .. } = turn.stage else { return };
        turn.stage = Stage::Doubt { base, write };
        self.late.push(write);
        if bug == Some(Bug::LostAnswerIsNotApplied) {
            self.each_entry(instance, key, |client| client.finish(Outcome::NotApplied));
            self.end_turn(instance, key, None);
        }
    }

    /// The instance looks what became of a write whose answer was lost.
    fn look(&mut self, instance: u8, key: Key, bug: Option<Bug>) {
        let Some(&Turn { job, mut token, stage: Stage::Doubt { base, mut write }, mut earlier }) =
            self.turn(instance, key)
        else {
            return;
        };
        let now = self.store.get(key);
        if base.version == 0 {
            // A new session. "Must not exist" holds again after a delete, so it's never sent again under this id.
            match now {
                Some(_) => self.applied(instance, key, &write, bug),
                None if bug == Some(Bug::CreateSentAgain) => {
                    let stage = Stage::Sent { base, write, doubt: true };
                    self.set_turn(instance, key, Turn { job, token, stage, earlier });
                }
                None => {
                    self.each_entry(instance, key, |client| client.finish(Outcome::Unknown));
                    self.end_turn(instance, key, None);
                }
            }
            return;
        }
        let Some(now) = now else { return self.gone(instance, key) };
        if let Some(earlier) =
            earlier.filter(|earlier| write_outcome(earlier.token(), base, now) == WriteOutcome::Applied)
        {
            return self.applied(instance, key, &earlier, bug);
        }
        match write_outcome(write.token(), base, now) {
            WriteOutcome::Applied => self.applied(instance, key, &write, bug),
            WriteOutcome::Pending if bug == Some(Bug::BatchFoldedAgainInDoubt) => self.base(instance, key, now, bug),
            WriteOutcome::Pending => {
                if bug == Some(Bug::NewRevisionOnResend)
                    && let Effect::Put(record) = &mut write.effect
                {
                    token = OTHER_TOKEN;
                    record.revisions[1] = token;
                }
                if earlier.is_none()
                    && let Some(another) = self.with_another_id(&write)
                {
                    (earlier, write) = (Some(write), another);
                }
                let stage = Stage::Sent { base, write, doubt: true };
                self.set_turn(instance, key, Turn { job, token, stage, earlier });
            }
            WriteOutcome::Lost => self.base(instance, key, now, bug),
            // A delete leaves no revision, and needs none: if the record is another one now, it did not happen.
            WriteOutcome::Unknown if write.effect == Effect::Delete || bug == Some(Bug::ListNeedNotReachBack) => {
                self.base(instance, key, now, bug);
            }
            WriteOutcome::Unknown => {
                self.each_entry(instance, key, |client| client.finish(Outcome::Unknown));
                self.end_turn(instance, key, None);
            }
        }
    }

    /// A sign-in or a rotation that is tried again takes another new id, and the first try stays in doubt. Both wait for
    /// the same version of the old record, so one of them at most is applied. (The code takes a new id for each try; the
    /// model for the second one, and then sends that again.)
    fn with_another_id(&self, write: &Write) -> Option<Write> {
        let Effect::PutBoth { mut old, mut new, .. } = write.effect else { return None };
        let is_used = |write: &&Write| matches!(write.effect, Effect::PutBoth { new_key: SPARE, .. });
        if self.store.was_used(SPARE) || self.under_way().any(|write| is_used(&write)) {
            return None;
        }
        let token = write.token() + ANOTHER;
        (old.revisions[1], new.revisions[1]) = (token, token);
        old.kind = match old.kind {
            Kind::Forward(_) => Kind::Forward(SPARE),
            Kind::Tombstone(_) => Kind::Tombstone(SPARE),
            Kind::Live => Kind::Live,
        };
        Some(Write { effect: Effect::PutBoth { old, new_key: SPARE, new }, ..*write })
    }

    /// This write of the turn's counted: its clients hear so.
    fn applied(&mut self, instance: u8, key: Key, write: &Write, bug: Option<Bug>) {
        let Some(turn) = self.turn(instance, key) else { return };
        let (job, now) = (turn.job, self.store.get(key));
        if let (Job::One(client), Effect::Put(Record { signed_in: true, .. }), Some(now)) = (job, write.effect, now)
            && self.clients[usize::from(client)].operation() == Some(Operation::SignIn)
        {
            // Only if it is in two steps, which is a bug: the second step comes now.
            return self.base(instance, key, now, bug);
        }
        self.each_entry(instance, key, |client| {
            if let Effect::PutBoth { new_key, .. } = write.effect {
                client.id = new_key;
            }
            client.finish(Outcome::Done);
        });
        if let Effect::PutBoth { new_key, .. } = write.effect {
            self.cache(instance, new_key, self.store.get(new_key));
        }
        self.end_turn(instance, key, now);
    }
}
