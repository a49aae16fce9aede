//! The store of the model: records, conditional writes, and what the store knows that no client does.

use crate::bits::Bits;

/// How many keys there are: the session that exists at the start, one that each of three clients may make, and two
/// more.
pub(crate) const KEYS: usize = 6;

/// The second key of a client that makes two.
pub(crate) const SECOND: Key = 4;

/// The key of the id that a sign-in or rotation takes when it's tried again.
pub(crate) const SPARE: Key = 5;

/// How many revisions a record keeps; the code keeps eight. With two, two writes by others are enough to push
/// out a revision, so a search of few writers gets there.
const REVISIONS: usize = 2;

/// The index of a key.
pub(crate) type Key = u8;

/// The token of a write; 0 is an empty place in the list.
pub(crate) type Token = u8;

/// Where a record leads.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Live,
    /// A plain rotation: for a time the old id still leads to the new record.
    Forward(Key),
    /// A sign-in: the old id grants nothing, but a further sign-in goes on with the new record.
    Tombstone(Key),
}

/// One record, as `sessions/src/record.rs` has it.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) version: u8,
    pub(crate) revisions: [Token; REVISIONS],
    /// Which operations' changes are in the data, and those that are in it a second time.
    pub(crate) data: Bits,
    pub(crate) twice: Bits,
    pub(crate) signed_in: bool,
    pub(crate) kind: Kind,
}

impl Record {
    /// A session that somebody made earlier.
    pub(crate) const FIRST: Self = Self {
        version: 1,
        revisions: [0, 255],
        data: Bits::NONE,
        twice: Bits::NONE,
        signed_in: false,
        kind: Kind::Live,
    };

    pub(crate) fn change(&mut self, operation: u8) {
        if self.data.has(operation) {
            self.twice.add(operation);
        }
        self.data.add(operation);
    }

    pub(crate) fn push(&mut self, token: Token) {
        self.revisions = [self.revisions[1], token];
    }

    /// What stays under the old key when the session moves.
    pub(crate) fn moved(mut self, kind: Kind) -> Self {
        (self.kind, self.data, self.twice) = (kind, Bits::NONE, Bits::NONE);
        self
    }

    fn newest(self) -> Token {
        self.revisions[1]
    }

    fn is_full(self) -> bool {
        self.revisions[0] != 0
    }
}

/// What must hold for a write to happen.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    Absent,
    Unchanged(u8),
    /// No condition. The code never does that; some of the planted bugs do.
    Nothing,
}

/// A call that changes the store. It can be applied any number of times; its condition is what stops that.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) condition: Condition,
    pub(crate) effect: Effect,
    /// The operations whose work this is.
    pub(crate) of: Bits,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    Put(Record),
    Delete,
    /// The old record is replaced, and a new one made under a key that must be absent, both or neither.
    PutBoth {
        old: Record,
        new_key: Key,
        new: Record,
    },
}

impl Write {
    /// The revision that it leaves in the record; a delete leaves none.
    pub(crate) fn token(&self) -> Token {
        match self.effect {
            Effect::Put(record) | Effect::PutBoth { old: record, .. } => record.revisions[1],
            Effect::Delete => 0,
        }
    }
}

/// What is stored, and its history.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) records: [Option<Record>; KEYS],
    /// The last version that each key had; versions never come back.
    versions: [u8; KEYS],
    /// The first key of the session that each key belongs to.
    pub(crate) session: [Key; KEYS],
    /// History: the operations whose writes were ever applied.
    pub(crate) applied: Bits,
    /// History: the keys whose record was deleted or made a tombstone.
    pub(crate) ended: Bits,
    /// History: the keys whose record was signed in when it was made.
    pub(crate) born_signed_in: Bits,
}

impl Store {
    pub(crate) fn new() -> Self {
        let mut records = [None; KEYS];
        records[0] = Some(Record::FIRST);
        let mut versions = [0; KEYS];
        versions[0] = Record::FIRST.version;
        Self {
            records,
            versions,
            session: [0, 1, 2, 3, 4, 5],
            applied: Bits::NONE,
            ended: Bits::NONE,
            born_signed_in: Bits::NONE,
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<Record> {
        self.records[usize::from(key)]
    }

    /// Whether there was ever a record under this key.
    pub(crate) fn was_used(&self, key: Key) -> bool {
        self.versions[usize::from(key)] > 0
    }

    /// Whether the write's condition holds.
    pub(crate) fn admits(&self, write: &Write) -> bool {
        let stored = self.get(write.key);
        let holds = match write.condition {
            Condition::Absent => stored.is_none(),
            Condition::Unchanged(version) => stored.is_some_and(|stored| stored.version == version),
            Condition::Nothing => true,
        };
        match write.effect {
            Effect::PutBoth { new_key, .. } => holds && self.get(new_key).is_none(),
            Effect::Put(_) | Effect::Delete => holds,
        }
    }

    /// Whether the write could still happen at some time. One that waits for a version that has passed never can.
    pub(crate) fn may_admit(&self, write: &Write) -> bool {
        self.admits(write) || write.condition == Condition::Absent
    }

    /// Does the write if its condition holds, and returns whether it did.
    pub(crate) fn apply(&mut self, write: &Write) -> bool {
        if !self.admits(write) {
            return false;
        }
        match write.effect {
            Effect::Put(record) => self.write(write.key, record),
            Effect::Delete => {
                if self.records[usize::from(write.key)].take().is_some() {
                    self.ended.add(write.key);
                }
            }
            Effect::PutBoth { old, new_key, new } => {
                self.write(write.key, old);
                self.write(new_key, new);
                self.session[usize::from(new_key)] = self.session[usize::from(write.key)];
            }
        }
        self.applied = self.applied.and(write.of);
        true
    }

    fn write(&mut self, key: Key, mut record: Record) {
        let index = usize::from(key);
        let made = self.versions[index] == 0;
        self.versions[index] += 1;
        record.version = self.versions[index];
        if matches!(record.kind, Kind::Tombstone(_)) {
            self.ended.add(key);
        }
        if made && record.signed_in {
            self.born_signed_in.add(key);
        }
        self.records[index] = Some(record);
    }

    /// The live records of a session, of which there must never be two.
    pub(crate) fn live(&self, session: Key) -> impl Iterator<Item = &Record> {
        let all = self.records.iter().zip(self.session).filter(move |(_, of)| *of == session);
        all.filter_map(|(record, _)| record.as_ref()).filter(|record| record.kind == Kind::Live)
    }

    /// What a request with this id gets: the record, or the one that a rotation leads to.
    pub(crate) fn answer(&self, key: Key) -> Option<Record> {
        let record = self.get(key)?;
        match record.kind {
            Kind::Live => Some(record),
            Kind::Tombstone(_) => None,
            Kind::Forward(successor) => self.get(successor).filter(|record| record.kind == Kind::Live),
        }
    }
}

/// What a record, read after a write whose response was lost, says of that write: `sessions/src/engine/in_flight_write.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    Applied,
    Pending,
    Lost,
    Unknown,
}

/// What a later read says of a write that carries this token and was based on this record.
pub(crate) fn write_outcome(token: Token, base: Record, now: Record) -> WriteOutcome {
    let reaches_back = now.revisions.contains(&base.newest()) || !now.is_full();
    if token != 0 && now.revisions.contains(&token) {
        WriteOutcome::Applied
    } else if now.version == base.version {
        WriteOutcome::Pending
    } else if reaches_back {
        WriteOutcome::Lost
    } else {
        WriteOutcome::Unknown
    }
}
