//! Changes of one session that arrive at the same time, on a store that takes 30 ms for each call. Time is simulated.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use exact_sessions::{
    ChangeError, Error, Outcome, SessionId, SessionKey, Sessions, Settings,
    admin::Admin,
    store::{Store, StoreError, Stored, Version, Write, memory::MemoryStore},
    testing::Fault,
};
use serde::{Deserialize, Serialize, Serializer, ser::Error as _};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::bench::{Bench, Counter};

const ROUND_TRIP: Duration = Duration::from_millis(30);
const SLOW: Fault = Fault::Delay(ROUND_TRIP);

/// What each visitor saw, in the order of their numbers, and how long the slowest one waited, in round trips.
async fn at_once(instances: &[Sessions<Counter>], id: SessionId, visitors: usize) -> (Vec<u64>, f64) {
    let begun = Instant::now();
    let mut views = JoinSet::new();
    for n in 0..visitors {
        let sessions = instances[n % instances.len()].clone();
        views.spawn(async move {
            let view = sessions.update(id, Counter::count).await.expect("a view").expect("a session");
            (view.session.data.views, begun.elapsed())
        });
    }
    let (mut seen, times): (Vec<_>, Vec<_>) = views.join_all().await.into_iter().unzip();
    seen.sort_unstable();
    let slowest = times.into_iter().max().unwrap_or_default();
    (seen, slowest.as_secs_f64() / ROUND_TRIP.as_secs_f64())
}

