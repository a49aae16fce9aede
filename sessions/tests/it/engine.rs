//! What the engine promises, on the memory store: which ids lead where, when sessions end, what a view costs.

use std::{sync::Arc, time::Duration};

use exact_sessions::{
    ChangeError, Changed, Error, Keep, SessionId, Sessions, Settings, SignIn,
    record::Meta,
    store::{Store, memory::MemoryStore},
    testing::Fault,
};
use serde_json::json;

use crate::bench::{Bench, Counter};

const UNKNOWN: &str = "c0ffee00-dead-4bee-8abc-0123456789ab";

fn views(visit: &Changed<Counter>) -> u64 {
    visit.session.data.views
}

#[tokio::test]
async fn a_first_view_makes_a_session_and_the_next_ones_count_in_it() {
    let bench = Bench::new();
    let first = bench.view(None).await.expect("a view");
    let id = first.new_id.expect("a new session has a new id");
    assert_eq!(views(&first), 1);
    for n in 2..5 {
        let next = bench.view(Some(id)).await.expect("a view");
        assert_eq!((views(&next), next.new_id), (n, None), "the cookie stays as it is");
    }
    let other = bench.view(None).await.expect("a view");
    assert_eq!(views(&other), 1);
    assert_ne!(other.new_id, Some(id));
}

#[tokio::test]
async fn an_unknown_id_is_never_adopted() {
    let bench = Bench::new();
    let unknown = SessionId::parse(UNKNOWN).expect("a good id");
    let visit = bench.view(Some(unknown)).await.expect("a view");
    assert_eq!(views(&visit), 1);
    assert!(visit.new_id.is_some_and(|id| id != unknown));
    assert_eq!(bench.store.get(&unknown.key()).await.expect("an answer"), None, "nothing is stored under it");
    assert_eq!(bench.sessions.update(unknown, |_| {}).await.expect("an answer"), None);
    assert_eq!(bench.sessions.read(unknown).await.expect("an answer"), None);
    assert!(bench.sessions.rotate(unknown).await.expect("an answer").is_none());
    bench.sessions.delete(unknown).await.expect("nothing to do");
}

#[tokio::test]
async fn an_idle_session_ends_and_is_replaced() {
    for warm in [true, false] {
        let bench = Bench::new();
        let id = bench.new_session().await;
        bench.pass(bench.settings.idle_timeout * 9 / 10);
        assert_eq!(views(&bench.view(Some(id)).await.expect("a view")), 2, "a view renews it");
        bench.pass(bench.settings.idle_timeout);
        let sessions = if warm { bench.sessions.clone() } else { bench.another_instance() };
        assert_eq!(sessions.read(id).await.expect("an answer"), None);
        let visit = sessions.upsert(Some(id), Counter::count).await.expect("a view");
        assert_eq!(views(&visit), 1, "warm: {warm}");
        assert!(visit.new_id.is_some_and(|new| new != id));
    }
}

#[tokio::test]
async fn a_session_that_another_instance_has_renewed_does_not_end_when_this_one_remembers() {
    for rotates in [false, true] {
        let bench = Bench::new();
        let id = bench.new_session().await;
        bench.pass(bench.settings.idle_timeout * 9 / 10);
        bench.another_instance().upsert(Some(id), Counter::count).await.expect("a view");
        bench.pass(bench.settings.idle_timeout * 9 / 10);
        if rotates {
            let moved = bench.sessions.rotate(id).await.expect("an answer").expect("the session is there");
            assert_eq!(views(&moved), 2);
        } else {
            let (visit, round_trips) = bench.cost(bench.view(Some(id))).await;
            let visit = visit.expect("a view");
            assert_eq!((views(&visit), visit.new_id, round_trips), (3, None, 2), "one to confirm, one to write");
        }
    }
}

#[tokio::test]
async fn a_session_ends_after_its_lifetime_however_busy_it_is() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let step = bench.settings.idle_timeout / 2;
    let mut age = step;
    while age < bench.settings.lifetime {
        bench.pass(step);
        assert!(bench.view(Some(id)).await.expect("a view").new_id.is_none(), "at the age of {age:?}");
        age += step;
    }
    bench.pass(step);
    assert!(bench.view(Some(id)).await.expect("a view").new_id.is_some());
}

