//! `purge`: all sessions that a filter chooses.

use std::{
    io::{self, Write},
    pin::pin,
    time::SystemTime,
};

use futures::FutureExt as _;
use serde_json::json;
use sessions::admin::{Filter, State};
use tokio::signal::ctrl_c;

use super::{
    Sessions,
    args::PurgeArgs,
    list::PAGE,
    progress::{Progress, confirm, is_interactive},
};
use crate::cli::{exit::Failure, output};

pub(super) async fn run(args: &PurgeArgs) -> Result<(), Failure> {
    let filter = match args.which.filter() {
        // Without a filter, only expired sessions are deleted.
        Filter { state: None, created_before: None, user: None, .. } if !args.all => {
            Filter { state: Some(State::Expired), ..Filter::default() }
        }
        filter => filter,
    };
    if !(args.yes || args.dry_run || is_interactive()) {
        return Err(Failure::usage("--yes is missing: there's no terminal to ask at"));
    }
    let sessions = Sessions::open(&args.store)?;
    let mut matched = None;
    if args.dry_run || !args.yes {
        let count = count(&sessions, &filter).await?;
        if args.dry_run || count == 0 {
            return report(args, &filter, count, 0, 0);
        }
        confirm(&format!("Delete {} {}", output::sessions(count), describe(&filter)))?;
        matched = Some(count);
    }
    delete(&sessions, args, filter, matched).await
}

async fn count(sessions: &Sessions, filter: &Filter) -> Result<u64, Failure> {
    let progress = Progress::new("counting", None);
    let (mut seen, mut count, mut after) = (0, 0, None);
    loop {
        let page = sessions.admin.candidates(filter, after.as_ref(), PAGE).await.map_err(sessions.failed())?;
        let Some((last, _)) = page.last() else { return Ok(count) };
        after = Some(*last);
        let now = SystemTime::now();
        count += page.iter().filter(|(_, stored)| filter.passes(&stored.record, now)).count() as u64;
        seen += page.len() as u64;
        progress.at(seen, &format!("{count} of {seen}"));
    }
}

async fn delete(sessions: &Sessions, args: &PurgeArgs, filter: Filter, matched: Option<u64>) -> Result<(), Failure> {
    let mut stopped = pin!(ctrl_c());
    let progress = Progress::new("deleting", matched);
    let mut purge = sessions.admin.purge(filter.clone());
    let end = loop {
        // The step that has begun is completed, so that the reported numbers are right.
        if stopped.as_mut().now_or_never().is_some() {
            break Err(Failure::interrupted());
        }
        match purge.step().await {
            Ok(true) => {
                let at = if matched.is_some() { purge.deleted() + purge.skipped() } else { purge.seen() };
                progress.at(at, &format!("{} deleted of {} looked at", purge.deleted(), purge.seen()));
            }
            Ok(false) => break Ok(()),
            Err(error) => break Err(sessions.failed()(error)),
        }
    };
    drop(progress);
    let matched = matched.unwrap_or(purge.deleted() + purge.skipped());
    let write_result = report(args, &filter, matched, purge.deleted(), purge.skipped());
    // The original error matters more than a closed pipe on stdout.
    end.and(write_result)
}

fn report(args: &PurgeArgs, filter: &Filter, matched: u64, deleted: u64, skipped: u64) -> Result<(), Failure> {
    let mut out = io::stdout();
    if args.json {
        let result = json!({ "matched": matched, "deleted": deleted, "spared": skipped, "dry_run": args.dry_run });
        return Ok(writeln!(out, "{result}")?);
    }
    let which = describe(filter);
    if args.dry_run {
        return Ok(writeln!(out, "Would delete {} {which}.", output::sessions(matched))?);
    }
    writeln!(out, "Deleted {} {which}.", output::sessions(deleted))?;
    if skipped > 0 {
        writeln!(out, "Left {} that changed meanwhile.", output::sessions(skipped))?;
    }
    Ok(())
}

/// Describes in words which sessions the filter selects.
fn describe(filter: &Filter) -> String {
    let state = match filter.state {
        Some(State::Live) => "that have not expired",
        Some(State::Replaced) => "whose id was replaced",
        Some(State::Expired) => "that have expired",
        Some(_) | None => "",
    };
    let age = filter.created_before.map(|time| format!("that began before {}", output::to_the_second(time)));
    let user = filter.user.as_ref().map(|user| format!("of the user {user:?}"));
    let parts = [user, (!state.is_empty()).then(|| state.to_owned()), age];
    match parts.into_iter().flatten().collect::<Vec<_>>() {
        parts if parts.is_empty() => "in any state".to_owned(),
        parts => parts.join(" and "),
    }
}
