//! `show`: one session.

use std::{
    io::{self, Write},
    time::SystemTime,
};

use sessions::{Record, SessionKey};

use super::{
    Sessions,
    args::ShowArgs,
    format::{SessionJson, lines},
};
use crate::cli::exit::Failure;

pub(super) async fn run(args: &ShowArgs) -> Result<(), Failure> {
    let key = args.id.key()?;
    let sessions = Sessions::open(&args.store)?;
    let record = sessions.admin.get(&key).await.map_err(sessions.failed())?;
    print(&key, &record.ok_or_else(|| missing(&key))?, args.json)
}

/// Prints a session.
pub(super) fn print(key: &SessionKey, record: &Record, json: bool) -> Result<(), Failure> {
    let now = SystemTime::now();
    let text = if json { SessionJson::new(key, record, now).json() } else { lines(key, record, now).join("\n") };
    Ok(writeln!(io::stdout(), "{text}")?)
}

pub(super) fn missing(key: &SessionKey) -> Failure {
    Failure::new(format!("there is no session {key}"))
}
