//! SQLite files as a setting: `PATH`, or `PATH?synchronous=full`.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use sessions::store::sqlite::Synchronous;

/// An SQLite file, and how it's written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SqliteLocation {
    /// Where it is; a relative path is relative to the working directory.
    pub(crate) path: PathBuf,
    /// When a write is acknowledged.
    pub(crate) synchronous: Synchronous,
}

impl SqliteLocation {
    /// A file, written in the default way.
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), synchronous: Synchronous::default() }
    }

    /// Parses what follows `sqlite:`. `~` stands for `home`.
    ///
    /// URLs of other libraries are refused rather than guessed: the same `sqlite:///data/s.db` is a relative path for
    /// `SQLAlchemy` and an absolute one for `sqlx`, and a wrong guess creates an empty file in an unexpected place.
    pub(super) fn parse(text: &str, home: Option<&OsStr>) -> Result<Self, String> {
        let (path, synchronous) = match text.split_once('?') {
            Some((path, options)) => (path, synchronous(options)?),
            None => (text, Synchronous::default()),
        };
        match path {
            "" => Err("there is no path after sqlite:".to_owned()),
            ":memory:" => {
                Err("sessions in memory end with the process; name a file, as sqlite:data/sessions.db".to_owned())
            }
            _ if path.starts_with("file:") => {
                Err(format!("it takes a path, not a file: URL; write sqlite:{}", path.trim_start_matches("file:")))
            }
            _ if path.starts_with("//") => {
                let rest = path.trim_start_matches('/');
                Err(format!(
                    "it takes a path, not a URL; write sqlite:{rest} for a file below the working directory, or \
                     sqlite:/{rest} from the root"
                ))
            }
            _ if path.ends_with('/') => Err(format!("{path} is a folder; name a file in it")),
            _ => Ok(Self { path: expand(path, home)?, synchronous }),
        }
    }
}

fn synchronous(options: &str) -> Result<Synchronous, String> {
    match options.to_ascii_lowercase().as_str() {
        "synchronous=normal" => Ok(Synchronous::Normal),
        "synchronous=full" => Ok(Synchronous::Full),
        _ => Err(format!("{options:?} is no option; after ? there may be synchronous=full or synchronous=normal")),
    }
}

/// Replaces `~/` by the home folder: in `sqlite:~/s.db` not every shell does it.
fn expand(path: &str, home: Option<&OsStr>) -> Result<PathBuf, String> {
    match (path.strip_prefix('~'), home) {
        (None, _) => Ok(PathBuf::from(path)),
        (Some(rest), Some(home)) if rest.starts_with('/') => Ok(Path::new(home).join(rest.trim_start_matches('/'))),
        (Some(rest), None) if rest.starts_with('/') => Err("~ needs HOME, which is not set".to_owned()),
        _ => Err(format!("~ means the home folder in ~/ alone; for a file of that name write ./{path}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SqliteLocation, String> {
        SqliteLocation::parse(text, Some(OsStr::new("/home/me")))
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        for (text, path) in [
            ("x.db", "x.db"),
            ("data/s.db", "data/s.db"),
            ("/data/s.db", "/data/s.db"),
            ("../s.db", "../s.db"),
            ("C:/x.db", "C:/x.db"),
            ("data/ü b%20c.db", "data/ü b%20c.db"),
            ("~/s.db", "/home/me/s.db"),
            ("~/a/../s.db", "/home/me/a/../s.db"),
            ("./~s.db", "./~s.db"),
            ("a/~/s.db", "a/~/s.db"),
        ] {
            assert_eq!(parse(text), Ok(SqliteLocation::at(path)), "{text}");
        }
    }

    #[test]
    fn what_could_mean_another_file_is_refused() {
        for (text, word) in [
            ("", "no path"),
            ("?synchronous=full", "no path"),
            ("//data/s.db", "sqlite:data/s.db"),
            ("///data/s.db", "sqlite:/data/s.db"),
            ("file:data/s.db?mode=rwc", "mode=rwc"),
            ("file:data/s.db", "sqlite:data/s.db"),
            (":memory:", "in memory"),
            ("data/", "is a folder"),
            ("~", "./~"),
            ("~other/s.db", "./~other/s.db"),
            ("s.db?", "synchronous=full"),
            ("s.db?mode=rwc", "mode=rwc"),
            ("s.db?synchronous=off", "synchronous=off"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
        }
        let error = SqliteLocation::parse("~/s.db", None).expect_err("no home");
        assert!(error.contains("HOME"), "{error}");
    }

    #[test]
    fn writes_may_wait_for_the_disk() {
        for (text, expected) in [
            ("s.db", Synchronous::Normal),
            ("s.db?synchronous=normal", Synchronous::Normal),
            ("s.db?synchronous=full", Synchronous::Full),
            ("s.db?synchronous=FULL", Synchronous::Full),
        ] {
            let parsed = parse(text).expect(text);
            assert_eq!((parsed.path.to_str(), parsed.synchronous), (Some("s.db"), expected), "{text}");
        }
    }
}
