//! `delete`: sessions by their ids.

use std::io::{self, Write};

use futures::future::join_all;

use super::{Sessions, args::DeleteArgs, id::Id, progress::confirm, show::missing};
use crate::cli::{exit::Failure, output};

/// How many deletes run at once.
const IN_FLIGHT: usize = 32;

pub(super) async fn run(args: &DeleteArgs) -> Result<(), Failure> {
    let keys = Id::keys(&args.ids)?;
    let sessions = Sessions::open(&args.store)?;
    if keys.len() > 1 && !args.yes {
        confirm(&format!("Delete {}", output::sessions(keys.len() as u64)))?;
    }
    let (mut deleted, mut without, mut failure) = (0, Vec::new(), None);
    for some in keys.chunks(IN_FLIGHT) {
        let results = join_all(some.iter().map(|key| sessions.admin.delete(key))).await;
        for (key, result) in some.iter().zip(results) {
            match result {
                Ok(true) => deleted += 1,
                Ok(false) => without.push(*key),
                Err(error) => failure = Some(error),
            }
        }
        if failure.is_some() {
            break;
        }
    }
    let write_result = if failure.is_some() || deleted > 0 {
        writeln!(io::stdout(), "Deleted {}.", output::sessions(deleted))
    } else {
        Ok(())
    };
    match (failure, without.as_slice()) {
        (Some(error), _) => Err(sessions.failed()(error)),
        (None, []) => Ok(write_result?),
        (None, [key]) => Err(missing(key)),
        (None, [key, rest @ ..]) => {
            Err(Failure::new(format!("there is no session {key}, nor {} others of these", rest.len())))
        }
    }
}
