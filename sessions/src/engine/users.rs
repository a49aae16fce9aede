//! The sessions of a user.

use std::{sync::Arc, time::Duration};

use super::{Budget, Deletion, Engine, delete};
use crate::{
    Error, Meter, SessionData, SessionKey, UserSession,
    metrics::{self, Operation},
    record::{Replaced, later},
    store::Stored,
};

/// How many sessions are read at once.
const PAGE: usize = 100;

/// By how much the clocks of two instances may differ.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(2);

impl<T: SessionData> Engine<T> {
    /// The sessions of this user that have not ended.
    pub(crate) async fn of_user(&self, user: &str, meter: &Meter) -> Result<Vec<UserSession>, Error> {
        let mut sessions = Vec::new();
        let mut after = None;
        loop {
            let page = self.page_of(user, after, self.budget(meter)).await?;
            let Some((last, _)) = page.last() else { return Ok(sessions) };
            after = Some(*last);
            let now = self.now();
            let live = page.iter().filter(|(_, stored)| !self.lifetime.is_over(&stored.record, now));
            sessions.extend(live.filter_map(|(key, Stored { record, .. })| {
                let signed_in = record.meta.signed_in.as_ref()?;
                Some(UserSession {
                    key: *key,
                    label: signed_in.label.clone(),
                    signed_in_at: signed_in.at,
                    created_at: record.created_at.unwrap_or(now),
                    last_seen: self.lifetime.last_seen(record).unwrap_or(now),
                })
            }));
        }
    }

    /// Ends the sessions of this user that began before now, but for one; and how many.
    ///
    /// A sign-in or a rotation that is under way at the same time may put one under a key that was looked through already:
    /// so this looks again until it finds none that began before it did. Another instance's clock may be ahead: what
    /// began shortly after is ended, too.
    pub(crate) async fn end_all_of_user(
        self: &Arc<Self>,
        user: &str,
        mut spared: Option<SessionKey>,
        meter: &Meter,
    ) -> Result<u64, Error> {
        let latest = later(self.now(), CLOCK_DIFFERENCE);
        let (mut ended, mut is_first) = (0, true);
        loop {
            let (mut found, mut busy) = (false, false);
            let mut after = None;
            loop {
                let page = self.page_of(user, after, self.budget(meter)).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(*last);
                // After the page was read, so that a new id that is on it is known.
                if let Some(key) = &mut spared {
                    *key = self.key_now(*key, &mut self.budget(meter)).await?;
                }
                for (key, stored) in page {
                    // What is there at first began before, whatever its instance's clock says.
                    let began_before = is_first || stored.record.created_at.is_none_or(|created| created <= latest);
                    if Some(key) == spared || !began_before {
                        continue;
                    }
                    found = true;
                    // One that another instance changes all the time must not save the others.
                    match self.end_one(user, key, stored, &mut self.budget(meter)).await {
                        Ok(is_ended) => ended += u64::from(is_ended),
                        Err(Error::Busy) => busy = true,
                        Err(error) => return Err(error),
                    }
                }
            }
            if busy {
                return Err(Error::Busy);
            }
            if !found {
                return Ok(ended);
            }
            is_first = false;
        }
    }

    /// Ends this session if it's the user's; and whether it was. One that is rotated meanwhile is ended under its new
    /// key.
    pub(crate) async fn end_one_of_user(
        self: &Arc<Self>,
        user: &str,
        key: SessionKey,
        mut budget: Budget,
    ) -> Result<bool, Error> {
        let mut next = key;
        loop {
            let Some(stored) = budget.read(|| self.store.get(&next)).await? else { return Ok(false) };
            if let Some(Replaced::By(successor)) = stored.record.meta.replaced {
                next = successor;
                continue;
            }
            if stored.record.meta.user() != Some(user) {
                return Ok(false);
            }
            if self.end_one(user, next, stored, &mut budget).await? {
                return Ok(true);
            }
            // It was rotated or signed in since: looked at again.
        }
    }

    async fn end_one(
        self: &Arc<Self>,
        user: &str,
        key: SessionKey,
        stored: Stored,
        budget: &mut Budget,
    ) -> Result<bool, Error> {
        // In its turn, or this instance's changes of a busy session would keep it from being ended.
        let _place = self.turn(key, budget).await?;
        self.cache.remove(&key);
        let is_theirs = |record: &crate::Record| record.meta.user() == Some(user);
        let ended = delete(&self.store, &key, Some(stored), &is_theirs, false, budget).await? == Deletion::Done;
        if ended {
            metrics::ended();
        }
        Ok(ended)
    }

    /// The key of the session that had this one, as far as rotations of the last moments tell.
    async fn key_now(&self, mut key: SessionKey, budget: &mut Budget) -> Result<SessionKey, Error> {
        while let Some(stored) = budget.read(|| self.store.get(&key)).await?
            && let Some(next) = stored.record.meta.moved_to()
        {
            key = next;
        }
        Ok(key)
    }

    async fn page_of(
        &self,
        user: &str,
        after: Option<SessionKey>,
        mut budget: Budget,
    ) -> Result<Vec<(SessionKey, Stored)>, Error> {
        budget.repeat(Operation::List, || self.store.list_user(user, after.as_ref(), PAGE)).await
    }
}
