//! `delete`: sessions by their ids.

use std::io::{self, Write};

use futures::{StreamExt as _, stream};

use super::{Sessions, args::DeleteArgs, id::Id, progress::confirm, show::missing};
use crate::{failure::Failure, output};

/// How many deletes are under way at once.
const IN_FLIGHT: usize = 32;

pub(super) async fn run(args: &DeleteArgs) -> Result<(), Failure> {
    let keys = Id::keys(&args.ids)?;
    let sessions = Sessions::open(&args.store)?;
    if keys.len() > 1 && !args.yes {
        confirm(&format!("Delete {}", output::sessions(keys.len() as u64)))?;
    }
    let mut results =
        stream::iter(&keys).map(|key| async { (*key, sessions.admin.delete(key).await) }).buffer_unordered(IN_FLIGHT);
    let (mut deleted, mut without) = (0, Vec::new());
    let mut failure = None;
    while let Some((key, result)) = results.next().await {
        match result {
            Ok(true) => deleted += 1,
            Ok(false) => without.push(key),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    if failure.is_some() || deleted > 0 {
        writeln!(io::stdout(), "Deleted {}.", output::sessions(deleted))?;
    }
    match (failure, without.as_slice()) {
        (Some(error), _) => Err(sessions.failed()(error)),
        (None, []) => Ok(()),
        (None, [key]) => Err(missing(key)),
        (None, [key, rest @ ..]) => {
            Err(Failure::new(format!("there is no session {key}, nor {} others of these", rest.len())))
        }
    }
}
