//! `set`: a change of what a session holds.

use std::time::SystemTime;

use sessions::admin::State;

use super::{
    Sessions,
    args::SetArgs,
    show::{missing, print},
};
use crate::cli::exit::Failure;

pub(super) async fn run(args: &SetArgs) -> Result<(), Failure> {
    let key = args.id.key()?;
    let sessions = Sessions::open(&args.store)?;
    let changed = sessions.admin.update(&key, |data| {
        args.fields.iter().for_each(|assignment| assignment.apply(data));
        Ok(())
    });
    match changed.await.map_err(sessions.failed())? {
        // A session that was rotated has another key than the one in the command line.
        Some((key, record)) => print(&key, &record, args.json),
        None => Err(match sessions.admin.get(&key).await.map_err(sessions.failed())? {
            Some(record) if State::of(&record, SystemTime::now()) == State::Replaced => Failure::new(format!(
                "the session {key} was replaced by one with another id, which it does not lead to, or which has ended"
            )),
            Some(_) => Failure::new(format!("the session {key} has expired: no visitor would see the change")),
            None => missing(&key),
        }),
    }
}