#[tokio::test]
async fn a_deleted_session_is_gone_on_every_instance() {
    let bench = Bench::new();
    let other = bench.another_instance();
    let id = bench.new_session().await;
    other.upsert(Some(id), Counter::count).await.expect("a view");
    bench.sessions.delete(id).await.expect("a delete");
    assert_eq!(other.read(id).await.expect("an answer"), None);
    let visit = other.upsert(Some(id), Counter::count).await.expect("a view");
    assert_eq!(views(&visit), 1);
    assert!(visit.new_id.is_some_and(|new| new != id));
    assert_eq!(bench.store.get(&id.key()).await.expect("an answer"), None, "it does not come back");
}

#[tokio::test(start_paused = true)]
async fn a_delete_wins_over_a_change_in_flight() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let other = bench.another_instance();
    let slow = bench.faulty([Fault::None, Fault::Delay(Duration::from_millis(50))]);
    let change = tokio::spawn(async move { slow.update(id, |counter| counter.views += 1).await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    other.delete(id).await.expect("a delete");
    assert_eq!(change.await.expect("no panic").expect("an answer"), None, "the change finds nothing to change");
    assert_eq!(bench.store.get(&id.key()).await.expect("an answer"), None);
}

#[tokio::test]
async fn round_trips_a_view() {
    let bench = Bench::new();
    let (id, new) = bench.cost(async { bench.new_session().await }).await;
    assert_eq!(new, 1, "a new session");
    for _ in 0..3 {
        assert_eq!(bench.cost(bench.view(Some(id))).await.1, 1, "a warm view");
    }
    let other = bench.another_instance();
    assert_eq!(bench.cost(other.upsert(Some(id), Counter::count)).await.1, 2, "a cold view");
    assert_eq!(bench.cost(other.upsert(Some(id), Counter::count)).await.1, 1, "a view after a cold one");
    assert_eq!(bench.cost(bench.view(Some(id))).await.1, 3, "a view on a stale guess");
    assert_eq!(bench.cost(bench.view(None)).await.1, 1, "a view without a cookie");
    let unknown = SessionId::parse(UNKNOWN).expect("a good id");
    assert_eq!(bench.cost(bench.view(Some(unknown))).await.1, 2, "a view with an unknown id");
}

#[tokio::test(start_paused = true)]
async fn a_view_of_what_is_remembered_for_too_long_is_a_cold_one() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    tokio::time::advance(bench.settings.cache_age * 9 / 10).await;
    assert_eq!(bench.cost(bench.view(Some(id))).await.1, 1, "not too long");
    tokio::time::advance(bench.settings.cache_age).await;
    assert_eq!(bench.cost(bench.view(Some(id))).await.1, 2, "too long");
    assert_eq!(bench.cost(bench.view(Some(id))).await.1, 1, "remembered again");
}

