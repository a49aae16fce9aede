//! Book-keeping of views of one session when some of them fail: what must be true whatever happened.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use reqwest::Method;

use super::{Browser, Instance};

/// What the visitors of one session received. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Received>>);

#[derive(Debug, Default)]
struct Received {
    /// The numbers of the views that were answered.
    seen: Vec<u64>,
    /// How many were refused or not answered: each counted or did not.
    unanswered: u64,
}

impl Tally {
    /// Views the session, and returns whether the server could be reached at all.
    pub(crate) async fn view(&self, browser: &mut Browser, page: &str) -> bool {
        let response = browser.try_send(browser.request(Method::GET, page)).await;
        let mut received = self.0.lock().expect("no panic");
        let Ok(response) = response else {
            received.unanswered += 1;
            return false;
        };
        assert_eq!(response.cookies(), [""; 0], "the cookie stays as it is: {response:?}");
        if response.status == 503 {
            assert!(
                response.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()),
                "{response:?}"
            );
            received.unanswered += 1;
        } else {
            received.seen.push(response.view().views);
        }
        true
    }

    /// Views the session over and over in a task until the server is gone.
    pub(crate) fn keep_viewing(&self, browser: &Browser, at: &Instance) -> tokio::task::JoinHandle<()> {
        let (tally, mut browser, page) = (self.clone(), browser.clone(), at.url("/"));
        tokio::spawn(async move { while tally.view(&mut browser, &page).await {} })
    }

    /// How many views were answered.
    pub(crate) fn answered(&self) -> usize {
        self.0.lock().expect("no panic").seen.len()
    }

    /// How many were not.
    pub(crate) fn unanswered(&self) -> u64 {
        self.0.lock().expect("no panic").unanswered
    }

    /// Asserts that every view that was answered counted once, and every other one once at most, for a
    /// session that had been viewed once before.
    pub(crate) fn check(&self, stored: u64) {
        let received = self.0.lock().expect("no panic");
        let answered = received.seen.len() as u64;
        let distinct: BTreeSet<_> = received.seen.iter().collect();
        assert_eq!(distinct.len() as u64, answered, "two views were answered with one number: {received:?}");
        assert!(received.seen.iter().all(|seen| (2..=stored).contains(seen)), "stored is {stored}: {received:?}");
        let counted = stored - 1;
        assert!(counted >= answered, "{counted} counted, an answered view is lost: {received:?}");
        assert!(counted <= answered + received.unanswered, "{counted} counted, some of them twice: {received:?}");
    }
}
