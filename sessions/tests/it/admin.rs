//! Looking after sessions from outside, while visitors use them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use exact_sessions::{
    Error, Outcome, Record, SessionKey, Sessions,
    admin::{Admin, Filter, State},
    record::Meta,
    store::{Cause, Store, StoreError, Stored, Version, Write, memory::MemoryStore},
    testing::{
        Fault, Faulty,
        contract::{fresh_key, record},
    },
};
use serde_json::{Map, Value, json};

use crate::bench::Counter;

const HOUR: Duration = Duration::from_secs(3600);
const EXPIRED: Filter = Filter { state: Some(State::Expired), created_before: None, user: None };

/// Does something to the inner store before a write, as somebody else would, and loses the write's answer then.
struct Meddled<F> {
    inner: Arc<MemoryStore>,
    meddle: F,
    lose_answers: bool,
    writes: AtomicUsize,
}

impl<F> Meddled<F> {
    fn new(inner: &Arc<MemoryStore>, lose_answers: bool, meddle: F) -> Self {
        Self { inner: Arc::clone(inner), meddle, lose_answers, writes: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl<F, W> Store for Meddled<F>
where
    F: Fn(usize, Arc<MemoryStore>, SessionKey) -> W + Send + Sync + 'static,
    W: Future<Output = ()> + Send,
{
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        self.inner.get(key).await
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        let n = self.writes.fetch_add(1, Ordering::SeqCst);
        if !self.lose_answers {
            (self.meddle)(n, Arc::clone(&self.inner), write.key).await;
            return self.inner.put(write).await;
        }
        let result = self.inner.put(write).await;
        (self.meddle)(n, Arc::clone(&self.inner), write.key).await;
        result.and_then(|version| if n == 0 { Err(StoreError::unavailable("lost")) } else { Ok(version) })
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let n = self.writes.fetch_add(1, Ordering::SeqCst);
        (self.meddle)(n, Arc::clone(&self.inner), *key).await;
        self.inner.delete(key, unchanged).await
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.inner.list(after, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}

fn admin(store: impl Store) -> Admin {
    Admin::new(store, Duration::from_secs(2))
}

/// Stores a session that ends at this time.
async fn ending(store: &dyn Store, n: u64, end: SystemTime) -> SessionKey {
    let key = fresh_key();
    let record = Record { expires_at: Some(end), ..record(n) };
    store.put(&Write::create(key, record)).await.expect("a fresh key");
    key
}

/// Changes a session as its visitor would.
async fn change(store: &dyn Store, key: &SessionKey, change: impl Fn(&mut Record)) {
    let Stored { mut record, version } = store.get(key).await.expect("an answer").expect("a session");
    change(&mut record);
    store.put(&Write::replace(*key, record, version)).await.expect("nobody else writes");
}

fn set(field: &'static str, value: u64) -> impl FnMut(&mut Map<String, Value>) -> Result<(), Cause> + Send {
    move |data| {
        data.insert(field.to_owned(), json!(value));
        Ok(())
    }
}

#[tokio::test]
async fn a_purge_deletes_what_passes_and_nothing_else() {
    let store = Arc::<MemoryStore>::default();
    let now = SystemTime::now();
    let mut kept = Vec::new();
    for n in 0..1000 {
        match n % 3 {
            0 => kept.push(ending(&*store, n, now + HOUR).await),
            _ => drop(ending(&*store, n, now - HOUR).await),
        }
    }
    let admin = admin(Arc::clone(&store));
    let mut purge = admin.purge(EXPIRED);
    let mut steps = 0;
    while purge.step().await.expect("an answer") {
        steps += 1;
    }
    assert_eq!((purge.seen(), purge.deleted(), purge.skipped()), (1000, 666, 0));
    assert!(steps > 3, "a page at a time");
    kept.sort_unstable();
    let left: Vec<_> = admin.page(None, 9999).await.expect("a page").into_iter().map(|(key, _)| key).collect();
    assert_eq!(left, kept);
}

#[tokio::test]
async fn a_purge_spares_what_is_renewed_meanwhile() {
    let store = Arc::<MemoryStore>::default();
    let now = SystemTime::now();
    let mut keys = Vec::new();
    for n in 0..3 {
        keys.push(ending(&*store, n, now - HOUR).await);
    }
    keys.sort_unstable();
    let [renewed, noted, gone] = [keys[0], keys[1], keys[2]];
    let meddled = Meddled::new(&store, false, move |_, store: Arc<MemoryStore>, key| async move {
        let stored = store.get(&key).await.expect("an answer");
        let untouched = stored.is_some_and(|stored| stored.record.meta == Meta::default());
        if key == renewed && untouched {
            change(&*store, &key, |record| record.expires_at = Some(SystemTime::now() + HOUR)).await;
        } else if key == noted && untouched {
            // Not renewed: it is looked at again, and deleted all the same.
            change(&*store, &key, |record| {
                record.meta = Meta::of_first_layout(["00000000000000ff"], None);
            })
            .await;
        } else if key == gone {
            let stored = store.get(&key).await.expect("an answer").expect("a session");
            store.delete(&key, stored.version).await.expect("nobody else writes");
        }
    });
    let admin = admin(meddled);
    let mut purge = admin.purge(EXPIRED);
    while purge.step().await.expect("an answer") {}
    assert_eq!((purge.deleted(), purge.skipped()), (1, 2));
    assert!(admin.get(&renewed).await.expect("an answer").is_some());
    assert_eq!(admin.get(&noted).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_purge_goes_on_after_a_failure_and_counts_right() {
    let store = Arc::<MemoryStore>::default();
    for n in 0..600 {
        ending(&*store, n, SystemTime::now() - HOUR).await;
    }
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let refuse_some = move || match counted.fetch_add(1, Ordering::SeqCst) {
        100..130 | 400 => Fault::Refused,
        _ => Fault::None,
    };
    let admin = admin(Faulty::new(Arc::clone(&store), refuse_some));
    let mut purge = admin.purge(EXPIRED);
    let mut failures = 0;
    loop {
        match purge.step().await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                assert!(matches!(error, Error::Misconfigured(_)), "{error}");
                failures += 1;
            }
        }
        let left = store.list(None, 9999).await.expect("a list").len() as u64;
        assert_eq!(left + purge.deleted(), 600, "what was deleted is counted, also after a failure");
    }
    assert_eq!((failures, purge.deleted()), (2, 600));
}

#[tokio::test]
async fn a_change_takes_effect_at_the_next_view_and_is_none() {
    let store = Arc::<MemoryStore>::default();
    let sessions = Sessions::<Counter>::new(Arc::clone(&store));
    let id = sessions.upsert(None, Counter::count).await.expect("a view").new_id.expect("a new id");
    let admin = admin(Arc::clone(&store));
    let before = admin.get(&id.key()).await.expect("an answer").expect("a session");
    let (key, after) = admin.update(&id.key(), set("views", 41)).await.expect("an answer").expect("a session");
    assert_eq!(key, id.key());
    assert_eq!((after.created_at, after.expires_at), (before.created_at, before.expires_at));
    assert_eq!(admin.get(&id.key()).await.expect("an answer"), Some(after));
    let visit = sessions.upsert(Some(id), Counter::count).await.expect("a view");
    assert_eq!((visit.session.data.views, visit.new_id), (42, None));

    assert!(admin.delete(&id.key()).await.expect("an answer"));
    assert!(!admin.delete(&id.key()).await.expect("an answer"), "it was deleted before");
    let visit = sessions.upsert(Some(id), Counter::count).await.expect("a view");
    assert!(visit.session.data.views == 1 && visit.new_id.is_some());
}

#[tokio::test]
async fn a_change_keeps_what_others_write_meanwhile() {
    let store = Arc::<MemoryStore>::default();
    let key = ending(&*store, 1, SystemTime::now() + HOUR).await;
    let meddled = Meddled::new(&store, false, |n, store: Arc<MemoryStore>, key| async move {
        if n < 3 {
            change(&*store, &key, |record| drop(record.data.insert(format!("note {n}"), json!(n)))).await;
        }
    });
    let (_, record) = admin(meddled).update(&key, set("n", 7)).await.expect("an answer").expect("a session");
    assert_eq!(Value::Object(record.data), json!({"n": 7, "note 0": 0, "note 1": 1, "note 2": 2}));
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_not_made_twice() {
    let store = Arc::<MemoryStore>::default();
    let key = ending(&*store, 1, SystemTime::now() + HOUR).await;
    // The answer is lost, and before it's looked up the visitor goes on from the new value.
    let meddled = Meddled::new(&store, true, |n, store: Arc<MemoryStore>, key| async move {
        assert_eq!(n, 0, "one write is enough");
        change(&*store, &key, |record| drop(record.data.insert("n".to_owned(), json!(8)))).await;
    });
    admin(meddled).update(&key, set("n", 7)).await.expect("an answer").expect("a session");
    let stored = store.get(&key).await.expect("an answer").expect("a session");
    assert_eq!(stored.record.data["n"], json!(8), "the visitor's change stays");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_may_have_happened_says_so() {
    let store = Arc::<MemoryStore>::default();
    let key = ending(&*store, 1, SystemTime::now() + HOUR).await;
    for (last, unknown) in [(Fault::After, true), (Fault::Aborted, false)] {
        let calls = AtomicUsize::new(0);
        let faulty = Faulty::new(Arc::clone(&store), move || match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Fault::None,
            1 => last,
            _ => Fault::Before,
        });
        let failed = Admin::new(faulty, Duration::from_millis(100)).update(&key, set("n", 7)).await;
        let Err(Error::Unavailable { outcome, .. }) = failed else { panic!("{failed:?}") };
        assert_eq!(outcome == Outcome::Unknown, unknown, "{last:?}");
    }
}

#[tokio::test]
async fn a_change_can_drop_a_field_and_not_touch_the_engines() {
    let store = Arc::<MemoryStore>::default();
    let key = ending(&*store, 1, SystemTime::now() + HOUR).await;
    let admin = admin(Arc::clone(&store));
    for name in exact_sessions::record::RESERVED_FIELDS {
        let refused = admin
            .update(&key, |data| {
                data.insert(name.to_owned(), json!(1));
                Ok(())
            })
            .await;
        assert!(matches!(refused, Err(Error::Data(_))), "{refused:?}");
    }
    let refused = admin.update(&key, |_| Err(Arc::new(std::io::Error::other("not today")) as Cause)).await;
    assert!(matches!(refused, Err(Error::Data(_))), "{refused:?}");
    assert_eq!(admin.get(&key).await.expect("an answer").expect("a session").data, record(1).data);
    let clear = |data: &mut Map<String, Value>| {
        data.clear();
        Ok(())
    };
    let (_, dropped) = admin.update(&key, clear).await.expect("an answer").expect("a session");
    assert_eq!(Value::Object(dropped.data), json!({}));
}

#[tokio::test]
async fn what_is_done_to_a_rotated_session_is_done_where_it_is_now() {
    let store = Arc::<MemoryStore>::default();
    let sessions = Sessions::<Counter>::new(Arc::clone(&store));
    let old = sessions.upsert(None, Counter::count).await.expect("a view").new_id.expect("a new id");
    let new = sessions.rotate(old).await.expect("an answer").expect("a session").new_id.expect("a new id");
    let admin = admin(Arc::clone(&store));
    let (changed, _) = admin.update(&old.key(), set("views", 41)).await.expect("an answer").expect("a session");
    assert_eq!(changed, new.key());
    assert_eq!(sessions.upsert(Some(new), Counter::count).await.expect("a view").session.data.views, 42);
    let replaced = Filter { state: Some(State::Replaced), ..Filter::default() };
    let record = admin.get(&old.key()).await.expect("an answer").expect("a record");
    assert!(replaced.passes(&record, SystemTime::now()));
    assert!(admin.delete(&old.key()).await.expect("an answer"));
    assert_eq!(admin.page(None, 9).await.expect("a page"), []);
}

#[tokio::test]
async fn an_expired_session_and_one_that_is_not_there_are_not_changed() {
    let store = Arc::<MemoryStore>::default();
    let key = ending(&*store, 1, SystemTime::now() - HOUR).await;
    let admin = admin(Arc::clone(&store));
    assert_eq!(admin.update(&key, set("n", 7)).await.expect("an answer"), None);
    assert_eq!(admin.get(&key).await.expect("an answer").expect("a session").data, record(1).data);
    assert_eq!(admin.update(&fresh_key(), set("n", 7)).await.expect("an answer"), None);
    assert_eq!(store.list(None, 9).await.expect("a list").len(), 1);
}

/// The record that was rotated away keeps the tokens of what was written to it.
#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_is_lost_is_not_made_again_after_a_rotation() {
    let store = Arc::<MemoryStore>::default();
    let sessions = Sessions::<Counter>::new(Arc::clone(&store));
    let id = sessions.upsert(None, Counter::count).await.expect("a view").new_id.expect("a new id");
    let faults = [Fault::None, Fault::After, Fault::Delay(Duration::from_millis(200))];
    let calls = AtomicUsize::new(0);
    let choose = move || faults.get(calls.fetch_add(1, Ordering::SeqCst)).copied().unwrap_or(Fault::None);
    let admin = admin(Faulty::new(Arc::clone(&store), choose));
    let changing = tokio::spawn(async move {
        let count = |data: &mut Map<String, Value>| {
            data["views"] = json!(data["views"].as_u64().unwrap_or_default() + 1);
            Ok(())
        };
        admin.update(&id.key(), count).await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let new = sessions.rotate(id).await.expect("an answer").expect("a session").new_id.expect("a new id");
    let (_, changed) = changing.await.expect("no panic").expect("an answer").expect("a session");
    assert_eq!(changed.data["views"], 2);
    assert_eq!(sessions.read(new).await.expect("an answer").expect("a session").data.views, 2);
}
