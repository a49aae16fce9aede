//! Connections that die without a word, that are full, and that take long to open.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use exact_sessions::{
    store::{
        Store, StoreError, Write,
        firestore::{
            FirestoreStore,
            firestore::{FirestoreDb, FirestoreDbOptions},
        },
    },
    testing::contract::{fresh_key, record},
};
use futures::future::join_all;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{emulated, proxy::Proxy};

/// How long the engine waits for its first call by default.
const CALL_TIME: Duration = Duration::from_secs(1);

/// Ends a test that would hang.
const TIMEOUT: Duration = Duration::from_secs(60);

fn through(proxy: &Proxy, channels: usize, options: FirestoreDbOptions) -> FirestoreStore {
    let options = options.with_firebase_api_url(format!("http://{}", proxy.address));
    FirestoreStore::with_connect("sessions", channels, move || FirestoreDb::with_options(options.clone()))
}

/// A store whose connections are opened while the gate is open; it counts those that were begun.
fn gated(
    gate: &watch::Sender<bool>,
    begun: &Arc<AtomicUsize>,
    channels: usize,
    options: FirestoreDbOptions,
) -> FirestoreStore {
    let (gate, begun) = (gate.clone(), Arc::clone(begun));
    FirestoreStore::with_connect("sessions", channels, move || {
        begun.fetch_add(1, Ordering::SeqCst);
        let (mut gate, options) = (gate.subscribe(), options.clone());
        async move {
            gate.wait_for(|open| *open).await.expect("a gate");
            FirestoreDb::with_options(options).await
        }
    })
}

fn under_way(proxy: &Proxy) -> usize {
    proxy.calls().iter().map(|calls| calls.under_way).sum()
}

