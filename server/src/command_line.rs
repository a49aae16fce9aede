//! The command line: `server` alone serves; the other commands look after what it serves.

mod refusal;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use self::refusal::Refusal;
use crate::{check::CheckArgs, config::Config, manage::SessionsCommand};

/// Serves a page that greets each visitor and counts that visitor's views.
///
/// Without a command it serves. Each setting below is a flag and an environment variable.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: Config,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the page, as `server` alone does
    Serve(Box<Config>),

    /// Look at the sessions, change and delete them
    #[command(subcommand, arg_required_else_help = false)]
    Sessions(SessionsCommand),

    /// Say whether the settings and the store are sound
    Check(Box<CheckArgs>),
}

impl CommandLine {
    /// Reads the arguments, the program's name first, and the environment.
    pub(crate) fn parse(args: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Command, Refusal> {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let mut clap = Self::command();
        // A command has settings of its own, and looks at no variable that is none of them.
        if args.get(1).is_some_and(|first| clap.find_subcommand(first).is_some()) {
            clap = clap.mut_args(|arg| arg.env(None::<&str>));
        }
        let Self { command, serve } = Self::from_arg_matches(&clap.try_get_matches_from(args)?)?;
        Ok(command.unwrap_or_else(|| Command::Serve(Box::new(serve))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        for args in [&["server", "--port", "81"][..], &["server", "serve", "--port", "81"]] {
            match CommandLine::parse(args) {
                Ok(Command::Serve(config)) => assert_eq!(config.port, 81, "{args:?}"),
                other => panic!("{other:?}"),
            }
        }
        let both = CommandLine::parse(["server", "--port", "81", "sessions", "list"]).expect_err("two things at once");
        assert!(both.to_string().contains("--port"), "{both}");
    }

    #[test]
    fn a_cookie_in_the_wrong_place_is_not_printed_back() {
        let cookie = "c0ffee00-dead-4bee-8abc-0123456789ab";
        for args in [&["server", cookie][..], &["server", "sessions", "list", cookie], &["server", "--port", cookie]] {
            let refusal = CommandLine::parse(args).expect_err("no such argument").to_string();
            assert!(!refusal.contains(cookie) && refusal.contains('…'), "{refusal}");
        }
    }
}
