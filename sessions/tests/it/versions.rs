//! Two versions of an application serve the same sessions side by side.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use exact_sessions::{
    Error, Outcome, SessionId, Sessions, Settings, SignIn,
    store::{Cause, Store, Write, memory::MemoryStore},
    testing::{Fault, Faulty},
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    logged::Lines,
    places::{Place, unhurried},
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Old {
    views: Vec<u32>,
    name: String,
}

/// `views` is called `seen`, and `steps` is new.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct New {
    seen: Vec<u32>,
    name: String,
    steps: u32,
}

fn to_second(fields: &mut Map<String, Value>) -> Result<(), Cause> {
    let missing = || -> Cause { Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("there are no views")) };
    let views = fields.remove("views").ok_or_else(missing)?;
    fields.insert("seen".into(), views);
    let steps = fields.get("steps").and_then(Value::as_u64).unwrap_or(0);
    fields.insert("steps".into(), json!(steps + 1));
    Ok(())
}

fn old(store: impl Store, settings: Settings) -> Sessions<Old> {
    Sessions::builder(store, Old::default).settings(settings).version(1).build()
}

fn new(store: impl Store, settings: Settings) -> Sessions<New> {
    Sessions::builder(store, New::default).settings(settings).version(2).upgrade(1, to_second).build()
}

/// A visit: when, on a new instance or an old one.
type Visit = (u64, bool);

fn fault() -> impl Strategy<Value = Fault> {
    let within = |most| (1..most).prop_map(Duration::from_millis);
    prop_oneof![
        6 => Just(Fault::None),
        2 => within(1000_u64).prop_map(Fault::Delay),
        1 => Just(Fault::Before),
        3 => Just(Fault::After),
        1 => Just(Fault::Aborted),
        1 => Just(Fault::Hang),
        3 => within(4000_u64).prop_map(Fault::Late),
    ]
}

fn faulty(memory: &Arc<MemoryStore>, faults: Vec<Fault>) -> Faulty<MemoryStore> {
    let faults = Mutex::new(faults.into_iter());
    Faulty::new(Arc::clone(memory), move || faults.lock().expect("no panic").next().unwrap_or(Fault::None))
}

#[derive(Debug, Default)]
struct Report {
    done: Vec<u32>,
    unknown: Vec<u32>,
    /// When a new instance's change was first acknowledged, and what old instances did after.
    is_upgraded: bool,
    old_ones_after: Vec<String>,
}

fn heard<T>(result: Result<Option<T>, Error>, n: u32, began_after: bool, is_new: bool, report: &mut Report) {
    match &result {
        Ok(Some(_)) => report.done.push(n),
        Err(Error::Unavailable { outcome: Outcome::Unknown, .. }) => report.unknown.push(n),
        Ok(None) => panic!("the session is gone"),
        Err(_) => {}
    }
    report.is_upgraded |= is_new && result.is_ok();
    if began_after && !is_new {
        match result {
            Err(Error::Newer { stored: 2, supported: 1, .. } | Error::Busy | Error::Unavailable { .. }) => {}
            Ok(_) => report.old_ones_after.push(format!("{n} was changed")),
            Err(error) => report.old_ones_after.push(error.to_string()),
        }
    }
}