#[tokio::test(start_paused = true)]
async fn a_burst_takes_a_few_round_trips_on_one_instance_and_on_several() {
    for (instances, visitors, most) in [
        (1, 20, 3.0),
        (1, 66, 4.0),
        (1, 200, 4.0),
        (2, 20, 12.0),
        (2, 66, 12.0),
        (2, 200, 12.0),
        (4, 20, 12.0),
        (4, 66, 12.0),
        (4, 200, 12.0),
    ] {
        // Pauses after a conflict are random: no luck in it.
        for _ in 0..20 {
            let bench = Bench::new();
            let id = bench.new_session().await;
            let (all, counts): (Vec<_>, Vec<_>) = (0..instances).map(|_| bench.always(&[SLOW])).unzip();
            let (seen, slowest) = at_once(&all, id, visitors).await;
            assert!(seen.iter().copied().eq(2..2 + visitors as u64), "{instances} instances: {seen:?}");
            // The timer has ticks of 1 ms.
            assert!(slowest < most + 0.2, "{visitors} at once on {instances} instances: {slowest} round trips");
            let writes: u64 = counts.iter().map(|counts| counts.writes()).sum();
            assert!(instances > 1 || writes <= 6, "{visitors} at once: {writes} writes");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn steady_arrivals_all_succeed() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let (sessions, counts) = bench.always(&[SLOW]);
    let mut views = JoinSet::new();
    for n in 0..600 {
        let sessions = sessions.clone();
        views.spawn(async move {
            sleep(Duration::from_millis(10) * n).await;
            sessions.update(id, Counter::count).await.expect("a view").expect("a session").session.data.views
        });
    }
    let seen: BTreeSet<_> = views.join_all().await.into_iter().collect();
    assert!(seen.into_iter().eq(2..602));
    assert!(counts.writes() <= 250, "{} writes in 200 round trips", counts.writes());
}

/// Calls of the store that wait while it's closed.
#[derive(Default)]
struct Gate {
    inner: Arc<MemoryStore>,
    is_closed: AtomicBool,
    /// The writes that came, in order.
    writes: Mutex<Vec<Write>>,
    /// How many further writes are done without a response.
    lost: AtomicUsize,
    /// Whether somebody else is faster each time.
    overtakes: AtomicBool,
    /// What a record must not have.
    poison: Mutex<Option<u64>>,
}

#[async_trait]
impl Store for Gate {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        sleep(ROUND_TRIP).await;
        self.inner.get(key).await
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        self.writes.lock().expect("no panic").push(write.clone());
        sleep(ROUND_TRIP).await;
        if self.overtakes.load(Ordering::SeqCst) {
            let note = |data: &mut serde_json::Map<_, _>| {
                data.insert("note".to_owned(), rand::random::<u32>().into());
                Ok(())
            };
            let admin = Admin::new(Arc::clone(&self.inner), ROUND_TRIP);
            admin.update(&write.key, note).await.expect("an answer").expect("a session");
        }
        while self.is_closed.load(Ordering::SeqCst) {
            sleep(ROUND_TRIP).await;
        }
        let poison = *self.poison.lock().expect("no panic");
        if poison.is_some() && write.record.data.get("poison").and_then(serde_json::Value::as_u64) == poison {
            return Err(StoreError::invalid("it's poison"));
        }
        if self.lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(StoreError::unavailable("it's not done, and nobody knows"));
        }
        self.inner.put(write).await
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        self.inner.delete(key, unchanged).await
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.inner.list(after, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Data with a field that the store, or the type itself, may not like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Picky {
    views: u64,
    #[serde(default)]
    poison: u64,
    #[serde(default, serialize_with = "moody")]
    mood: f64,
}

/// Fails on 1, and panics on 2.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn moody<S: Serializer>(mood: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const BAD: u64 = 1_f64.to_bits();
    const WORSE: u64 = 2_f64.to_bits();
    match mood.to_bits() {
        BAD => Err(S::Error::custom("on purpose")),
        WORSE => panic!("on purpose"),
        _ => serializer.serialize_f64(*mood),
    }
}

fn gated() -> (Arc<Gate>, Sessions<Picky>) {
    let gate = Arc::<Gate>::default();
    let sessions = Sessions::builder(Arc::clone(&gate), Picky::default).settings(Settings::default()).build();
    (gate, sessions)
}

async fn new_session(sessions: &Sessions<Picky>) -> SessionId {
    sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id")
}

#[tokio::test(start_paused = true)]
async fn a_change_that_fails_in_whatever_way_touches_no_other() {
    let (_gate, sessions) = gated();
    let id = new_session(&sessions).await;
    let mut good = JoinSet::new();
    let mut bad = Vec::new();
    for n in 0..40 {
        let sessions = sessions.clone();
        if n % 4 != 3 {
            good.spawn(async move {
                sessions.update(id, |data| data.views += 1).await.expect("a change").expect("a session").session.data
            });
            continue;
        }
        bad.push(tokio::spawn(async move {
            match n / 4 % 5 {
                0 => assert!(sessions.update(id, |_| -> () { panic!("on purpose") }).await.is_err(), "unreachable"),
                1 => {
                    let refused = sessions.try_update(id, |data| {
                        data.views += 1000;
                        Err::<(), _>("no")
                    });
                    assert!(matches!(refused.await, Err(ChangeError::Refused("no"))));
                }
                2 => {
                    let failed = sessions.update(id, |data| (data.views, data.mood) = (1000, f64::NAN)).await;
                    assert!(matches!(&failed, Err(Error::Data(why)) if why.path() == "mood"), "{failed:?}");
                }
                3 => {
                    let failed = sessions.update(id, |data| (data.views, data.mood) = (1000, 1.0)).await;
                    assert!(matches!(&failed, Err(Error::Data(why)) if why.path() == "mood"), "{failed:?}");
                }
                _ => drop(sessions.update(id, |data| (data.views, data.mood) = (1000, 2.0)).await),
            }
            n
        }));
    }
    let mut seen: Vec<_> = good.join_all().await.into_iter().map(|data| data.views).collect();
    seen.sort_unstable();
    assert!(seen.iter().copied().eq(1..=30), "{seen:?}");
    for task in bad {
        match task.await {
            Ok(n) => assert!(!matches!(n / 4 % 5, 0 | 4), "{n}: its panic reaches the caller"),
            Err(error) => assert!(error.into_panic().downcast_ref::<&str>().is_some_and(|text| *text == "on purpose")),
        }
    }
    let stored = sessions.read(id).await.expect("a read").expect("a session").data;
    assert_eq!(stored, Picky { views: 30, ..Picky::default() });
}

#[tokio::test(start_paused = true)]
async fn one_that_goes_away_touches_no_other_and_its_change_is_done() {
    let (_gate, sessions) = gated();
    let id = new_session(&sessions).await;
    let mut views = JoinSet::new();
    for n in 0..30_u64 {
        let sessions = sessions.clone();
        views.spawn(async move {
            let change = sessions.update(id, |data| data.views += 1);
            match n % 3 {
                0 => tokio::time::timeout(Duration::from_millis(1 + n), change).await.is_err(),
                _ => change.await.expect("a change").is_some(),
            }
        });
    }
    assert!(views.join_all().await.into_iter().all(|done| done));
    sleep(Duration::from_secs(1)).await;
    let stored = sessions.read(id).await.expect("a read").expect("a session");
    assert_eq!(stored.data.views, 30, "what was begun is finished");
}

#[tokio::test(start_paused = true)]
async fn a_batch_in_doubt_is_sent_again_as_it_was() {
    let (gate, sessions) = gated();
    let id = new_session(&sessions).await;
    gate.writes.lock().expect("no panic").clear();
    gate.lost.store(3, Ordering::SeqCst);
    let mut views = JoinSet::new();
    for n in 0..30_u64 {
        let sessions = sessions.clone();
        views.spawn(async move {
            // Most come while the first is on its way; the last third come when the batch is in doubt.
            sleep(Duration::from_millis(if n < 20 { n } else { 150 + n })).await;
            sessions.update(id, |data| data.views += 1).await.expect("a change").expect("a session").session.data.views
        });
    }
    let seen: BTreeSet<_> = views.join_all().await.into_iter().collect();
    assert!(seen.into_iter().eq(1..=30));
    let writes = gate.writes.lock().expect("no panic").clone();
    let mut distinct = writes.clone();
    distinct.dedup();
    assert!(writes.len() == distinct.len() + 3, "{} writes, {} distinct", writes.len(), distinct.len());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_store_refuses_fails_the_change_that_made_it_alone() {
    let (gate, sessions) = gated();
    let id = new_session(&sessions).await;
    *gate.poison.lock().expect("no panic") = Some(77);
    gate.writes.lock().expect("no panic").clear();
    let mut changes = JoinSet::new();
    for n in 1..=200_u64 {
        let sessions = sessions.clone();
        changes.spawn(async move {
            let update = sessions.update(id, move |data| {
                data.views += 1;
                if n == 77 {
                    data.poison = n;
                }
            });
            (n, update.await)
        });
    }
    for (n, changed) in changes.join_all().await {
        match changed {
            Ok(done) => assert!(n != 77 && done.is_some()),
            Err(Error::Data(_)) => assert_eq!(n, 77),
            Err(error) => panic!("{n}: {error}"),
        }
    }
    assert_eq!(sessions.read(id).await.expect("a read").expect("a session").data.views, 199);
    let writes = gate.writes.lock().expect("no panic").len();
    assert!(writes < 20, "{writes} writes");
}

/// Data that can't be read panics in the application's code.
#[derive(Debug, Default, Serialize)]
struct Explosive {
    views: u64,
}

impl<'de> Deserialize<'de> for Explosive {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BTreeMap::<String, u64>::deserialize(deserializer)?;
        assert!(!fields.contains_key("bomb"), "on purpose");
        Ok(Self { views: fields.get("views").copied().unwrap_or_default() })
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_data_is_read_reaches_one_caller_and_the_others_hear_that_nothing_was_applied() {
    // Somebody makes the data unreadable before all, or while the second write is on its way.
    for (planted_after, done) in [(0, 0), (45, 1)] {
        let gate = Arc::<Gate>::default();
        let sessions = Sessions::<Explosive>::new(Arc::clone(&gate));
        let id = sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
        let plant = async || {
            let bomb = |data: &mut serde_json::Map<_, _>| {
                data.insert("bomb".to_owned(), 1.into());
                Ok(())
            };
            Admin::new(Arc::clone(&gate.inner), ROUND_TRIP).update(&id.key(), bomb).await.expect("an answer");
        };
        // Without what it remembers, all wait for the read.
        let forgetful = Sessions::<Explosive>::new(Arc::clone(&gate));
        let sessions = if planted_after == 0 { forgetful } else { sessions };
        if planted_after == 0 {
            plant().await;
        }
        let mut changes = JoinSet::new();
        for _ in 0..4 {
            let sessions = sessions.clone();
            changes.spawn(async move { sessions.update(id, |data| data.views += 1).await.map(drop) });
        }
        if planted_after > 0 {
            sleep(Duration::from_millis(planted_after)).await;
            plant().await;
        }
        let (mut panics, mut not_applied, mut applied) = (0, 0, 0);
        while let Some(changed) = changes.join_next().await {
            match changed {
                Ok(Ok(())) => applied += 1,
                Ok(Err(Error::Unavailable { outcome: Outcome::NotApplied, .. })) => not_applied += 1,
                Ok(other) => panic!("{other:?}"),
                Err(error) => panics += u32::from(error.is_panic()),
            }
        }
        assert_eq!((applied, panics, not_applied), (done, 1, 3 - done), "{planted_after}");
    }
}

/// Towards the end there's no time left to hear what became of a write: one that can only end as unknown is not sent.
#[tokio::test(start_paused = true)]
async fn who_loses_against_others_until_the_deadline_is_busy_and_not_in_doubt() {
    let (gate, sessions) = gated();
    let id = new_session(&sessions).await;
    gate.overtakes.store(true, Ordering::SeqCst);
    // Pauses are random.
    for _ in 0..50 {
        let changed = sessions.update(id, |data| data.views += 1).await;
        assert!(matches!(changed, Err(Error::Busy)), "{changed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_too_late_is_busy_and_nothing_is_sent() {
    let (gate, sessions) = gated();
    let id = new_session(&sessions).await;
    // The engine learns how long the store takes.
    for _ in 0..20 {
        sessions.update(id, |data| data.views += 1).await.expect("a change");
    }
    gate.writes.lock().expect("no panic").clear();
    gate.is_closed.store(true, Ordering::SeqCst);
    let timeout = sessions.settings().store_timeout;
    let begun = Instant::now();
    let first = tokio::spawn({
        let sessions = sessions.clone();
        async move { sessions.update(id, |data| data.views += 1).await }
    });
    sleep(Duration::from_millis(10)).await;
    let others: Vec<_> = (0..10)
        .map(|_| {
            let sessions = sessions.clone();
            tokio::spawn(async move {
                let result = sessions.update(id, |data| data.views += 100).await;
                (result, begun.elapsed())
            })
        })
        .collect();
    let first = first.await.expect("no panic");
    assert!(matches!(first, Err(Error::Unavailable { outcome: Outcome::Unknown, .. })), "{first:?}");
    for other in others {
        let (result, took) = other.await.expect("no panic");
        assert!(matches!(result, Err(Error::Busy)), "{result:?}");
        assert!(took <= timeout + ROUND_TRIP, "{took:?}");
    }
    let writes = gate.writes.lock().expect("no panic").clone();
    assert!(writes.iter().all(|write| write.record.data["views"] == 21), "nothing of the others was sent");
    gate.is_closed.store(false, Ordering::SeqCst);
    let next = sessions.update(id, |data| data.views += 1).await.expect("a change").expect("a session");
    assert!(next.session.data.views <= 22, "{}: what was not applied never is", next.session.data.views);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_runs_out_of_time_hears_it_at_its_own_deadline() {
    let (gate, sessions) = gated();
    let id = new_session(&sessions).await;
    let timeout = sessions.settings().store_timeout;
    gate.is_closed.store(true, Ordering::SeqCst);
    let mut views = JoinSet::new();
    for n in 0..20 {
        let sessions = sessions.clone();
        views.spawn(async move {
            sleep(Duration::from_millis(97) * n).await;
            let begun = Instant::now();
            let result = sessions.update(id, |data| data.views += 1).await;
            (result.map(|changed| changed.is_some()), begun.elapsed())
        });
    }
    tokio::spawn(async move {
        sleep(Duration::from_millis(2500)).await;
        gate.is_closed.store(false, Ordering::SeqCst);
    });
    let (mut done, mut unknown) = (0, 0);
    for (result, took) in views.join_all().await {
        assert!(took <= timeout + Duration::from_millis(5), "{took:?}");
        match result {
            Ok(is_there) => done += u64::from(is_there),
            Err(Error::Unavailable { outcome: Outcome::Unknown, .. }) => unknown += 1,
            Err(_) => {}
        }
    }
    sleep(Duration::from_secs(10)).await;
    let views = sessions.read(id).await.expect("a read").expect("a session").data.views;
    assert!(done > 0 && done <= views && views <= done + unknown, "{views} of {done} and perhaps {unknown}");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_unknown_while_no_write_is_on_its_way() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    // A read, a write; then the read that confirms that a change of nothing is right hangs.
    let (sessions, _) = bench.always(&[Fault::None, Fault::Delay(Duration::from_millis(500)), Fault::Hang]);
    let mut changes = JoinSet::new();
    for n in 0..10_u64 {
        let sessions = sessions.clone();
        changes.spawn(async move {
            sleep(Duration::from_millis(50 * n)).await;
            match n {
                0 => sessions.update(id, Counter::count).await.map(drop),
                _ => sessions.update(id, |_| {}).await.map(drop),
            }
        });
    }
    for result in changes.join_all().await {
        let is_unknown = matches!(result, Err(Error::Unavailable { outcome: Outcome::Unknown, .. }));
        assert!(!is_unknown, "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_the_cache_stays_if_nothing_was_sent() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    // A read, a write, the read that confirms a refusal; then one that fails.
    let sessions = bench.faulty([Fault::None, Fault::None, Fault::None, Fault::Refused]);
    sessions.update(id, Counter::count).await.expect("a change");
    let refused = sessions.try_update(id, |_| Err::<(), _>("no")).await;
    assert!(matches!(refused, Err(ChangeError::Refused("no"))));
    let failed = sessions.update(id, |_| {}).await.map(drop);
    assert!(matches!(failed, Err(Error::Misconfigured(_))), "{failed:?}");
    assert_eq!(bench.cost(sessions.update(id, Counter::count)).await.1, 1, "still warm");
}
