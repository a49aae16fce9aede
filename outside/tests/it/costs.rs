//! What each verb costs, against the table in the documentation of `Sessions`.

use std::{future::Future, sync::Arc, time::Duration};

use exact_sessions::{
    SessionId, Sessions, SignIn,
    store::memory::MemoryStore,
    testing::{Clock, Counting, Counts},
};
use outside::Customer;

struct Ledger {
    sessions: Sessions<Customer>,
    counting: Arc<Counting<MemoryStore>>,
    counts: Arc<Counts>,
    clock: Clock,
}

impl Ledger {
    fn new() -> Self {
        let (counting, counts) = Counting::new(MemoryStore::default());
        let counting = Arc::new(counting);
        let clock = Clock::default();
        Self { sessions: instance(&counting, &clock), counting, counts, clock }
    }

    /// The reads and the writes that some work takes.
    async fn cost<R>(&self, work: impl Future<Output = R>) -> (u64, u64) {
        self.with_cost(work).await.1
    }

    async fn with_cost<R>(&self, work: impl Future<Output = R>) -> (R, (u64, u64)) {
        let (reads, writes) = (self.counts.reads(), self.counts.writes());
        let result = work.await;
        (result, (self.counts.reads() - reads, self.counts.writes() - writes))
    }

    /// A session that this instance has written last.
    async fn warm(&self) -> SessionId {
        self.sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id")
    }

    /// Another instance on the same store, which remembers nothing.
    fn another(&self) -> Sessions<Customer> {
        instance(&self.counting, &self.clock)
    }

    fn until_renewal_is_due(&self) {
        self.clock.advance(Duration::from_secs(3600));
    }
}

fn instance(counting: &Arc<Counting<MemoryStore>>, clock: &Clock) -> Sessions<Customer> {
    Sessions::builder(Arc::clone(counting), Customer::default).clock(clock.source()).build()
}

fn count(customer: &mut Customer) {
    customer.views += 1;
}

fn nothing(_: &mut Customer) {}

#[tokio::test]
async fn read_and_touch() {
    let ledger = Ledger::new();
    let id = ledger.warm().await;
    assert_eq!(ledger.cost(ledger.sessions.read(id)).await, (1, 0));
    assert_eq!(ledger.cost(ledger.sessions.touch(id)).await, (1, 0));
    ledger.until_renewal_is_due();
    assert_eq!(ledger.cost(ledger.sessions.read(id)).await, (1, 0));
    assert_eq!(ledger.cost(ledger.sessions.touch(id)).await, (1, 1), "due");
    assert_eq!(ledger.cost(ledger.sessions.touch(id)).await, (1, 0), "not due any more");
}

#[tokio::test]
async fn update_and_upsert() {
    let ledger = Ledger::new();
    assert_eq!(ledger.cost(ledger.sessions.upsert(None, nothing)).await, (0, 1), "a new session is always written");
    let id = ledger.warm().await;
    assert_eq!(ledger.cost(ledger.sessions.update(id, count)).await, (0, 1), "warm");
    assert_eq!(ledger.cost(ledger.sessions.upsert(Some(id), count)).await, (0, 1), "warm");
    assert_eq!(ledger.cost(ledger.sessions.update(id, nothing)).await, (1, 0), "what is remembered is confirmed");
    assert_eq!(ledger.cost(ledger.another().update(id, count)).await, (1, 1), "cold");
    assert_eq!(ledger.cost(ledger.another().upsert(Some(id), count)).await, (1, 1), "cold");
    assert_eq!(ledger.cost(ledger.another().update(id, nothing)).await, (1, 0), "cold and unchanged");
    assert_eq!(ledger.cost(ledger.another().upsert(Some(id), nothing)).await, (1, 0), "cold and unchanged");
    ledger.until_renewal_is_due();
    assert_eq!(ledger.cost(ledger.another().update(id, nothing)).await, (1, 1), "more time is due");
    let unknown = SessionId::from_random_bytes([7; 16]);
    assert_eq!(ledger.cost(ledger.sessions.update(unknown, count)).await, (1, 0), "there's none");
    assert_eq!(ledger.cost(ledger.sessions.upsert(Some(unknown), count)).await, (1, 1), "there's none: a new one");
}

/// The two writes of a new id are one call.
#[tokio::test]
async fn a_new_id() {
    let ledger = Ledger::new();
    let sessions = &ledger.sessions;
    assert_eq!(ledger.cost(sessions.sign_in(None, SignIn::new("ada"), nothing)).await, (0, 1));
    let id = ledger.warm().await;
    assert_eq!(ledger.cost(sessions.sign_in(Some(id), SignIn::new("ada"), nothing)).await, (0, 1), "warm");
    let id = ledger.warm().await;
    assert_eq!(ledger.cost(ledger.another().sign_in(Some(id), SignIn::new("ada"), nothing)).await, (1, 1), "cold");
    let id = ledger.warm().await;
    assert_eq!(ledger.cost(sessions.sign_out_keeping(id, |data| data)).await, (0, 1), "warm");
    let id = ledger.warm().await;
    assert_eq!(ledger.cost(ledger.another().sign_out_keeping(id, |data| data)).await, (1, 1), "cold");
    let id = ledger.warm().await;
    assert_eq!(ledger.cost(sessions.rotate(id)).await, (0, 1), "warm");
    let id = ledger.warm().await;
    assert_eq!(ledger.cost(ledger.another().rotate(id)).await, (1, 1), "cold");
}

#[tokio::test]
async fn confirm_and_delete() {
    let ledger = Ledger::new();
    let sessions = &ledger.sessions;
    let signed_in = sessions.sign_in(None, SignIn::new("ada"), nothing).await.expect("a sign-in");
    let id = signed_in.new_id.expect("an id");
    let (confirmed, cost) = ledger.with_cost(sessions.confirm(id)).await;
    let id = confirmed.expect("an answer").expect("a user").new_id.expect("an id");
    assert_eq!(cost, (0, 1), "warm");
    let (confirmed, cost) = ledger.with_cost(ledger.another().confirm(id)).await;
    let id = confirmed.expect("an answer").expect("a user").new_id.expect("an id");
    assert_eq!(cost, (1, 1), "cold");
    assert_eq!(ledger.cost(sessions.delete(id)).await, (1, 1));
    assert_eq!(ledger.cost(sessions.delete(id)).await, (1, 0), "there's none");
    let guest = ledger.warm().await;
    assert_eq!(ledger.cost(sessions.confirm(guest)).await, (1, 0), "nobody is signed in: what is remembered is read");
}
