//! What became of a write whose answer was lost, as a later read tells it.

use crate::{
    record::Revision,
    store::{Stored, Version},
};

/// A conditional write that was sent: the token it carries, and the state of the record it was based on.
pub(crate) struct Sent {
    revision: Revision,
    base: Version,
    /// The newest revision of the record it's based on.
    base_revision: Option<Revision>,
}

/// What a record, read after a write was sent, says of that write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Applied,
    /// Not yet: it may be sent again.
    Pending,
    /// Not, and never will be: its condition can't hold any more.
    Lost,
    Unknown,
}

impl Sent {
    pub(crate) fn new(revision: Revision, base: &Stored) -> Self {
        Self { revision, base: base.version, base_revision: base.record.revisions.newest() }
    }

    /// The version that must be unchanged for the write to happen.
    pub(crate) fn base(&self) -> Version {
        self.base
    }

    pub(crate) fn fate(&self, now: &Stored) -> Fate {
        let revisions = &now.record.revisions;
        // All writes since the base are on the list if the base's own is, or if none was ever dropped.
        let reaches_back = self.base_revision.is_some_and(|base| revisions.contains(base)) || !revisions.is_full();
        match now {
            _ if revisions.contains(self.revision) => Fate::Applied,
            Stored { version, .. } if *version == self.base => Fate::Pending,
            _ if reaches_back => Fate::Lost,
            _ => Fate::Unknown,
        }
    }
}
