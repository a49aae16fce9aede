//! The connections to Firestore.
//!
//! A call takes the connection with the fewest calls under way: Google's front ends let one HTTP/2 connection carry at
//! most 100 at once. Another connection is opened when each of the others carries half as many, up to a number: calls
//! that share a connection share its writes to the network, too, so fewer connections cost less CPU.
//!
//! A connection can die without a word (a NAT forgot it, its peer was replaced). gRPC pings notice that after one to two
//! minutes, and Google's servers close connections that ping much more often. So a connection on which calls wait and
//! are given up, with no response to any call meanwhile, is replaced by a new one.

use std::{
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use firestore::{FirestoreDb, errors::FirestoreError};
use futures::future::BoxFuture;
use metrics::gauge;
use tokio::{sync::watch, time::timeout};

use super::{StoreError, failure::is_late};

/// Opens a connection.
pub(super) type Connect = Box<dyn Fn() -> BoxFuture<'static, Result<FirestoreDb, StoreError>> + Send + Sync>;

/// How long calls wait on a connection, without a response to any of them, until it counts as dead: so long if one of
/// them was given up. The engine gives a call up after half of its request's time, one second by default; Firestore
/// responds within a tenth of that.
const SILENCE: Duration = Duration::from_millis(750);

/// And so long if none was given up yet.
const PATIENT_SILENCE: Duration = Duration::from_secs(2);

/// How long opening a connection may take. It's not the request's time: a request may end before.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Another connection is opened when each of the others has so many calls under way.
const HALF_FULL: usize = 50;

/// A connection that is being opened is as good as an open one that carries so many calls: those that are open have room
/// meanwhile.
const OPENING: usize = 90;

type Opened = Option<Result<FirestoreDb, StoreError>>;

pub(super) struct Channels {
    connect: Connect,
    at_most: usize,
    /// Whether a connection that died is replaced.
    replace: bool,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    channels: Vec<Channel>,
    opened: u64,
}

struct Channel {
    number: u64,
    /// `None` while it's being opened.
    connection: watch::Receiver<Opened>,
    under_way: usize,
    silence: Silence,
}

/// How long calls have waited since the last response.
#[derive(Default)]
struct Silence {
    /// Waited for by calls that were given up.
    before: Duration,
    /// Since when calls have been waiting.
    since: Option<Instant>,
    given_up: bool,
    last_response: Option<Instant>,
}

impl Silence {
    fn at(&self, now: Instant) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| now - since)
    }

    fn is_death(&self, now: Instant) -> bool {
        self.at(now) >= if self.given_up { SILENCE } else { PATIENT_SILENCE }
    }
}

impl Channel {
    fn has_failed(&self) -> bool {
        match &*self.connection.borrow() {
            Some(opened) => opened.is_err(),
            // The runtime that was opening it is gone.
            None => self.connection.has_changed().is_err(),
        }
    }

    fn is_open(&self) -> bool {
        matches!(*self.connection.borrow(), Some(Ok(_)))
    }
}

impl Channels {
    pub(super) fn new(at_most: usize, connect: Connect) -> Arc<Self> {
        Arc::new(Self { connect, at_most: at_most.max(1), replace: true, open: Mutex::default() })
    }

    /// The one connection of a client that somebody else has made, and that can't be replaced.
    pub(super) fn of(db: FirestoreDb) -> Arc<Self> {
        let connect: Connect = Box::new(move || Box::pin(ready(Ok(db.clone()))));
        Arc::new(Self { connect, at_most: 1, replace: false, open: Mutex::default() })
    }

    /// Begins a call on the connection with the fewest calls, as soon as it's open.
    pub(super) async fn call(self: &Arc<Self>) -> Result<Call, StoreError> {
        let (mut slot, mut connection) = self.take();
        let interrupted = || StoreError::unreachable("opening a connection to Firestore was interrupted");
        let opened = connection.wait_for(Option::is_some).await.map_err(|_closed| interrupted())?.clone();
        let db = opened.ok_or_else(interrupted)??;
        slot.is_waiting = true;
        let now = Instant::now();
        self.with(slot.number, |channel| {
            channel.silence.since.get_or_insert(now);
            // That it could be opened is a response.
            channel.silence.last_response.get_or_insert(now);
        });
        Ok(Call { db, slot })
    }