async fn until(what: &str, reached: impl Fn() -> bool) {
    let reaching = async {
        while !reached() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(TIMEOUT, reaching).await.expect(what);
}

#[tokio::test]
async fn connections_that_have_gone_deaf_are_replaced() {
    let Some(options) = emulated() else { return };
    let proxy = Proxy::start(None).await;
    let store = through(&proxy, 4, options);
    let key = fresh_key();
    let mut version = store.put(&Write::create(key, record(0))).await.expect("a write");
    // So many at once that all four of them carry calls.
    proxy.respond(false);
    let calls = join_all((0..300).map(|_| store.get(&key)));
    let respond = async {
        until("300 calls under way at once", || under_way(&proxy) == 300).await;
        proxy.respond(true);
    };
    let (results, ()) = tokio::join!(calls, respond);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(proxy.calls().len(), 4);

    for n in 1..=3 {
        proxy.deafen();
        // As the engine does: a call that takes too long is dropped, then its outcome is looked up.
        let mut dropped = 0;
        version = loop {
            let write = Write::replace(key, record(n), version);
            match timeout(CALL_TIME, store.put(&write)).await {
                Ok(written) => break written.expect("no other writer"),
                Err(_late) => dropped += 1,
            }
            assert!(dropped < 5, "one dropped call is enough to replace all connections");
            // On a connection that is deaf this would hang.
            let stored = timeout(TIMEOUT, store.get(&key)).await.expect("a fresh connection").expect("a read");
            let stored = stored.expect("a session");
            if stored.record == record(n) {
                // The machine was slow, not the connection deaf.
                break stored.version;
            }
            assert_eq!(stored.record, record(n - 1), "a deaf connection delivers nothing");
        };
        assert!(dropped > 0, "the first call went to a deaf connection");
    }
    let stored = store.get(&key).await.expect("a read").expect("a session");
    assert_eq!((stored.record, stored.version), (record(3), version));
}

#[tokio::test]
async fn a_time_limit_of_the_client_holds_and_hides_no_dead_connection() {
    let Some(options) = emulated() else { return };
    let proxy = Proxy::start(None).await;
    let store = through(&proxy, 1, options.with_request_timeout(CALL_TIME));
    for reads in [false, true] {
        // An emulator that was just started may need longer than the limit.
        let open = async { while store.ping().await.is_err() {} };
        timeout(TIMEOUT, open).await.expect("it is there");
        proxy.deafen();
        let mut late = 0;
        let call = async || {
            if reads {
                store.get(&fresh_key()).await.map(drop)
            } else {
                store.put(&Write::create(fresh_key(), record(0))).await.map(drop)
            }
        };
        while let Err(error) = timeout(TIMEOUT, call()).await.expect("the limit holds") {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
            late += 1;
            assert!(late < 5, "one late call is enough to replace the connection");
        }
        assert!(late > 0, "the first call went to a deaf connection");
    }
}

#[tokio::test]
async fn a_connection_on_which_others_are_answered_stays() {
    let Some(options) = emulated() else { return };
    let proxy = Proxy::start(None).await;
    let store = through(&proxy, 1, options);
    let key = fresh_key();
    store.put(&Write::create(key, record(0))).await.expect("a write");
    for _ in 0..10 {
        // One call is given up, long before its connection counts as silent. All of them together would make it silent if
        // others did not get responses meanwhile.
        proxy.respond(false);
        assert!(timeout(Duration::from_millis(100), store.get(&key)).await.is_err());
        proxy.respond(true);
        store.get(&key).await.expect("a read");
    }
    assert_eq!(proxy.calls().len(), 1, "it was opened once");
}

#[tokio::test]
async fn more_calls_than_one_connection_carries_are_under_way_at_once() {
    let Some(options) = emulated() else { return };
    let proxy = Proxy::start(Some(100)).await;
    let store = through(&proxy, 4, options);
    let key = fresh_key();
    store.put(&Write::create(key, record(0))).await.expect("a write");
    proxy.respond(false);
    let calls = join_all((0..360).map(|_| store.get(&key)));
    let respond = async {
        until("360 calls under way at once", || under_way(&proxy) == 360).await;
        proxy.respond(true);
    };
    let (results, ()) = tokio::join!(calls, respond);
    assert!(results.iter().all(Result::is_ok));
    let calls = proxy.calls();
    assert_eq!(calls.len(), 4);
    assert!(calls.iter().all(|calls| (50..=100).contains(&calls.most)), "the calls are spread: {calls:?}");
}

#[tokio::test]
async fn fifty_calls_at_a_time_share_one_connection_and_the_next_ones_do_not_wait_for_another() {
    let Some(options) = emulated() else { return };
    let proxy = Proxy::start(None).await;
    let options = options.with_firebase_api_url(format!("http://{}", proxy.address));
    let (gate, begun) = (watch::Sender::new(true), Arc::default());
    let store = gated(&gate, &begun, 4, options);
    store.ping().await.expect("it is there");
    gate.send_replace(false);
    for (at_once, connections) in [(50, 1), (90, 2)] {
        proxy.respond(false);
        let key = fresh_key();
        let calls = join_all((0..at_once).map(|_| store.get(&key)));
        let respond = async {
            until("all calls under way at once", || under_way(&proxy) == at_once).await;
            proxy.respond(true);
        };
        let (results, ()) = tokio::join!(calls, respond);
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(begun.load(Ordering::SeqCst), connections, "{at_once} at once");
    }
    assert_eq!(proxy.calls().len(), 1, "the other one is not open yet");
}

#[tokio::test]
async fn a_write_is_one_frame_with_the_end_of_the_request() {
    let Some(options) = emulated() else { return };
    let proxy = Proxy::start(None).await;
    let store = through(&proxy, 1, options);
    for n in 1..=3 {
        store.put(&Write::create(fresh_key(), record(0))).await.expect("a write");
        assert_eq!(proxy.calls()[0].data_frames, n);
    }
}

#[tokio::test]
async fn the_first_connection_outlives_the_request_that_began_it() {
    let Some(options) = emulated() else { return };
    let (gate, begun) = (watch::Sender::new(false), Arc::default());
    let store = gated(&gate, &begun, 1, options);
    assert!(timeout(Duration::from_millis(10), store.ping()).await.is_err(), "it can't be open yet");
    gate.send_replace(true);
    store.ping().await.expect("it is there");
    assert_eq!(begun.load(Ordering::SeqCst), 1, "the second request used the connection of the first");
}

#[tokio::test]
async fn a_connection_that_cannot_be_opened_is_tried_again_by_the_next_call() {
    let Some(options) = emulated() else { return };
    let begun = Arc::new(AtomicUsize::new(0));
    let store = {
        let begun = Arc::clone(&begun);
        FirestoreStore::with_connect("sessions", 4, move || {
            let first = begun.fetch_add(1, Ordering::SeqCst) == 0;
            let nobody = "http://127.0.0.1:1".to_owned();
            let options = if first { options.clone().with_firebase_api_url(nobody) } else { options.clone() };
            FirestoreDb::with_options(options)
        })
    };
    let failed = store.ping().await;
    assert!(matches!(failed, Err(StoreError::Unreachable(_))), "{failed:?}");
    store.ping().await.expect("it is there");
}

#[tokio::test]
async fn a_write_that_finds_nobody_was_not_sent() {
    let Some(options) = emulated() else { return };
    let proxy = Proxy::start(None).await;
    let store = through(&proxy, 1, options);
    store.put(&Write::create(fresh_key(), record(1))).await.expect("a write");
    proxy.close();
    let refused = async {
        loop {
            match store.put(&Write::create(fresh_key(), record(1))).await {
                Err(StoreError::Unreachable(_)) => return,
                // The connection broke under it.
                Err(StoreError::Unavailable(_)) => sleep(Duration::from_millis(1)).await,
                other => panic!("{other:?}"),
            }
        }
    };
    timeout(TIMEOUT, refused).await.expect("it is refused");
}
