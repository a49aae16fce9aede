//! What the engine counts, through the facade [`metrics`](https://docs.rs/metrics): install any of its
//! exporters to see it. Without one it costs next to nothing.
//!
//! | metric | kind | labels | |
//! |---|---|---|---|
//! | `sessions_created_total` | counter | | new sessions |
//! | `sessions_ended_total` | counter | | sessions ended on request |
//! | `sessions_expired_total` | counter | | expired sessions that somebody came back to |
//! | `sessions_swept_total` | counter | | expired sessions that the SQLite store removed |
//! | `sessions_rejected_ids_total` | counter | `reason`: `malformed`, `unknown` | ids that led to no session |
//! | `sessions_conflicts_total` | counter | | writes refused since somebody else had written |
//! | `sessions_retries_total` | counter | | store calls that repeat or replace one that failed |
//! | `sessions_lost_answers_total` | counter | `found`: `applied`, `not_applied`, `gone`, `unknown` | writes whose answer was lost, by what was found out |
//! | `sessions_errors_total` | counter | `error`: [`Error::kind`] | requests of the engine that failed |
//! | `sessions_cache_total` | counter | `result`: `hit`, `stale`, `unused`, `miss` | what the cache was worth; `unused`: known, but too often changed elsewhere to write on a guess |
//! | `sessions_queue_length` | gauge | | changes in progress, or waiting for another one of the same session |
//! | `sessions_store_calls_under_way` | gauge | | calls of Firestore that were begun and have not returned |
//! | `sessions_store_seconds` | histogram | `operation`, `result` | each call of the store |
//! | `sessions_round_trips` | histogram | | calls of the store for one request of the engine |

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::{Error, store::StoreError};

/// The histogram of the store's calls, in seconds. An exporter should give it buckets that tell 1 from 2 ms.
pub const STORE_SECONDS: &str = "sessions_store_seconds";

/// The histogram of the round trips of a request.
pub const ROUND_TRIPS: &str = "sessions_round_trips";

/// Gives each metric its unit and its help text, and begins each counter at 0, so that a rate can be taken of its
/// first step, too. Call it after the exporter is installed.
pub fn describe() {
    for name in ["created", "ended", "expired", "swept", "conflicts", "retries"] {
        counter!(format!("sessions_{name}_total")).increment(0);
    }
    gauge!("sessions_queue_length").increment(0.0);
    for (name, label, values) in [
        ("rejected_ids", "reason", &["malformed", "unknown"] as &[_]),
        ("lost_answers", "found", &["applied", "not_applied", "gone", "unknown"]),
        ("errors", "error", &Error::KINDS),
        ("cache", "result", &["hit", "stale", "unused", "miss"]),
    ] {
        for value in values {
            counter!(format!("sessions_{name}_total"), label => *value).increment(0);
        }
    }
    describe_counter!("sessions_created_total", "New sessions.");
    describe_counter!("sessions_ended_total", "Sessions ended on request.");
    describe_counter!("sessions_expired_total", "Expired sessions that somebody came back to.");
    describe_counter!("sessions_swept_total", "Expired sessions removed from the store.");
    describe_counter!("sessions_rejected_ids_total", "Ids that led to no session, by reason.");
    describe_counter!("sessions_conflicts_total", "Writes refused since somebody else had written.");
    describe_counter!("sessions_retries_total", "Store calls that repeat or replace one that failed.");
    describe_counter!("sessions_lost_answers_total", "Writes whose answer was lost, by what was found out.");
    describe_counter!("sessions_errors_total", "Requests of the engine that failed, by error.");
    describe_counter!("sessions_cache_total", "What the cache was worth, by result.");
    describe_gauge!("sessions_queue_length", "Changes in progress or waiting for another one of the same session.");
    describe_gauge!("sessions_store_calls_under_way", "Calls of Firestore that were begun and have not returned.");
    describe_histogram!(STORE_SECONDS, Unit::Seconds, "Calls of the store, by operation and result.");
    describe_histogram!(ROUND_TRIPS, Unit::Count, "Calls of the store for one request of the engine.");
}

/// The calls to the store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Get,
    Put,
    Delete,
    List,
    Ping,
}

/// What is known of a write whose answer was lost.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LookupResult {
    Applied,
    NotApplied,
    Gone,
    Unknown,
}

/// What the cache was worth.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cached {
    Hit,
    Stale,
    Unused,
    Miss,
}

pub(crate) fn created() {
    counter!("sessions_created_total").increment(1);
}

pub(crate) fn ended() {
    counter!("sessions_ended_total").increment(1);
}

pub(crate) fn expired() {
    counter!("sessions_expired_total").increment(1);
}

pub(crate) fn unknown_id() {
    counter!("sessions_rejected_ids_total", "reason" => "unknown").increment(1);
}

pub(crate) fn malformed_id() {
    counter!("sessions_rejected_ids_total", "reason" => "malformed").increment(1);
}

pub(crate) fn conflict() {
    counter!("sessions_conflicts_total").increment(1);
}

pub(crate) fn retry() {
    counter!("sessions_retries_total").increment(1);
}

pub(crate) fn lost_answer(result: LookupResult) {
    let found = match result {
        LookupResult::Applied => "applied",
        LookupResult::NotApplied => "not_applied",
        LookupResult::Gone => "gone",
        LookupResult::Unknown => "unknown",
    };
    counter!("sessions_lost_answers_total", "found" => found).increment(1);
}

pub(crate) fn failed(error: &Error) {
    counter!("sessions_errors_total", "error" => error.kind()).increment(1);
}

pub(crate) fn cached(result: Cached) {
    let counter = match result {
        Cached::Hit => counter!("sessions_cache_total", "result" => "hit"),
        Cached::Stale => counter!("sessions_cache_total", "result" => "stale"),
        Cached::Unused => counter!("sessions_cache_total", "result" => "unused"),
        Cached::Miss => counter!("sessions_cache_total", "result" => "miss"),
    };
    counter.increment(1);
}

pub(crate) fn queued() {
    gauge!("sessions_queue_length").increment(1.0);
}

pub(crate) fn left_queue() {
    gauge!("sessions_queue_length").decrement(1.0);
}

// Names and labels are literals here, not constants: then the compiler makes the metric's key and the key's hash.
pub(crate) fn store_call<R>(operation: Operation, result: &Result<R, StoreError>, took: Duration) {
    macro_rules! of {
        ($operation:literal) => {
            match result {
                Ok(_) => of!($operation, "ok"),
                Err(StoreError::Conflict) => of!($operation, "conflict"),
                Err(StoreError::Contended(_)) => of!($operation, "contended"),
                Err(StoreError::Unreachable(_)) => of!($operation, "unreachable"),
                Err(StoreError::Unavailable(_)) => of!($operation, "unavailable"),
                Err(StoreError::Refused(_)) => of!($operation, "refused"),
                Err(StoreError::Invalid(_)) => of!($operation, "invalid"),
            }
        };
        ($operation:literal, $result:literal) => {
            histogram!("sessions_store_seconds", "operation" => $operation, "result" => $result)
        };
    }
    let histogram = match operation {
        Operation::Get => of!("get"),
        Operation::Put => of!("put"),
        Operation::Delete => of!("delete"),
        Operation::List => of!("list"),
        Operation::Ping => of!("ping"),
    };
    histogram.record(took);
}

pub(crate) fn round_trips(count: u32) {
    histogram!("sessions_round_trips").record(count);
}
