//! What the engine counts, and what a meter and a response's extensions say of one caller's work.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::post,
};
use exact_sessions::{
    Meter, SignIn,
    axum::{SessionHandle, SessionLayer},
    cookie::CookiePolicy,
    metrics::{ROUND_TRIPS, STORE_SECONDS},
    testing::Fault,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower::ServiceExt as _;

use crate::bench::{Bench, Counter};

/// Each counter that was moved, by its name and labels, and the sum of each histogram.
fn counted(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
    let all = snapshotter.snapshot().into_vec();
    all.into_iter()
        .filter_map(|(key, _, _, value)| {
            let labels: Vec<_> = key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let name = key.key().name().trim_start_matches("sessions_").to_owned();
            let value = match value {
                DebugValue::Counter(count) => count,
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole numbers")]
                DebugValue::Histogram(values) if name == "round_trips" => {
                    values.iter().map(|value| value.into_inner() as u64).sum()
                }
                DebugValue::Histogram(values) => values.len() as u64,
                DebugValue::Gauge(_) => return None,
            };
            Some(([&[name], labels.as_slice()].concat().join(" "), value))
        })
        .filter(|(_, value)| *value > 0)
        .collect()
}

/// Runs the work on this thread alone, and returns what was counted.
macro_rules! counting {
    ($work:expr) => {{
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        let guard = metrics::set_default_local_recorder(&recorder);
        $work;
        drop(guard);
        counted(&snapshotter)
    }};
}

fn expect(found: &BTreeMap<String, u64>, expected: &[(&str, u64)]) {
    let expected: BTreeMap<_, _> = expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    assert_eq!(*found, expected);
}

#[tokio::test]
async fn the_course_of_a_session_is_counted() {
    let bench = Bench::new();
    let found = counting!({
        let id = bench.new_session().await;
        bench.view(Some(id)).await.expect("a view");
        bench.another_instance().upsert(Some(id), Counter::count).await.expect("a view");
        bench.view(Some(id)).await.expect("a view");
        bench.sessions.delete(id).await.expect("a deletion");
        bench.sessions.delete(id).await.expect("nothing to delete");
        bench.sessions.update(id, Counter::count).await.expect("an answer");
    });
    expect(
        &found,
        &[
            ("created_total", 1),
            ("ended_total", 1),
            ("conflicts_total", 1),
            ("retries_total", 1),
            ("rejected_ids_total reason=unknown", 1),
            ("cache_total result=hit", 1),
            ("cache_total result=stale", 1),
            ("cache_total result=miss", 2),
            // A read by the other instance, one after the conflict, one for each deletion, one for the update.
            ("store_seconds operation=get result=ok", 5),
            ("store_seconds operation=put result=ok", 4),
            ("store_seconds operation=put result=conflict", 1),
            ("store_seconds operation=delete result=ok", 1),
            ("round_trips", 11),
        ],
    );
    for name in [STORE_SECONDS, ROUND_TRIPS] {
        let name = name.trim_start_matches("sessions_");
        assert!(found.keys().any(|found| found.split(' ').next() == Some(name)), "exporters set buckets for {name}");
    }
}

#[tokio::test]
async fn who_comes_back_too_late_is_counted() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    bench.pass(bench.settings.idle_timeout);
    let found = counting!(bench.view(Some(id)).await.expect("a view"));
    assert_eq!((found["expired_total"], found["created_total"]), (1, 1), "{found:?}");
    assert!(!found.contains_key("rejected_ids_total reason=unknown"), "{found:?}");

    let found = counting!({
        assert_eq!(bench.sessions.read(id).await.expect("an answer"), None);
        assert!(bench.sessions.rotate(id).await.expect("an answer").is_none());
        assert!(bench.sessions.confirm(id).await.expect("an answer").is_none());
        bench.sessions.sign_in(Some(id), SignIn::new("ada"), Counter::count).await.expect("a sign-in");
    });
    assert_eq!((found["expired_total"], found["created_total"]), (4, 1), "{found:?}");
    assert!(!found.contains_key("rejected_ids_total reason=unknown"), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn lost_answers_are_counted_by_what_was_found_out() {
    for (faults, found, error) in [
        (&[Fault::None, Fault::After] as &[_], "applied", None),
        (&[Fault::None, Fault::Before], "not_applied", None),
        (&[Fault::None, Fault::After, Fault::Refused], "unknown", Some("unknown")),
    ] {
        let bench = Bench::new();
        let id = bench.new_session().await;
        let instance = bench.faulty(faults);
        let counted = counting!(assert_eq!(instance.update(id, Counter::count).await.is_err(), error.is_some()));
        let lost: Vec<_> = counted.iter().filter(|(name, _)| name.starts_with("lost_answers")).collect();
        assert_eq!(lost, [(&format!("lost_answers_total found={found}"), &1)], "{faults:?}");
        let errors: Vec<_> = counted.keys().filter_map(|name| name.strip_prefix("errors_total error=")).collect();
        assert_eq!(errors, error.into_iter().collect::<Vec<_>>(), "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_whose_answer_was_lost_is_one() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let instance = bench.faulty([Fault::None, Fault::After]);
    let counted = counting!(instance.delete(id).await.expect("a deletion"));
    assert_eq!((counted["ended_total"], counted["lost_answers_total found=gone"]), (1, 1), "{counted:?}");

    let id = bench.new_session().await;
    let instance = bench.faulty([Fault::None, Fault::After, Fault::Refused]);
    let failed = instance.delete(id).await.expect_err("nobody knows");
    assert_eq!(failed.kind(), "unknown", "{failed}");
}

#[tokio::test(start_paused = true)]
async fn a_new_session_whose_answer_was_lost_is_counted_once() {
    for (fault, found) in [(Fault::After, "applied"), (Fault::Before, "not_applied")] {
        let bench = Bench::new();
        let instance = bench.faulty([fault]);
        let counted = counting!(instance.upsert(None, Counter::count).await.expect("a view"));
        assert_eq!(counted.get(&format!("lost_answers_total found={found}")), Some(&1), "{counted:?}");
        assert_eq!(counted["created_total"], 1, "{counted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_meter_tells_what_one_caller_has_cost() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let (meter, other) = (Meter::default(), Meter::default());
    let instance = bench.faulty([Fault::Before, Fault::None, Fault::After]);
    // Read, fails; read; write, answer lost; read.
    instance.metered(&meter).update(id, Counter::count).await.expect("an answer");
    assert_eq!((meter.round_trips(), meter.retries()), (4, 2));
    instance.metered(&other).update(id, Counter::count).await.expect("an answer");
    assert_eq!((other.round_trips(), other.retries()), (1, 0));
    assert_eq!(meter.round_trips(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_empty_in_the_end() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let instance = bench.faulty([Fault::Delay(Duration::from_millis(100))]);
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let length = || {
        let all = snapshotter.snapshot().into_vec();
        all.into_iter().find_map(|(key, _, _, value)| match value {
            DebugValue::Gauge(length) if key.key().name() == "sessions_queue_length" => Some(length.into_inner()),
            _ => None,
        })
    };
    let _guard = metrics::set_default_local_recorder(&recorder);
    let view = |_| {
        let instance = instance.clone();
        tokio::spawn(async move { instance.upsert(Some(id), Counter::count).await })
    };
    let views: Vec<_> = (0..3).map(view).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(length(), Some(3.0));
    for view in views {
        view.await.expect("no panic").expect("a view");
    }
    // A snapshot shows what came since the last one.
    assert_eq!(length(), Some(-3.0));
}

#[tokio::test]
async fn a_sign_in_says_what_the_cache_was_worth() {
    let bench = Bench::new();
    let id = bench.new_session().await;
    let found = counting!({
        let id = bench.sessions.sign_in(Some(id), SignIn::new("ada"), |_| {}).await.expect("a sign-in").new_id;
        let id = id.expect("an id");
        bench.another_instance().update(id, Counter::count).await.expect("a change");
        bench.sessions.rotate(id).await.expect("an answer").expect("a session");
    });
    let cached = |result| found.get(&format!("cache_total result={result}")).copied();
    // The other instance knew nothing.
    assert_eq!((cached("hit"), cached("stale"), cached("miss")), (Some(1), Some(1), Some(1)), "{found:?}");
}

#[tokio::test]
async fn what_the_handle_refuses_is_counted_as_well() {
    let sign_in = async |session: SessionHandle<Counter>| session.sign_in(SignIn::new("ada"), |_| {}).await.map(drop);
    let app = Router::new().route("/", post(sign_in));
    let app = app.layer(SessionLayer::new(Bench::new().sessions, CookiePolicy::without_https()));
    let request = Request::post("/").header("sec-fetch-site", "cross-site").body(Body::empty()).expect("a request");
    let found = counting!(assert_eq!(app.oneshot(request).await.expect("a response").status(), StatusCode::FORBIDDEN));
    assert_eq!(found.get("errors_total error=cross_site"), Some(&1), "{found:?}");
}
