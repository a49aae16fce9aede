//! What became of a write whose response was lost, as a later read shows.

use crate::{
    record::Revision,
    store::{Stored, Version},
};

/// A conditional write that was sent: the token it carries, and the state of the record it was based on.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlightWrite {
    pub(super) revision: Revision,
    base: Version,
    /// The newest revision of the record it's based on.
    base_revision: Option<Revision>,
}

/// What a record, read after a write was sent, says of that write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WriteOutcome {
    /// It is in the record, or was.
    Applied,
    /// Not yet: it may be sent again.
    Pending,
    /// Not, and never will be: its condition can't hold any more.
    Lost,
    /// The record doesn't reach back far enough to know.
    Unknown,
}

impl InFlightWrite {
    pub(super) fn new(revision: Revision, base: &Stored) -> Self {
        Self { revision, base: base.version, base_revision: base.record.meta.revisions.newest() }
    }

    pub(super) fn outcome(&self, now: &Stored) -> WriteOutcome {
        let revisions = &now.record.meta.revisions;
        // All writes since the base are on the list if the base's own is, or if none was ever dropped.
        let reaches_back = self.base_revision.is_some_and(|base| revisions.contains(base)) || !revisions.is_full();
        match now {
            _ if revisions.contains(self.revision) => WriteOutcome::Applied,
            Stored { version, .. } if *version == self.base => WriteOutcome::Pending,
            _ if reaches_back => WriteOutcome::Lost,
            _ => WriteOutcome::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Record,
        record::{Meta, REVISIONS_KEPT},
    };

    fn stored(version: i128, revisions: impl IntoIterator<Item = u64>) -> Stored {
        let meta = revisions.into_iter().fold(Meta::default(), |meta, n| meta.with_revision(Revision(n)));
        Stored { record: Record { meta, ..Record::default() }, version: Version(version) }
    }

    #[test]
    fn the_record_tells_what_became_of_a_write_as_far_as_it_reaches_back() {
        let kept = REVISIONS_KEPT as u64;
        let ours = Revision(100);
        for (base, now, outcome) in [
            (stored(1, [1]), stored(1, [1]), WriteOutcome::Pending),
            (stored(1, [1]), stored(2, [1, 100]), WriteOutcome::Applied),
            (stored(1, [1]), stored(3, [1, 100, 2]), WriteOutcome::Applied),
            (stored(1, [1]), stored(2, [1, 2]), WriteOutcome::Lost),
            (stored(1, []), stored(2, [2]), WriteOutcome::Lost),
            // Others wrote so often that nobody knows whether ours came first.
            (stored(1, [1]), stored(20, 2..2 + kept), WriteOutcome::Unknown),
            (stored(1, []), stored(20, 2..2 + kept), WriteOutcome::Unknown),
            (stored(1, 1..=kept), stored(2, 2..2 + kept), WriteOutcome::Lost),
        ] {
            assert_eq!(InFlightWrite::new(ours, &base).outcome(&now), outcome, "{base:?} {now:?}");
        }
    }
}
