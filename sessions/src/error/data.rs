//! Why an application's data can't be stored.

use std::fmt;

use serde::ser;
use serde_path_to_error::{Path, Segment};

/// Data that can't be stored: where in it, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    /// The parts of the path, the innermost first.
    path: Vec<Part>,
    problem: DataProblem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Name(String),
    Index(usize),
}

/// What is wrong with data that can't be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataProblem {
    /// It serialises to something else than an object with named fields.
    NotAnObject,
    /// The name is the engine's own.
    ReservedName,
    /// Two fields have this name.
    DuplicateName,
    /// The name of a user is empty.
    EmptyName,
    /// The name of a user, or the label of a session, is longer than this number of bytes.
    NameTooLong(usize),
    /// The time for which the session is to be kept is none.
    NoTime,
    /// The names on the way to the value are longer than this number of bytes.
    PathTooLong(usize),
    /// The key of a map is not text, a number or a boolean.
    KeyNotText,
    /// Infinity, or not a number.
    NotFinite,
    /// The number has more than 64 bits.
    NumberTooLarge,
    /// A `Some` whose inside is stored as `null`, and would come back as `None`.
    NullInSome,
    /// There are more than this number of levels of lists and maps.
    TooDeep(usize),
    /// All fields together have more than this number of bytes.
    TooLarge(usize),
    /// The type writes a value that it then reads as another one, or can't read; and why. That may quote the value, so
    /// it's not part of the error's text, which ends up in logs.
    NotFaithful(String),
    /// The type's own reason.
    Custom(String),
    /// The store's reason.
    Store(String),
}

impl DataError {
    pub(crate) fn new(problem: DataProblem) -> Self {
        Self { path: Vec::new(), problem }
    }

    /// The same, inside the field or key of this name.
    pub(crate) fn within(mut self, name: &str) -> Self {
        self.path.push(Part::Name(name.to_owned()));
        self
    }

    /// The same, inside the list's item of this index.
    pub(crate) fn within_item(mut self, index: usize) -> Self {
        self.path.push(Part::Index(index));
        self
    }

    /// The same, at this path.
    pub(crate) fn at(mut self, path: &Path) -> Self {
        self.path.extend(parts_of(path));
        self
    }

    /// Where it is, as `items[3].price`; empty if it's about the data as a whole.
    #[must_use]
    pub fn path(&self) -> String {
        text_of(&self.path)
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &DataProblem {
        &self.problem
    }
}

/// The path to what could not be read, as [`DataError::path`] has it.
pub(crate) fn path_of(path: &Path) -> String {
    text_of(&parts_of(path))
}

/// The same of a field that is missing there.
pub(crate) fn path_of_missing(path: &Path, name: &str) -> String {
    let mut parts = vec![Part::Name(name.to_owned())];
    parts.extend(parts_of(path));
    text_of(&parts)
}

/// The same of a field.
pub(crate) fn path_of_field(name: &str) -> String {
    text_of(&[Part::Name(name.to_owned())])
}

fn parts_of(path: &Path) -> Vec<Part> {
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(Part::Index(*index)),
        Segment::Map { key: name } | Segment::Enum { variant: name } => Some(Part::Name(name.clone())),
        Segment::Unknown => None,
    };
    path.iter().rev().filter_map(part).collect()
}

/// These parts, the innermost first, as text.
fn text_of(parts: &[Part]) -> String {
    use fmt::Write as _;
    let mut text = String::new();
    for part in parts.iter().rev() {
        match part {
            // Writing to a `String` does not fail.
            Part::Index(index) => _ = write!(text, "[{index}]"),
            Part::Name(name) if is_plain(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            // A visitor may have chosen the name: shortened, and with its control characters escaped.
            Part::Name(name) => {
                let start: String = name.chars().take(64).collect();
                _ = write!(text, "[{start:?}]");
            }
        }
    }
    text
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path().as_str() {
            "" => write!(f, "the data {}", self.problem),
            path => write!(f, "`{path}` {}", self.problem),
        }
    }
}

impl fmt::Display for DataProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("is not an object with named fields"),
            Self::ReservedName => f.write_str("is a name that is reserved"),
            Self::DuplicateName => f.write_str("is there twice"),
            Self::EmptyName => f.write_str("is empty"),
            Self::NoTime => f.write_str("is no time at all"),
            Self::NameTooLong(limit) => write!(f, "is a name of more than {limit} bytes"),
            Self::PathTooLong(limit) => write!(f, "is a path of more than {limit} bytes"),
            Self::KeyNotText => f.write_str("has a key that is not text, a number or a boolean"),
            Self::NotFinite => f.write_str("is not a finite number"),
            Self::NumberTooLarge => f.write_str("is a number of more than 64 bits"),
            Self::NullInSome => f.write_str("is a Some that would come back as None"),
            Self::TooDeep(limit) => write!(f, "is more than {limit} levels deep"),
            Self::TooLarge(limit) => write!(f, "is beyond the limit of {limit} bytes for all data of a session"),
            Self::NotFaithful(_) => f.write_str("would not come back as it is: the type does not read what it writes"),
            Self::Custom(why) => write!(f, "can't be serialised: {why}"),
            Self::Store(why) => write!(f, "is refused by the store: {why}"),
        }
    }
}

impl std::error::Error for DataError {}

impl ser::Error for DataError {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self::new(DataProblem::Custom(message.to_string()))
    }
}

impl From<DataProblem> for DataError {
    fn from(problem: DataProblem) -> Self {
        Self::new(problem)
    }
}
