//! What must be true of a history.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use exact_sessions::SessionId;
use proptest::prelude::*;

use super::{
    Act,
    play::{CallResult, Event, History},
};

/// What a history has in it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    /// Nothing ends the session: it's there in the end, with all that was acknowledged.
    OneSession,
    /// Some acts end sessions, and new ones begin.
    Ends,
}

impl Expect {
    pub(super) fn check(self, history: &History) -> Result<(), TestCaseError> {
        nobody_waits_past_the_deadline(history)?;
        each_change_counts_once_or_not_at_all(self, history)?;
        old_ids_are_worthless(history)?;
        what_was_ended_is_gone(history)?;
        match self {
            Self::OneSession => nothing_acknowledged_is_lost(history),
            Self::Ends => Ok(()),
        }
    }
}

fn nobody_waits_past_the_deadline(history: &History) -> Result<(), TestCaseError> {
    // Ending all sessions of a user is many pieces of work, each with a deadline.
    for event in history.events.iter().filter(|event| event.act != Act::EndAll) {
        prop_assert!(event.took <= history.deadline + Duration::from_millis(10), "{:?}", event);
    }
    Ok(())
}

fn each_change_counts_once_or_not_at_all(expect: Expect, history: &History) -> Result<(), TestCaseError> {
    let by_token: BTreeMap<_, _> = history.events.iter().map(|event| (event.token, event)).collect();
    let read = history.left.iter().map(|left| &left.read);
    for result in history.events.iter().map(|event| &event.result).chain(read) {
        let CallResult::Seen(log, _) = result else { continue };
        let distinct: BTreeSet<_> = log.tokens().iter().collect();
        prop_assert_eq!(distinct.len(), log.tokens().len(), "one counted twice: {:?}", history);
        for token in log.tokens() {
            let event = by_token[token];
            let writes = matches!(event.act, Act::Change | Act::SignIn | Act::SignOut);
            let may_count = writes
                && match event.result {
                    CallResult::Seen(..) | CallResult::Unknown => true,
                    // It was applied, perhaps, and then the session was deleted.
                    CallResult::Nothing => matches!(expect, Expect::Ends),
                    CallResult::Ended
                    | CallResult::Refused
                    | CallResult::Panicked
                    | CallResult::Superseded
                    | CallResult::Failed => false,
                };
            prop_assert!(may_count, "{:?} counted: {:?}", event, history);
        }
    }
    for event in &history.events {
        let writes = matches!(event.act, Act::Change | Act::SignIn | Act::SignOut);
        if let (true, CallResult::Seen(log, _)) = (writes, &event.result) {
            prop_assert_eq!(log.tokens().last(), Some(&event.token), "the session after its own change: {:?}", event);
        }
    }
    Ok(())
}

/// Whether this event got hold of a session by its id. (A sign-in without one makes another.)
fn reached(event: &Event) -> bool {
    match &event.result {
        CallResult::Seen(log, _) if event.act == Act::SignIn => log.tokens() != [event.token],
        CallResult::Seen(..) | CallResult::Refused | CallResult::Panicked => true,
        _ => false,
    }
}

fn nothing_by(
    history: &History,
    id: SessionId,
    after: u64,
    but_for: Option<Act>,
    why: &str,
) -> Result<(), TestCaseError> {
    let by_id = history.events.iter().filter(|event| event.id == id && event.begun > after);
    for event in by_id.filter(|event| Some(event.act) != but_for) {
        // A change that panics did so on a state that may be old.
        let is_panic = matches!(event.result, CallResult::Panicked);
        prop_assert!(!reached(event) || is_panic, "{}: {:?} in {:?}", why, event, history);
    }
    for left in history.left.iter().filter(|left| left.id == id) {
        prop_assert!(!matches!(left.read, CallResult::Seen(..)), "{}: {:?}", why, history);
    }
    Ok(())
}

/// From the moment that a sign-in or sign-out was acknowledged. A further sign-in may go on with the session of
/// the first.
fn old_ids_are_worthless(history: &History) -> Result<(), TestCaseError> {
    for event in history.events.iter().filter(|event| matches!(event.act, Act::SignIn | Act::SignOut)) {
        if !matches!(event.result, CallResult::Seen(_, Some(_))) {
            continue;
        }
        let again = (event.act == Act::SignIn).then_some(Act::SignIn);
        nothing_by(history, event.id, event.ended, again, "an old id still leads to the session")?;
        let is_stored = history.left.iter().any(|left| left.id == event.id && left.is_stored);
        for later in history.events.iter().filter(|later| later.id == event.id && later.begun > event.ended) {
            let is_deleted = later.act == Act::Delete && matches!(later.result, CallResult::Ended);
            prop_assert!(!(is_stored && is_deleted), "deleted by an old id: {:?} in {:?}", later, history);
        }
    }
    Ok(())
}

fn what_was_ended_is_gone(history: &History) -> Result<(), TestCaseError> {
    for end in history.events.iter().filter(|event| matches!(event.result, CallResult::Ended)) {
        if end.act == Act::Delete {
            nothing_by(history, end.id, end.ended, None, "deleted, and still there")?;
        }
        for before in history.events.iter().filter(|event| event.ended < end.begun) {
            let CallResult::Seen(_, Some(given)) = before.result else { continue };
            let was_moved = |id| {
                history
                    .events
                    .iter()
                    .any(|event| event.id == id && matches!(event.act, Act::Rotate | Act::SignIn | Act::SignOut))
            };
            match (end.act, before.act) {
                (Act::EndAll, Act::SignIn) => {
                    nothing_by(history, given, end.ended, None, "the user's sessions were ended, and one is there")?;
                }
                (Act::Delete, Act::Rotate) if before.id == end.id && !was_moved(given) => {
                    nothing_by(history, given, end.ended, None, "deleted by its old id, and still there")?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn nothing_acknowledged_is_lost(history: &History) -> Result<(), TestCaseError> {
    let live = history.left.iter().filter_map(|left| match &left.read {
        CallResult::Seen(log, _) => Some(log),
        _ => None,
    });
    let live: Vec<_> = live.collect();
    prop_assert!(live.windows(2).all(|pair| pair[0] == pair[1]), "two sessions: {:?}", history);
    let Some(log) = live.first() else {
        let may_have_moved = |event: &Event| {
            matches!(event.act, Act::SignIn | Act::SignOut) && matches!(event.result, CallResult::Unknown)
        };
        prop_assert!(history.events.iter().any(may_have_moved), "the session is gone: {:?}", history);
        return Ok(());
    };
    for event in &history.events {
        let is_acknowledged = matches!(event.result, CallResult::Seen(..));
        if is_acknowledged && matches!(event.act, Act::Change | Act::SignIn | Act::SignOut) {
            prop_assert!(log.tokens().contains(&event.token), "{:?} is lost: {:?}", event, history);
        }
    }
    Ok(())
}
