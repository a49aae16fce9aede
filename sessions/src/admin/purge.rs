//! Deleting many sessions.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::SystemTime,
};

use futures::{StreamExt as _, stream};

use super::{Admin, Filter};
use crate::{Error, SessionKey, engine, store::Stored};

/// How many sessions are read at once: what is in memory at any time.
const PAGE: usize = 256;

/// How many deletes are under way at once.
const IN_FLIGHT: usize = 32;

/// The deletion of all sessions that pass a filter, page by page. Stop between any two steps to end it early.
///
/// Each is deleted on the condition that it has not changed since it was looked at; if it has, it's looked at
/// again. So one that was renewed, and doesn't pass any more, stays.
///
/// A session that gets a new id meanwhile may be missed, since its new key may be one that was looked at already. To
/// have all sessions ended, purge again until one deletes none. For those of one user,
/// [`end_all_of_user`](crate::Sessions::end_all_of_user) does that itself.
#[derive(Debug)]
pub struct Purge<'a> {
    admin: &'a Admin,
    filter: Filter,
    after: Option<SessionKey>,
    seen: u64,
    deleted: u64,
    skipped: u64,
}

impl<'a> Purge<'a> {
    pub(super) fn new(admin: &'a Admin, filter: Filter) -> Self {
        Self { admin, filter, after: None, seen: 0, deleted: 0, skipped: 0 }
    }

    /// Works on one more page; `false` when there's none left.
    ///
    /// # Errors
    /// See [`Error`]. What was deleted before stays deleted and is counted; another step works on the same page
    /// again.
    pub async fn step(&mut self) -> Result<bool, Error> {
        let admin = self.admin;
        let page = admin.stored(self.filter.user.as_deref(), self.after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(false) };
        let (last, seen) = (*last, page.len());
        let now = SystemTime::now();
        let failed = AtomicBool::new(false);
        let filter = &self.filter;
        let due = page.into_iter().filter(|(_, stored)| filter.passes(&stored.record, now));
        // After a failure none is begun any more; those under way are waited for.
        let removals =
            due.take_while(|_| !failed.load(Ordering::Relaxed)).map(|(key, stored)| remove(admin, filter, key, stored));
        let mut removals = stream::iter(removals).buffer_unordered(IN_FLIGHT);
        let mut failure = None;
        while let Some(removed) = removals.next().await {
            match removed {
                Ok(true) => self.deleted += 1,
                Ok(false) => self.skipped += 1,
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    failure.get_or_insert(error);
                }
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        self.after = Some(last);
        self.seen += seen as u64;
        Ok(true)
    }

    /// How many sessions were looked at.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// How many were deleted.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.deleted
    }

    /// How many passed at first and not any more when they were about to be deleted, or were gone by then.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

async fn remove(admin: &Admin, filter: &Filter, key: SessionKey, stored: Stored) -> Result<bool, Error> {
    let due = |record: &_| filter.passes(record, SystemTime::now());
    let deletion = engine::delete(&admin.store, &key, Some(stored), &due, false, &mut admin.budget()).await?;
    Ok(deletion == engine::Deletion::Done)
}
