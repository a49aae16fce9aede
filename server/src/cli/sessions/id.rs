//! Ids of sessions on the command line.

use std::{
    convert::Infallible,
    fmt,
    io::{self, BufRead as _, Read as _},
    str::FromStr,
};

use sessions::{SessionId, SessionKey};

use crate::cli::exit::Failure;

/// An argument that names a session. It may be a secret: it's never printed, and becomes a key before anything
/// else is done.
#[derive(Clone)]
pub(crate) struct Id(String);

/// How many bytes of standard input are read for a single id.
const MAX_INPUT_LENGTH: u64 = 1024;

impl FromStr for Id {
    type Err = Infallible;

    // Parsed later: clap's error messages would print the value.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl Id {
    /// Returns the key of the session.
    pub(super) fn key(&self) -> Result<SessionKey, Failure> {
        if self.0 != "-" {
            return key(&self.0);
        }
        let mut text = String::new();
        io::stdin().take(MAX_INPUT_LENGTH).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
        key(text.trim())
    }

    /// Returns the keys of several ids; `-` stands for one id on each line of standard input.
    pub(super) fn keys(ids: &[Self]) -> Result<Vec<SessionKey>, Failure> {
        let mut keys = Vec::new();
        for id in ids {
            if id.0 != "-" {
                keys.push(key(&id.0)?);
                continue;
            }
            for line in io::stdin().lock().lines() {
                let line = line.map_err(|error| unreadable(&error))?;
                if !line.trim().is_empty() {
                    keys.push(key(line.trim())?);
                }
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Id(secret)")
    }
}

fn key(text: &str) -> Result<SessionKey, Failure> {
    let key = SessionKey::parse(text).or_else(|| SessionId::parse(text).map(|id| id.key()));
    key.ok_or_else(|| {
        Failure::usage(
            "ID: it is neither a session's id, 64 lower-case hexadecimal digits, nor a cookie's value, a UUID in lower case",
        )
    })
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::usage(format!("ID: standard input can't be read: {error}"))
}
