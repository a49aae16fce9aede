//! `server sessions`: shows, changes and deletes sessions, beside servers that use them.

mod args;
mod assignment;
mod delete;
mod format;
mod id;
mod list;
mod progress;
mod purge;
mod set;
mod show;

use app::visitor::Visitor;
use sessions::{Settings, admin::Admin};

pub(crate) use self::args::SessionsCommand;
use crate::{cli::exit::Failure, config::StoreSettings, store};

/// The sessions, and the description of their store.
struct Sessions {
    admin: Admin,
    store: String,
}

impl Sessions {
    fn open(settings: &StoreSettings) -> Result<Self, Failure> {
        let location = settings.location();
        let store = store::open_existing(&location)?;
        let settings = Settings::default().store_timeout(settings.timeout);
        Ok(Self { admin: Visitor::sessions(store, settings).admin(), store: store::describe(&location) })
    }

    /// Returns a function that adds the store to an error.
    fn failed(&self) -> impl Fn(sessions::Error) -> Failure + '_ {
        |error| Failure::of_store(&error, &self.store)
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