#[tokio::test]
async fn instances_that_take_turns_pay_no_more_than_a_read_and_a_write() {
    // Random routing would pass by luck; a fixed pseudo-random sequence can't.
    for instances in [2_usize, 4] {
        let bench = Bench::new();
        let id = bench.new_session().await;
        let all: Vec<_> = (0..instances).map(|_| bench.another_instance()).collect();
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let rounds = 2000;
        let ((), cost) = bench
            .cost(async {
                for _ in 0..rounds {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let instance = usize::try_from(state >> 33).unwrap_or(0) % instances;
                    all[instance].upsert(Some(id), Counter::count).await.expect("a view");
                }
            })
            .await;
        eprintln!("{instances} instances under random routing: {cost} round trips for {rounds} views");
        assert!(cost <= rounds * 2 + rounds / 100, "{instances} instances: {cost} round trips for {rounds} views");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_views_of_one_instance_never_conflict() {
    let bench = Arc::new(Bench::new());
    let id = bench.new_session().await;
    let before = bench.counts.conflicts();
    let mut seen = bench.parallel_views(id, 100, 1).await;
    seen.sort_unstable();
    assert_eq!(seen, (2..=101).collect::<Vec<_>>());
    assert_eq!(bench.counts.conflicts(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_views_of_several_instances_are_all_counted_once() {
    for instances in [2, 4] {
        let bench = Arc::new(Bench::new());
        let id = bench.new_session().await;
        let mut seen = bench.parallel_views(id, 100, instances).await;
        seen.sort_unstable();
        assert_eq!(seen, (2..=101).collect::<Vec<_>>(), "{instances} instances");
    }
}

#[tokio::test]
async fn an_edit_by_hand_takes_effect_at_the_next_view_and_the_fields_of_others_stay() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    bench
        .edit(id, |record| {
            record.data.insert("views".into(), json!(41));
            record.data.insert("note".into(), json!({"by": "hand"}));
        })
        .await;
    assert_eq!(views(&bench.view(Some(id)).await.expect("a view")), 42);
    let stored = bench.store.get(&id.key()).await.expect("an answer").expect("a record");
    assert_eq!(stored.record.data["note"], json!({"by": "hand"}));
}

#[tokio::test]
async fn broken_records_are_repaired() {
    for broken in [json!("many"), json!(-3), json!(null), json!([1])] {
        let bench = Bench::new();
        let id = bench.new_session().await;
        bench
            .edit(id, |record| {
                record.data.insert("views".into(), broken.clone());
                (record.created_at, record.expires_at) = (None, None);
                record.meta = Meta::default();
            })
            .await;
        let visit = bench.view(Some(id)).await.expect("a view");
        assert_eq!((views(&visit), visit.new_id), (1, None), "{broken}");
        let record = bench.store.get(&id.key()).await.expect("an answer").expect("a record").record;
        assert!(record.created_at.is_some() && record.expires_at.is_some() && record.meta != Meta::default());
        assert_eq!(views(&bench.view(Some(id)).await.expect("a view")), 2);
    }
}

#[tokio::test]
async fn expires_at_is_written_only_when_it_moves_by_a_worthwhile_amount() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let expires = async || bench.store.get(&id.key()).await.expect("an answer").expect("a record").record.expires_at;
    let first = expires().await;
    bench.pass(Duration::from_secs(59 * 60));
    bench.view(Some(id)).await.expect("a view");
    assert_eq!(expires().await, first);
    bench.pass(Duration::from_secs(60));
    bench.view(Some(id)).await.expect("a view");
    assert!(expires().await > first);
}

#[tokio::test]
async fn a_rotation_moves_the_session_and_the_old_id_leads_there_for_a_while() {
    let bench = Bench::new();
    let other = bench.another_instance();
    let old = bench.new_session().await;
    other.upsert(Some(old), Counter::count).await.expect("a view");
    let visit = bench.sessions.rotate(old).await.expect("an answer").expect("a session");
    let new = visit.new_id.expect("a new id");
    assert_eq!(views(&visit), 2, "a rotation is not a view");

    let late = other.upsert(Some(old), Counter::count).await.expect("a view");
    assert_eq!((views(&late), late.new_id), (3, None), "a request with the old id arrives, and learns no id");
    assert_eq!(views(&bench.view(Some(new)).await.expect("a view")), 4);
    let again = bench.sessions.rotate(old).await.expect("an answer").expect("a session");
    assert_eq!((views(&again), again.new_id), (4, None), "a doubled rotation changes nothing");
    assert_eq!(bench.sessions.read(old).await.expect("an answer").map(|session| session.data.views), Some(4));

    bench.pass(bench.settings.rotation_grace);
    let stranger = other.upsert(Some(old), Counter::count).await.expect("a view");
    assert_eq!(views(&stranger), 1, "after the grace the old id is unknown");
    assert_eq!(views(&bench.view(Some(new)).await.expect("a view")), 5);
}

#[tokio::test]
async fn a_rotation_keeps_the_age_and_leaves_no_data_behind() {
    let bench = Bench::new();
    let old = bench.new_session().await;
    let began = bench.sessions.read(old).await.expect("an answer").expect("a session").created_at;
    bench.pass(Duration::from_secs(60));
    let visit = bench.sessions.rotate(old).await.expect("an answer").expect("a session");
    assert_eq!(visit.session.created_at, began, "the absolute lifetime goes on");
    let left = bench.store.get(&old.key()).await.expect("an answer").expect("a record").record;
    assert!(left.data.is_empty(), "{:?}", left.data);
}

#[tokio::test]
async fn deleting_by_the_old_id_within_the_grace_ends_the_session() {
    let bench = Bench::new();
    let old = bench.new_session().await;
    let new = bench.sessions.rotate(old).await.expect("an answer").and_then(|visit| visit.new_id).expect("a new id");
    bench.sessions.delete(old).await.expect("a delete");
    for id in [old, new] {
        assert_eq!(bench.store.get(&id.key()).await.expect("an answer"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_loses_a_race_begins_again_with_what_the_other_wrote() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    // The read, and then both writes come too late.
    let slow = bench.faulty([Fault::None, Fault::Delay(Duration::from_millis(50))]);
    let rotation = tokio::spawn(async move { slow.rotate(id).await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    bench.view(Some(id)).await.expect("a view");
    let visit = rotation.await.expect("no panic").expect("an answer").expect("a session");
    assert_eq!(views(&visit), 2, "the view in between is not lost");
    assert_eq!(bench.stored().await, 2, "the old record and the new one; the first copy is gone");
}

#[tokio::test(start_paused = true)]
async fn failures_say_what_they_are() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let ask = async |faults: &[Fault]| {
        let faulty = bench.always(faults);
        (faulty.0.update(id, |counter| counter.views += 1).await, faulty.1.round_trips())
    };
    let (refused, tries) = ask(&[Fault::Refused]).await;
    assert!(matches!(refused, Err(Error::Misconfigured(_))), "{refused:?}");
    assert_eq!(tries, 1, "trying again does not help");
    let (aborted, tries) = ask(&[Fault::Aborted]).await;
    assert!(matches!(aborted, Err(Error::Busy)), "{aborted:?}");
    assert!(tries > 10, "{tries}");
    let (down, tries) = ask(&[Fault::Before]).await;
    assert!(matches!(down, Err(Error::Unavailable { outcome: exact_sessions::Outcome::NotApplied, .. })), "{down:?}");
    assert!(tries > 10, "{tries}");
    let (unsent, tries) = ask(&[Fault::None, Fault::Unreachable]).await;
    assert!(
        matches!(unsent, Err(Error::Unavailable { outcome: exact_sessions::Outcome::NotApplied, .. })),
        "its writes were never sent: {unsent:?}"
    );
    assert!(tries > 10, "{tries}");
    let unsent = bench.always(&[Fault::Unreachable]).0.upsert(None, Counter::count).await;
    assert!(
        matches!(unsent, Err(Error::Unavailable { outcome: exact_sessions::Outcome::NotApplied, .. })),
        "nor was the new session: {unsent:?}"
    );
    let (hung, _) = ask(&[Fault::None, Fault::Hang]).await;
    assert!(matches!(hung, Err(Error::Unavailable { outcome: exact_sessions::Outcome::Unknown, .. })), "{hung:?}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_everything() {
    for fault in [Fault::Hang, Fault::Before, Fault::Aborted, Fault::Delay(Duration::from_secs(5))] {
        let bench = Bench::new();
        let (sessions, _) = bench.always(&[fault]);
        let begun = tokio::time::Instant::now();
        assert!(sessions.upsert(None, Counter::count).await.is_err(), "{fault:?}");
        let took = begun.elapsed();
        assert!(took <= bench.settings.store_timeout + Duration::from_millis(5), "{fault:?} took {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_is_finished_and_leaves_nothing_locked() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let slow = bench.faulty([Fault::None, Fault::Delay(Duration::from_millis(30))]);
    let dropped = tokio::time::timeout(Duration::from_millis(10), slow.upsert(Some(id), Counter::count)).await;
    assert!(dropped.is_err(), "the visitor leaves before the answer");
    let next = slow.upsert(Some(id), Counter::count).await.expect("a view");
    assert_eq!(views(&next), 3, "the view that was begun counted, and nobody waits for it");
    let same = bench.another_instance().read(id).await.expect("an answer").expect("a session");
    assert_eq!((same.data.views, same.expires_at), (3, next.session.expires_at));
}

#[tokio::test]
async fn a_panic_in_a_change_reaches_the_caller_and_locks_nothing() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let sessions = bench.sessions.clone();
    let panicked = tokio::spawn(async move { sessions.update(id, |_| -> () { panic!("on purpose") }).await }).await;
    assert!(panicked.is_err());
    assert_eq!(views(&bench.view(Some(id)).await.expect("a view")), 2);
}

#[tokio::test]
async fn data_that_cannot_be_stored_is_refused_before_anything_is_written() {
    let bench = Bench::new();
    let sessions = Sessions::builder(Arc::clone(&bench.store), || 7_u32).build();
    let result = sessions.upsert(None, |_| {}).await;
    assert!(matches!(result, Err(Error::Data(_))), "{result:?}");
    assert_eq!(bench.stored().await, 0);
}

#[tokio::test]
async fn a_touch_returns_the_end_that_it_has_set() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    bench.pass(bench.settings.idle_timeout / 2);
    let touched = bench.sessions.touch(id).await.expect("an answer").expect("a session");
    let read = bench.sessions.read(id).await.expect("an answer").expect("a session");
    assert_eq!(touched.expires_at, read.expires_at);
    assert_eq!(touched.expires_at.duration_since(touched.created_at).ok(), Some(bench.settings.idle_timeout * 3 / 2));
}

#[tokio::test]
async fn a_touch_whose_renewal_fails_returns_the_end_that_is_stored() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let before = bench.sessions.read(id).await.expect("a response").expect("a session");
    bench.pass(bench.settings.idle_timeout / 2);
    let cannot_write = bench.faulty([Fault::None, Fault::Refused]);
    let touched = cannot_write.touch(id).await.expect("no harm").expect("a session");
    assert_eq!((touched.expires_at, touched.data), (before.expires_at, before.data));
    let touched = cannot_write.touch(id).await.expect("a response").expect("a session");
    assert!(touched.expires_at > before.expires_at, "the next one renews it");
}

#[tokio::test]
async fn a_job_reads_changes_and_ends_a_session_by_its_key() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let key = id.key();
    let changed = bench.sessions.update(key, |counter| counter.views += 10).await.expect("an answer");
    assert_eq!(changed.expect("a session").session.data.views, 11);
    let refused = bench.sessions.try_update(key, |counter| Err::<(), _>(counter.views)).await;
    assert!(matches!(refused, Err(ChangeError::Refused(11))), "{refused:?}");
    assert_eq!(bench.sessions.read(key).await.expect("an answer").expect("a session").data.views, 11);
    assert!(bench.sessions.touch(key).await.expect("an answer").is_some());
    bench.sessions.delete(key).await.expect("an answer");
    assert!(bench.sessions.read(id).await.expect("an answer").is_none());
    assert!(bench.sessions.update(key, Counter::count).await.expect("an answer").is_none(), "nothing is made");
}

#[tokio::test]
async fn a_sign_in_needs_a_user_and_time() {
    let bench = Bench::new();
    let (hour, none) = (Duration::from_secs(3600), Duration::ZERO);
    for (who, where_) in [
        (SignIn::new(""), "user"),
        (SignIn::new("ada").keep(Keep::For { idle: none, lifetime: hour }), "keep"),
        (SignIn::new("ada").keep(Keep::For { idle: hour, lifetime: none }), "keep"),
    ] {
        let refused = bench.sessions.sign_in(None, who, |_| {}).await;
        let Err(Error::Data(why)) = refused else { panic!("{refused:?}") };
        assert_eq!(why.path(), where_);
    }
    assert_eq!(bench.stored().await, 0);
}

#[test]
fn settings_with_which_nothing_works_and_fields_that_are_not_there_are_mistakes() {
    let mistake = |settings: Settings, repair: &[&'static str]| {
        let builder = Sessions::builder(MemoryStore::default(), Counter::default).settings(settings);
        let builder = builder.repair(repair.iter().copied());
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(builder.build()))).err();
        panic.map(|panic| panic.downcast_ref::<String>().expect("a message").clone())
    };
    let default = Settings::default;
    assert_eq!(mistake(default(), &["views"]), None);
    for (settings, name) in [
        (default().idle_timeout(Duration::ZERO), "idle_timeout"),
        (default().lifetime(Duration::ZERO), "lifetime"),
        (default().first_timeout(Some(Duration::ZERO)), "first_timeout"),
        (default().store_timeout(Duration::ZERO), "store_timeout"),
    ] {
        assert_eq!(mistake(settings, &[]), Some(format!("settings: {name} is zero")));
    }
    assert_eq!(mistake(default(), &["views", "view"]), Some("repair: the data has no fields [\"view\"]".to_owned()));
}
