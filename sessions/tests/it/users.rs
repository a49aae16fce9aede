//! Signing in and out, and ending a user's sessions, while others work on them and instances crash.

mod crashes;
mod processes;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use exact_sessions::{
    Error, SessionKey, Sessions, SignIn,
    store::{Store, StoreError, Stored, Version, Write, memory::MemoryStore},
    testing::{Fault, Faulty},
};

use crate::bench::{Bench, Counter};

/// A store that knows nothing of two writes in one, nor of users: the trait's defaults do both.
pub(crate) struct Stepwise<S>(pub(crate) S);

#[async_trait]
impl<S: Store> Store for Stepwise<S> {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        self.0.get(key).await
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        self.0.put(write).await
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        self.0.delete(key, unchanged).await
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.0.list(after, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.ping().await
    }
}

const SLOW: Fault = Fault::Delay(Duration::from_millis(100));

#[tokio::test(start_paused = true)]
async fn a_delete_that_a_sign_in_overtakes_says_so() {
    let bench = Bench::new();
    let old = bench.new_session().await;
    // The read is quick and the delete slow: the sign-in comes between.
    let (slow, _) = bench.always(&[Fault::None, SLOW]);
    let delete = tokio::spawn(async move { slow.delete(old).await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    let new = bench.sessions.sign_in(Some(old), SignIn::new("ada"), Counter::count).await.expect("a sign-in").new_id;
    let deleted = delete.await.expect("no panic");
    assert!(matches!(deleted, Err(Error::Superseded)), "it has deleted nothing: {deleted:?}");
    let session = bench.sessions.read(new.expect("a new id")).await.expect("an answer").expect("a session");
    assert_eq!(session.data.views, 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_rotated_while_it_is_ended_ends() {
    let bench = Bench::new();
    let signed_in = bench.sessions.sign_in(None, SignIn::new("ada"), |_| {}).await.expect("a sign-in");
    let (id, key) = (signed_in.new_id.expect("an id"), signed_in.session.key);
    let (slow, _) = bench.always(&[Fault::None, SLOW, Fault::None]);
    let end = tokio::spawn(async move { slow.end_one_of_user("ada", key).await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    let rotated = bench.sessions.rotate(id).await.expect("an answer").expect("a session").new_id.expect("an id");
    assert!(end.await.expect("no panic").expect("an answer"), "there was one");
    assert_eq!(bench.sessions.read(rotated).await.expect("an answer"), None);

    let signed_in = bench.sessions.sign_in(None, SignIn::new("ada"), |_| {}).await.expect("a sign-in");
    let (id, key) = (signed_in.new_id.expect("an id"), signed_in.session.key);
    let rotated = bench.sessions.rotate(id).await.expect("an answer").expect("a session").new_id.expect("an id");
    assert!(!bench.sessions.end_one_of_user("bob", key).await.expect("an answer"), "another user's");
    assert!(bench.sessions.end_one_of_user("ada", key).await.expect("an answer"), "listed before it was rotated");
    assert_eq!(bench.sessions.read(rotated).await.expect("an answer"), None);
}

/// Sessions that come while the others are being ended, under keys that have been looked through already.
#[tokio::test(start_paused = true)]
async fn ending_all_looks_again_until_there_is_none() {
    let bench = Bench::new();
    for _ in 0..8 {
        bench.sessions.sign_in(None, SignIn::new("ada"), |_| {}).await.expect("a sign-in");
    }
    let last = bench.sessions.of_user("ada").await.expect("a list").pop().expect("a session").key;
    bench.sessions.end_all_of_user("ada", Some(last)).await.expect("an answer");
    // The list is quick and the delete slow: the sign-ins come between.
    let (slow, _) = bench.always(&[Fault::None, SLOW, Fault::None]);
    let end = tokio::spawn(async move { slow.end_all_of_user("ada", None).await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    for _ in 0..16 {
        bench.sessions.sign_in(None, SignIn::new("ada"), |_| {}).await.expect("a sign-in");
    }
    assert_eq!(end.await.expect("no panic").expect("an answer"), 17);
    assert_eq!(bench.sessions.of_user("ada").await.expect("a list"), []);
}

/// Sessions of an instance whose clock is ahead get new ids, under keys that may have been looked through already.
#[tokio::test(start_paused = true)]
async fn ending_all_finds_what_an_instance_with_a_clock_ahead_moves_meanwhile() {
    let bench = Bench::new();
    let ahead = || UNIX_EPOCH + Duration::from_secs(1_800_000_001);
    let ahead = Sessions::builder(Arc::clone(&bench.store), Counter::default).clock(Arc::new(ahead)).build();
    let mut ids = Vec::new();
    for _ in 0..16 {
        let signed_in = ahead.sign_in(None, SignIn::new("ada"), |_| {}).await.expect("a sign-in");
        ids.push(signed_in.new_id.expect("an id"));
    }
    // The list is quick and the first delete slow: the rotations come between.
    let (slow, _) = bench.always(&[Fault::None, SLOW, Fault::None]);
    let end = tokio::spawn(async move { slow.end_all_of_user("ada", None).await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    for id in ids {
        ahead.rotate(id).await.expect("an answer").expect("a session");
    }
    assert_eq!(end.await.expect("no panic").expect("an answer"), 16);
    assert_eq!(bench.sessions.of_user("ada").await.expect("a list"), []);
}

#[tokio::test]
async fn the_session_that_is_spared_is_spared_under_its_new_id() {
    let bench = Bench::new();
    let sign_in = async || bench.sessions.sign_in(None, SignIn::new("ada"), |_| {}).await.expect("a sign-in");
    let (here, _there) = (sign_in().await, sign_in().await);
    // A page that was loaded meanwhile.
    let rotated = bench.sessions.rotate(here.new_id.expect("an id")).await.expect("an answer").expect("a session");
    let ended = bench.sessions.end_all_of_user("ada", Some(here.session.key)).await.expect("an answer");
    let left: Vec<_> = bench.sessions.of_user("ada").await.expect("a list").into_iter().map(|left| left.key).collect();
    assert_eq!((ended, left), (1, vec![rotated.session.key]));
}

/// The client that uses it may not want it to end.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_changed_all_the_time_is_ended_all_the_same() {
    let bench = Bench::new();
    let (sessions, _) = bench.always(&[SLOW]);
    let id = sessions.sign_in(None, SignIn::new("ada"), |_| {}).await.expect("a sign-in").new_id.expect("an id");
    let others: Vec<_> = (0..8)
        .map(|_| {
            let sessions = sessions.clone();
            tokio::spawn(async move {
                while sessions.update(id, Counter::count).await.is_ok_and(|is_there| is_there.is_some()) {}
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(sessions.end_all_of_user("ada", None).await.expect("an answer"), 1);
    for other in others {
        other.await.expect("no panic");
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubled_rotation_ends_by_the_deadline_of_one_request() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    bench.sessions.rotate(id).await.expect("an answer");
    // The second rotation reads that there was a first one, and then nothing any more.
    let (sessions, _) = bench.always(&[Fault::Delay(Duration::from_millis(900)), Fault::Hang]);
    let begun = tokio::time::Instant::now();
    assert!(sessions.rotate(id).await.is_err());
    assert!(begun.elapsed() <= bench.settings.store_timeout + Duration::from_millis(5), "{:?}", begun.elapsed());
}

/// An instance that remembers a session runs a change on that. If the session has ended or has a new id since, what that
/// run led to does not count.
#[tokio::test]
async fn a_change_that_fails_on_what_was_remembered_learns_what_became_of_the_session() {
    type Weights = BTreeMap<String, f64>;
    let store = Arc::new(MemoryStore::default());
    let [here, there] = [(); 2].map(|()| Sessions::<Weights>::new(Arc::clone(&store)));
    // It can be stored once there is a weight.
    let spoil = |data: &mut Weights| {
        let weight = if data.is_empty() { f64::NAN } else { 2.0 };
        data.insert("hat".to_owned(), weight);
    };
    let new = async || here.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");

    let ended = new().await;
    there.delete(ended).await.expect("an answer");
    let changed = here.update(ended, spoil).await;
    assert!(matches!(changed, Ok(None)), "there is none: {changed:?}");

    let signed_in = new().await;
    there.sign_in(Some(signed_in), SignIn::new("ada"), |_| {}).await.expect("a sign-in");
    let changed = here.update(signed_in, spoil).await;
    assert!(matches!(changed, Err(Error::Superseded)), "it has a new id: {changed:?}");

    let rotated = new().await;
    let add = |data: &mut Weights| _ = data.insert("coat".to_owned(), 1.0);
    there.update(rotated, add).await.expect("a change");
    there.rotate(rotated).await.expect("an answer").expect("a session");
    let changed = here.update(rotated, spoil).await.expect("a change").expect("a session");
    assert_eq!(changed.session.data.len(), 2, "it was followed");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_fails_on_what_was_remembered_says_so_only_if_that_was_confirmed() {
    let down = Arc::new(AtomicBool::new(false));
    let choose = {
        let down = Arc::clone(&down);
        move || if down.load(Ordering::SeqCst) { Fault::Before } else { Fault::None }
    };
    let sessions = Sessions::<BTreeMap<String, f64>>::new(Faulty::new(Arc::new(MemoryStore::default()), choose));
    let id = sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
    let spoil = |data: &mut BTreeMap<_, _>| _ = data.insert("hat".to_owned(), f64::NAN);
    let failed = sessions.update(id, spoil).await;
    assert!(matches!(failed, Err(Error::Data(_))), "{failed:?}");
    down.store(true, Ordering::SeqCst);
    let failed = sessions.update(id, spoil).await;
    assert!(matches!(failed, Err(Error::Unavailable { .. })), "nobody knows what is stored: {failed:?}");
}

#[tokio::test]
async fn a_list_has_the_sessions_that_have_not_ended_and_their_times() {
    let bench = Bench::new();
    let sign_in = async |label| {
        let who = SignIn::new("ada").label(label);
        bench.sessions.sign_in(None, who, |_| {}).await.expect("a sign-in")
    };
    let (laptop, _phone) = (sign_in("Laptop").await, sign_in("Phone").await);
    let (id, began) = (laptop.new_id.expect("an id"), laptop.session.created_at);
    let list = async || bench.sessions.of_user("ada").await.expect("a list");
    assert_eq!(list().await.len(), 2);

    let step = bench.settings.idle_timeout * 9 / 10;
    bench.pass(step);
    bench.view(Some(id)).await.expect("a view");
    bench.pass(step);
    let listed = list().await;
    let [left] = &listed[..] else { panic!("the phone's has ended: {listed:?}") };
    assert_eq!((left.key, left.label.as_deref()), (laptop.session.key, Some("Laptop")));
    assert_eq!((left.created_at, left.signed_in_at, left.last_seen), (began, began, began + step));

    let confirmed = bench.sessions.confirm(id).await.expect("a response").expect("a session").session;
    let listed = list().await;
    let [left] = &listed[..] else { panic!("the old id is no session: {listed:?}") };
    assert_eq!((left.key, left.label.as_deref()), (confirmed.key, Some("Laptop")));
    assert_eq!((left.created_at, left.signed_in_at, left.last_seen), (began, began + 2 * step, began + 2 * step));
}
