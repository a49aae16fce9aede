//! Whatever comes in: no panic, no error, no session that isn't the visitor's.
//!
//! In the test run each target gets a second and the same inputs every time; `make fuzz` gives it as long as
//! one likes, and other inputs each time.

use std::time::{Duration, Instant, UNIX_EPOCH};

use exact_sessions::{
    Record, SessionId,
    cookie::CookiePolicy,
    record::{Meta, RESERVED_FIELDS},
    store::{Store, Write},
    testing::contract::fresh_key,
};
use proptest::{
    collection::{hash_map, vec},
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value};

use crate::bench::{Bench, Counter};

fn fuzz<S: Strategy>(inputs: &S, check: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let setting = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = Duration::from_secs(setting("FUZZ_SECONDS").unwrap_or(1));
    let mut seed = setting("FUZZ_SEED").unwrap_or(0);
    let (begun, mut rounds) = (Instant::now(), 0);
    while begun.elapsed() < seconds {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        if let Err(failure) = runner.run(inputs, &check) {
            panic!("FUZZ_SEED={seed}: {failure}");
        }
        (seed, rounds) = (seed + 1, rounds + 1);
    }
    eprintln!("{} inputs, the last FUZZ_SEED was {}", rounds * 256, seed - 1);
}

/// Nearly ids: every spelling of a UUID that a lenient parser takes, and some that none does.
const UUID_LIKE: &str = "(urn:uuid:|[{])?[0-9A-Fa-f]{8}-?[0-9a-f]{4}-?[1-5][0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}[}]?";

/// Bytes that are, here and there, pieces of what a cookie is made of.
fn cookie_header() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..20),
        "(session_id|__Host-session_id|a|[$]Path)".prop_map(String::into_bytes),
        "[=;, \"%]{1,3}".prop_map(String::into_bytes),
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}".prop_map(String::into_bytes),
        UUID_LIKE.prop_map(String::into_bytes),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn a_cookie_header() {
    let policy = CookiePolicy::without_https();
    fuzz(&vec(cookie_header(), 0..3), |headers| {
        if let Some(id) = policy.read(headers.iter().map(Vec::as_slice)) {
            let canonical = id.expose().into_bytes();
            let sent = headers.iter().any(|header| header.windows(canonical.len()).any(|bytes| bytes == canonical));
            prop_assert!(sent, "an id that nobody sent");
        }
        Ok(())
    });
}

#[test]
fn texts_of_ids_keys_and_revisions() {
    fuzz(&prop_oneof![UUID_LIKE, "\\PC{0,70}", "[0-9a-fA-F]{64}", "[0-9a-fA-F+]{16}"], |text| {
        if let Some(id) = SessionId::parse(&text) {
            prop_assert_eq!(id.expose(), text.clone());
        }
        if let Some(key) = exact_sessions::SessionKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text.clone());
        }
        if let Some(revision) = exact_sessions::record::Revision::parse(&text) {
            prop_assert_eq!(revision.to_string(), text);
        }
        Ok(())
    });
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            hash_map(".{0,6}", inner, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A record as somebody may have left it who edited it by hand.
fn record() -> impl Strategy<Value = Record> {
    let data = hash_map("(views|[a-z]{0,3}|.{0,5})", json(), 0..6).prop_map(|fields| {
        let ours = fields.into_iter().filter(|(name, _)| !RESERVED_FIELDS.contains(&name.as_str()));
        ours.collect::<Map<_, _>>()
    });
    let time =
        || proptest::option::of((0..4_000_000_000_u64).prop_map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)));
    let revisions = vec("[0-9a-f]{16}|.{0,4}", 0..10);
    let successor = proptest::option::weighted(0.1, Just(()).prop_map(|()| fresh_key().to_string()));
    let first_layout = (revisions, successor).prop_map(|(revisions, successor)| {
        Meta::of_first_layout(revisions.iter().map(String::as_str), successor.as_deref())
    });
    let meta = prop_oneof![first_layout, json().prop_map(|json| Meta::from_json(&json))];
    (data, time(), time(), meta).prop_map(|(data, created_at, expires_at, meta)| Record {
        data,
        created_at,
        expires_at,
        meta,
        ..Record::default()
    })
}

#[test]
fn a_record_edited_by_hand() {
    fuzz(&record(), |record| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let bench = Bench::new();
            let id = SessionId::from_random_bytes([7; 16]);
            bench.store.put(&Write::create(id.key(), record)).await.expect("a write");
            let first = bench.view(Some(id)).await.expect("a view");
            let id = first.new_id.unwrap_or(id);
            let second = bench.sessions.upsert(Some(id), Counter::count).await.expect("a view");
            prop_assert_eq!(second.session.data.views, first.session.data.views.saturating_add(1));
            prop_assert!(second.new_id.is_none(), "what was repaired stays so");
            Ok(())
        })
    });
}
