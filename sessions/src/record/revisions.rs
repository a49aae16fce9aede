//! The tokens that writes leave in a record.

use std::fmt;

/// How many revisions a record remembers, that of the last write included. With fewer writes by others than this
/// between a lost response and the read that looks for it, it is known whether the write was applied.
pub const REVISIONS_KEPT: usize = 8;

/// A token that one change leaves in the record: if it is there, the change was applied.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub(crate) u64);

impl Revision {
    /// Reads the text form: 16 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let revision = Self(u64::from_str_radix(text, 16).ok()?);
        (revision.to_string() == text).then_some(revision)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The last [`REVISIONS_KEPT`] revisions of a record, the oldest first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Revisions {
    /// Zero behind the last one.
    kept: [Revision; REVISIONS_KEPT],
    count: usize,
}

impl Revisions {
    fn as_slice(&self) -> &[Revision] {
        &self.kept[..self.count]
    }

    /// Adds the newest, drops the oldest.
    pub fn push(&mut self, revision: Revision) {
        if self.is_full() {
            self.kept.rotate_left(1);
            self.count -= 1;
        }
        self.kept[self.count] = revision;
        self.count += 1;
    }

    /// Whether this revision is among the last.
    #[must_use]
    pub fn contains(&self, revision: Revision) -> bool {
        self.as_slice().contains(&revision)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The newest one; `None` in a record that the engine never wrote.
    #[must_use]
    pub fn newest(&self) -> Option<Revision> {
        self.as_slice().last().copied()
    }

    /// Whether a further push would drop one.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count == REVISIONS_KEPT
    }

    /// Their text forms, the oldest first.
    pub fn texts(&self) -> impl Iterator<Item = String> + '_ {
        self.as_slice().iter().map(Revision::to_string)
    }

    /// Reads what [`texts`](Self::texts) made; what is no revision is left out.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut revisions = Self::default();
        for revision in texts.into_iter().filter_map(Revision::parse) {
            revisions.push(revision);
        }
        revisions
    }
}

impl Default for Revisions {
    fn default() -> Self {
        Self { kept: [Revision(0); REVISIONS_KEPT], count: 0 }
    }
}

impl fmt::Debug for Revisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_few_revisions_are_kept_and_survive_as_text() {
        let mut revisions = Revisions::default();
        assert_eq!(revisions.newest(), None);
        for n in 0..=REVISIONS_KEPT as u64 {
            revisions.push(Revision(n));
        }
        assert!(revisions.is_full());
        assert!(!revisions.contains(Revision(0)));
        assert!(revisions.contains(Revision(1)));
        assert_eq!(revisions.newest(), Some(Revision(REVISIONS_KEPT as u64)));

        let texts: Vec<_> = revisions.texts().collect();
        assert_eq!(Revisions::from_texts(texts.iter().map(String::as_str)), revisions);
    }

    #[test]
    fn text_that_is_no_revision_is_left_out() {
        let revisions = Revisions::from_texts(["x", "00000000000000FF", "ff", "00000000000000ff"]);
        assert_eq!(revisions.newest(), Some(Revision(255)));
        assert_eq!(revisions.texts().count(), 1);
    }
}
