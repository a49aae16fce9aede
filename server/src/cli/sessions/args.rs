//! The arguments of the commands about sessions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use sessions::{
    SessionKey,
    admin::{Filter, State},
};

use super::{assignment::Assignment, id::Id};
use crate::config::{StoreSettings, duration};

/// Part of the help of the commands that take an id.
const IDS: &str = "An id is a session's id as `list` prints it, or the value of a visitor's cookie. The latter opens the \
session to anyone who has it, and a command line stays in the shell's history and is visible to other users of the \
machine: write - instead, and it's read from standard input.";

/// Part of the help of every command.
const CODES: &str = "Exit codes: 0 done; 1 no such session, or the store refuses; 64 a bad command line or setting, or \
--yes is missing and there is no terminal to confirm at; 69 the store can't be reached; 130 interrupted.";

/// What to do with sessions.
#[derive(Debug, Subcommand)]
#[command(after_help = CODES)]
pub(crate) enum SessionsCommand {
    /// List sessions
    #[command(after_help = CODES)]
    List(ListArgs),

    /// Show all there is of a session
    #[command(after_help = CODES, after_long_help = format!("{IDS}\n\n{CODES}"))]
    Show(ShowArgs),

    /// Change what a session holds, from the visitor's next view on
    #[command(after_help = CODES, after_long_help = format!("{IDS}\n\n{CODES}"))]
    Set(SetArgs),

    /// Delete sessions by their ids: their visitors get new ones
    #[command(after_help = CODES, after_long_help = format!("{IDS}\n\n{CODES}"))]
    Delete(DeleteArgs),

    /// Delete all sessions that have expired, or that a filter chooses
    #[command(after_help = CODES)]
    Purge(PurgeArgs),
}

/// `list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(super) which: Which,

    /// List at most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,

    /// Continue after the session with this id; sessions are in the order of their ids
    #[arg(long, value_name = "ID", value_parser = key)]
    pub(super) after: Option<SessionKey>,

    /// Print a JSON object a line
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten, next_help_heading = "The store")]
    pub(super) store: StoreSettings,
}

/// `show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The session: an id as `list` prints it, a cookie's value, or - to read that from standard input
    pub(super) id: Id,

    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten, next_help_heading = "The store")]
    pub(super) store: StoreSettings,
}

/// `set`
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// The session: an id as `list` prints it, a cookie's value, or - to read that from standard input
    pub(super) id: Id,

    /// What to set: views=41, greeting='Hola Mundo'. A value is JSON if it can be read as that, else text
    #[arg(required = true, value_name = "FIELD=VALUE")]
    pub(super) fields: Vec<Assignment>,

    /// Print the session after the change, as a JSON object
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten, next_help_heading = "The store")]
    pub(super) store: StoreSettings,
}

/// `delete`
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// The sessions: ids as `list` prints them, cookies' values, or - to read those from standard input, one a line
    #[arg(required = true, value_name = "ID")]
    pub(super) ids: Vec<Id>,

    /// Don't ask for a confirmation, however many they are
    #[arg(long)]
    pub(super) yes: bool,

    #[command(flatten, next_help_heading = "The store")]
    pub(super) store: StoreSettings,
}

/// `purge`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct PurgeArgs {
    #[command(flatten)]
    pub(super) which: Which,

    /// Delete every session there is
    #[arg(long, conflicts_with_all = ["expired", "live", "older_than", "user"])]
    pub(super) all: bool,

    /// Print how many would be deleted, and delete none
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Don't count them first, and don't ask
    #[arg(long)]
    pub(super) yes: bool,

    /// Print the result as a JSON object
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten, next_help_heading = "The store")]
    pub(super) store: StoreSettings,
}

/// Which sessions are meant.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Those that have expired and wait to be cleaned up
    #[arg(long, conflicts_with = "live")]
    pub(super) expired: bool,

    /// Those that have not expired
    #[arg(long)]
    pub(super) live: bool,

    /// Those that began longer ago than that, as `12h` or `30d`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) older_than: Option<Duration>,

    /// Those in which this user is signed in, as the app names its users
    #[arg(long, value_name = "USER")]
    pub(super) user: Option<String>,
}

impl Which {
    /// Returns the filter that the flags describe; the default one without flags.
    pub(super) fn filter(&self) -> Filter {
        let state = match (self.expired, self.live) {
            (true, _) => Some(State::Expired),
            (_, true) => Some(State::Live),
            _ => None,
        };
        let created_before = self.older_than.map(|age| SystemTime::now().checked_sub(age).unwrap_or(UNIX_EPOCH));
        Filter { state, created_before, user: self.user.clone() }
    }
}

fn key(text: &str) -> Result<SessionKey, String> {
    SessionKey::parse(text)
        .ok_or_else(|| "it must be 64 lower-case hexadecimal digits, as `list` prints them".to_owned())
}