async fn play(visits: Vec<Visit>, faults: [Vec<Fault>; 4]) -> Result<(), TestCaseError> {
    let memory = Arc::<MemoryStore>::default();
    let (old, new) = (|store| old(store, Settings::default()), |store| new(store, Settings::default()));
    let begun =
        old(faulty(&memory, Vec::new())).upsert(None, |data| data.name = "Ada".into()).await.expect("a session");
    let id = begun.new_id.expect("an id");
    let stored = memory.get(&id.key()).await.expect("an answer").expect("a record");
    let mut record = stored.record;
    record.data.insert("note".into(), json!("by hand"));
    memory.put(&Write::replace(id.key(), record, stored.version)).await.expect("a write");
    let [a, b, c, d] = faults.map(|faults| faulty(&memory, faults));
    let (olds, news) = ([old(a), old(b)], [new(c), new(d)]);
    let report = Arc::new(Mutex::new(Report::default()));
    let mut visitors = tokio::task::JoinSet::new();
    for (n, (after, is_new)) in (0..).zip(visits) {
        let (olds, news, report) = (olds.clone(), news.clone(), Arc::clone(&report));
        let instance = usize::from(n % 3 == 0);
        visitors.spawn(async move {
            tokio::time::sleep(Duration::from_millis(after)).await;
            let began_after = report.lock().expect("no panic").is_upgraded;
            let hear = |result| heard(result, n, began_after, is_new, &mut report.lock().expect("no panic"));
            if is_new {
                hear(news[instance].update(id, move |data| data.seen.push(n)).await.map(|done| done.map(drop)));
            } else {
                hear(olds[instance].update(id, move |data| data.views.push(n)).await.map(|done| done.map(drop)));
            }
        });
    }
    while let Some(visitor) = visitors.join_next().await {
        visitor.expect("no panic");
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let report = std::mem::take(&mut *report.lock().expect("no panic"));
    let data = new(faulty(&memory, Vec::new())).read(id).await.expect("an answer").expect("a session").data;
    let mut counts = BTreeMap::<u32, u32>::new();
    data.seen.iter().for_each(|n| *counts.entry(*n).or_default() += 1);
    prop_assert!(counts.values().all(|count| *count == 1), "one counted twice: {:?} {:?}", data, report);
    prop_assert!(report.done.iter().all(|n| counts.contains_key(n)), "one is lost: {:?} {:?}", data, report);
    let known = |n: &u32| report.done.contains(n) || report.unknown.contains(n);
    prop_assert!(counts.keys().all(known), "one counts that failed: {:?} {:?}", data, report);
    prop_assert_eq!((data.steps, data.name.as_str()), (1, "Ada"), "the step runs once, and the rest stays");
    prop_assert_eq!(&report.old_ones_after, &Vec::<String>::new(), "old ones write nothing that is newer");
    let record = memory.get(&id.key()).await.expect("an answer").expect("a record").record;
    prop_assert_eq!(&record.data["note"], &json!("by hand"));
    prop_assert!(!report.is_upgraded || !record.data.contains_key("views"), "{:?}", record.data);
    Ok(())
}

#[test]
fn two_versions_take_turns_under_faults_and_lose_nothing() {
    let visits = vec((0..3000_u64, any::<bool>()), 1..25);
    let faults = [(); 4].map(|()| vec(fault(), 0..20));
    let config = ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&(visits, faults), |(visits, faults)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(play(visits, faults))
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

async fn each_place<F: Future<Output = ()>>(check: impl Fn(Arc<dyn Store>) -> F) {
    for place in Place::all() {
        eprintln!("{}", place.name());
        check(place.open()).await;
    }
}

async fn stored(store: &Arc<dyn Store>, id: SessionId) -> exact_sessions::store::Stored {
    store.get(&id.key()).await.expect("an answer").expect("a record")
}

#[tokio::test]
async fn what_is_newer_is_left_alone_and_what_is_older_is_read_upgraded() {
    each_place(|store| async move {
        let (old, new) = (old(Arc::clone(&store), unhurried()), new(Arc::clone(&store), unhurried()));
        let begun = old.upsert(None, |data| data.views.push(7)).await.expect("a session");
        let id = begun.new_id.expect("an id");
        let before = stored(&store, id).await;
        for _ in 0..2 {
            let read = new.read(id).await.expect("an answer").expect("a session").data;
            assert_eq!(read, New { seen: vec![7], name: String::new(), steps: 1 });
        }
        assert_eq!(stored(&store, id).await, before, "a read writes nothing");
        old.update(id, |data| data.views.push(8)).await.expect("still of the old version").expect("a session");
        let changed = new.update(id, |data| data.seen.push(9)).await.expect("a change").expect("a session");
        assert_eq!(changed.session.data, New { seen: vec![7, 8, 9], name: String::new(), steps: 1 });
        let after = stored(&store, id).await;
        let names: Vec<_> = after.record.data.keys().map(String::as_str).collect();
        assert_eq!(names, ["name", "seen", "steps"], "the old name is gone");

        let is_newer = |error: Error| matches!(error, Error::Newer { stored: 2, supported: 1, .. });
        assert!(old.read(id).await.is_err_and(is_newer));
        assert!(old.update(id, |data| data.views.push(1)).await.is_err_and(is_newer));
        assert!(old.upsert(Some(id), |data| data.views.push(1)).await.is_err_and(is_newer));
        assert!(old.rotate(id).await.is_err_and(is_newer));
        assert!(old.sign_out_keeping(id, |data| data).await.is_err_and(is_newer));
        assert!(old.confirm(id).await.is_err_and(is_newer));
        assert_eq!(stored(&store, id).await, after, "the old version has written nothing");
        old.delete(id).await.expect("but it may end it");
        assert_eq!(new.read(id).await.expect("an answer"), None);
    })
    .await;
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_session_as_it_is() {
    each_place(|store| async move {
        let other = Sessions::builder(Arc::clone(&store), || {
            BTreeMap::from([("name", "Ada")].map(|(a, b)| (a.to_owned(), b.to_owned())))
        });
        let id =
            other.settings(unhurried()).build().upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
        let before = stored(&store, id).await;
        let failed = new(Arc::clone(&store), unhurried()).update(id, |data| data.seen.push(1)).await;
        assert!(matches!(&failed, Err(Error::Unreadable { key, .. }) if *key == id.key()), "{failed:?}");
        assert_eq!(stored(&store, id).await, before);
    })
    .await;
}

#[tokio::test]
async fn the_admin_of_an_application_changes_data_of_its_own_version_alone() {
    each_place(async |store| {
        let (old, new) = (old(Arc::clone(&store), unhurried()), new(Arc::clone(&store), unhurried()));
        let id = old.upsert(None, |data| data.views.push(1)).await.expect("a session").new_id.expect("an id");
        let key = id.key();
        let admin = new.admin();
        let is_upgraded = |record: &exact_sessions::Record| record.data.get("seen") == Some(&json!([1]));
        assert!(is_upgraded(&admin.get(&key).await.expect("an answer").expect("a record")));
        let page = admin.page(None, 100).await.expect("an answer");
        let listed = page.iter().find(|(listed, _)| *listed == key).expect("it is listed");
        assert!(is_upgraded(&listed.1.record));
        assert_eq!(stored(&store, id).await.record.data["views"], json!([1]), "looking changes nothing");

        let set = |fields: &mut Map<String, Value>| {
            fields.insert("seen".into(), json!([1, 2]));
            Ok(())
        };
        admin.update(&key, set).await.expect("an answer").expect("a session");
        assert_eq!(
            new.read(id).await.expect("an answer").expect("a session").data.seen,
            [1, 2],
            "not lost in the upgrade"
        );
        let record = stored(&store, id).await.record;
        assert!(!record.data.contains_key("views"), "it is of the new version: {record:?}");

        let newer = old.admin().update(&key, set).await;
        assert!(matches!(newer, Err(Error::Newer { stored: 2, supported: 1, .. })), "{newer:?}");
        assert_eq!(stored(&store, id).await.record, record);
        assert!(is_there(&old.admin().get(&key).await), "it can be looked at, and deleted");

        let lines = Lines::default();
        let log = tracing::subscriber::set_default(lines.clone());
        new.sign_in(Some(id), SignIn::new("ada"), |_| {}).await.expect("a sign-in");
        assert!(is_there(&admin.get(&key).await), "the record of the old id");
        drop(log);
        assert_eq!(lines.text(), "", "it has no data to upgrade");

        let id = old.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
        let mut broken = stored(&store, id).await;
        broken.record.data.remove("views");
        let mut write = Write::replace(id.key(), broken.record, broken.version);
        write.removed = vec!["views".to_owned()];
        store.put(&write).await.expect("a write");
        assert!(matches!(new.read(id).await, Err(Error::Unreadable { .. })));
        let repair = |fields: &mut Map<String, Value>| {
            fields.insert("views".into(), json!([5]));
            Ok(())
        };
        admin.update(&id.key(), repair).await.expect("an answer").expect("a session");
        assert_eq!(new.read(id).await.expect("an answer").expect("a session").data.seen, [5]);
    })
    .await;
}

fn is_there<T, E>(found: &Result<Option<T>, E>) -> bool {
    matches!(found, Ok(Some(_)))
}
