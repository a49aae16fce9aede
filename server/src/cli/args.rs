//! The arguments of the command line.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::{check::CheckArgs, error::CliError, sessions::SessionsCommand};
use crate::config::Config;

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
    Sessions(Box<SessionsCommand>),

    /// Say whether the settings and the store are sound
    Check(Box<CheckArgs>),
}

impl CommandLine {
    /// Reads the arguments, the program's name first, and the environment.
    pub(crate) fn parse(args: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Command, CliError> {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let mut clap = Self::command();
        // Subcommands define their own settings, so clap must not read the settings of `serve` from the environment
        // for them.
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
            let error = CommandLine::parse(args).expect_err("no such argument").to_string();
            assert!(!error.contains(cookie) && error.contains('…'), "{error}");
        }
    }

    #[test]
    fn a_bad_setting_is_named_in_one_line() {
        for (args, name) in [
            (["--port", "70000"], "PORT"),
            (["--port", "http"], "PORT"),
            (["--session-store", "redis"], "SESSION_STORE"),
            (["--session-store", "sqlite:"], "SESSION_STORE"),
            (["--google-cloud-project", "my project"], "GOOGLE_CLOUD_PROJECT"),
            (["--google-cloud-project", "a/b"], "GOOGLE_CLOUD_PROJECT"),
            (["--firestore-database", "a/b"], "FIRESTORE_DATABASE"),
            (["--firestore-database", "a b"], "FIRESTORE_DATABASE"),
            (["--session-collection", ""], "SESSION_COLLECTION"),
            (["--session-collection", "__x__"], "SESSION_COLLECTION"),
            (["--https-only", "yes"], "HTTPS_ONLY"),
            (["--log-format", "xml"], "LOG_FORMAT"),
            (["--store-timeout", "never"], "STORE_TIMEOUT"),
            (["--session-idle-timeout", "0s"], "SESSION_IDLE_TIMEOUT"),
            (["--drain-time", "26s"], "DRAIN_TIME"),
            (["--metrics-addr", "9090"], "METRICS_ADDR"),
            (["--metrics-addr", "localhost:http"], "METRICS_ADDR"),
        ] {
            let error = CommandLine::parse([&["server"][..], &args].concat()).expect_err(name).to_string();
            assert!(error.contains(name) && !error.contains('\n'), "{error}");
        }
    }
}