    fn take(self: &Arc<Self>) -> (CallSlot, watch::Receiver<Opened>) {
        let mut open = self.open();
        open.channels.retain(|channel| !channel.has_failed());
        if self.replace {
            open.drop_silent(Instant::now());
        }
        let half_full = open.channels.iter().all(|channel| channel.under_way >= HALF_FULL);
        if half_full && open.channels.len() < self.at_most {
            open.opened += 1;
            let number = open.opened;
            let connection = self.open_one();
            open.channels.push(Channel { number, connection, under_way: 0, silence: Silence::default() });
        }
        let load = |channel: &&mut Channel| channel.under_way.max(if channel.is_open() { 0 } else { OPENING });
        let best = open.channels.iter_mut().min_by_key(load);
        let channel = best.expect("one was added if there was none");
        channel.under_way += 1;
        gauge!("sessions_store_calls_under_way").increment(1.0);
        let slot = CallSlot { channels: Arc::clone(self), number: channel.number, is_waiting: false };
        (slot, channel.connection.clone())
    }

    /// Opens a connection in a task of its own: the request that needs it first may end before it's open.
    fn open_one(&self) -> watch::Receiver<Opened> {
        let (opened, connection) = watch::channel(None);
        let opening = timeout(CONNECT_TIMEOUT, (self.connect)());
        tokio::spawn(async move {
            let late = |_| Err(StoreError::unreachable("no connection to Firestore could be opened in time"));
            opened.send_replace(Some(opening.await.unwrap_or_else(late)));
        });
        connection
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing in there panics half-way.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does this with a connection, unless that was replaced.
    fn with(&self, number: u64, then: impl FnOnce(&mut Channel)) {
        if let Some(channel) = self.open().channels.iter_mut().find(|channel| channel.number == number) {
            then(channel);
        }
    }
}

impl Open {
    /// Drops connections that are dead. What killed one may have killed those without a response since, too.
    fn drop_silent(&mut self, now: Instant) {
        let is_dead = |channel: &&Channel| channel.silence.is_death(now);
        let silences = self.channels.iter().filter(is_dead).map(|channel| channel.silence.at(now));
        let Some(longest) = silences.max() else { return };
        let before = self.channels.len();
        // A connection that is being opened carries no calls yet.
        self.channels.retain(|channel| {
            let responded = |time: Instant| now - time < longest;
            let is_alive = !is_dead(&channel) && channel.silence.last_response.is_some_and(responded);
            is_alive || !channel.is_open()
        });
        tracing::warn!(
            connections = before - self.channels.len(),
            silent_ms = longest.as_millis(),
            "Firestore does not respond on these connections; they are replaced"
        );
    }
}

/// A call under way. Dropping it before [`finish`](Self::finish) means that it was given up without a response.
pub(super) struct Call {
    db: FirestoreDb,
    slot: CallSlot,
}

impl Call {
    /// The client to make the call with.
    pub(super) fn db(&self) -> &FirestoreDb {
        &self.db
    }

    /// The call has returned this. A failure, too, shows that the connection is not silent, except where the client's
    /// own time limit gave the call up.
    pub(super) fn finish<T>(self, returned: Result<T, FirestoreError>) -> Result<T, FirestoreError> {
        if !returned.as_ref().is_err_and(is_late) {
            self.note_response();
        }
        returned
    }

    fn note_response(mut self) {
        self.slot.is_waiting = false;
        let now = Instant::now();
        self.slot.channels.with(self.slot.number, |channel| {
            let since = (channel.under_way > 1).then_some(now);
            channel.silence = Silence { since, last_response: Some(now), ..Silence::default() };
        });
    }
}

/// One of the calls that a connection has under way.
struct CallSlot {
    channels: Arc<Channels>,
    number: u64,
    /// Whether the call was begun and has not returned.
    is_waiting: bool,
}

impl Drop for CallSlot {
    fn drop(&mut self) {
        gauge!("sessions_store_calls_under_way").decrement(1.0);
        let now = Instant::now();
        self.channels.with(self.number, |channel| {
            channel.under_way -= 1;
            channel.silence.given_up |= self.is_waiting;
            if channel.under_way == 0 {
                if self.is_waiting {
                    channel.silence.before = channel.silence.at(now);
                }
                channel.silence.since = None;
            }
        });
    }
}
