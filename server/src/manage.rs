//! `server sessions`: looking at sessions, changing and deleting them, beside servers that use them.

mod args;
mod delete;
mod id;
mod list;
mod progress;
mod purge;
mod set;
mod show;
mod shown;

use sessions::admin::Admin;

pub(crate) use self::args::SessionsCommand;
use crate::{config::StoreSettings, failure::Failure, store};

/// The sessions, and how to say where they are.
struct Sessions {
    admin: Admin,
    place: String,
}

impl Sessions {
    fn open(settings: &StoreSettings) -> Result<Self, Failure> {
        let place = settings.place();
        let store = store::open_existing(&place)?;
        Ok(Self { admin: Admin::new(store, settings.timeout), place: store::describe(&place) })
    }

    /// Says of a failure which store it is of.
    fn failed(&self) -> impl Fn(sessions::Error) -> Failure + '_ {
        |error| Failure::of_store(&error, &self.place)
    }
}

/// Runs a command.
pub(crate) async fn run(command: SessionsCommand) -> Result<(), Failure> {
    match command {
        SessionsCommand::List(args) => list::run(&args).await,
        SessionsCommand::Show(args) => show::run(&args).await,
        SessionsCommand::Set(args) => set::run(&args).await,
        SessionsCommand::Delete(args) => delete::run(&args).await,
        SessionsCommand::Purge(args) => purge::run(&args).await,
    }
}
