//! What the engine itself costs: views on the memory store, reading the cookie, and a record as each store
//! keeps it. Run it with `cargo bench -p exact-sessions --bench engine`.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use exact_sessions::{
    SessionId, Sessions, Settings,
    cookie::CookiePolicy,
    store::{Store, Write, memory::MemoryStore, sqlite::SqliteStore},
    testing::contract::{fresh_key, record},
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

#[derive(Default, Serialize, Deserialize)]
struct Counter {
    views: u64,
}

fn count(counter: &mut Counter) {
    counter.views += 1;
}

fn views(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads");
    let store = Arc::<MemoryStore>::default();
    let sessions = |bytes| {
        let settings = Settings::default().cache_bytes(bytes);
        Sessions::builder(Arc::clone(&store), Counter::default).settings(settings).build()
    };
    // One that remembers nothing reads each time, as one does that sees a session first.
    let (warm, cold) = (sessions(16 * 1024 * 1024), sessions(0));
    let id: Option<SessionId> = runtime.block_on(warm.upsert(None, count)).expect("a view").new_id;
    let mut group = criterion.benchmark_group("view on the memory store");
    group.bench_function("new", |bench| bench.to_async(&runtime).iter(|| warm.upsert(None, count)));
    group.bench_function("warm", |bench| bench.to_async(&runtime).iter(|| warm.upsert(id, count)));
    group.bench_function("cold", |bench| bench.to_async(&runtime).iter(|| cold.upsert(id, count)));
    group.finish();
}

fn cookies(criterion: &mut Criterion) {
    let policy = CookiePolicy::without_https();
    let id = SessionId::from_random_bytes([7; 16]);
    let alone = format!("{}={}", policy.name(), id.expose());
    let among = format!("theme=dark; _ga=GA1.1.1234567890.1700000000; {alone}; consent=all; lang=en");
    let mut group = criterion.benchmark_group("cookie");
    for (name, field) in [("read, alone", &alone), ("read, among others", &among)] {
        assert_eq!(policy.read([field.as_bytes()]), Some(id));
        group.bench_function(name, |bench| bench.iter(|| policy.read([black_box(field.as_bytes())])));
    }
    group.bench_function("set", |bench| bench.iter(|| policy.set(black_box(&id), Some(Duration::from_hours(24)))));
    group.bench_function("key of an id", |bench| bench.iter(|| black_box(id).key()));
    group.finish();
}

/// A record written and read: encoding, decoding, and SQLite's own share, on a file that is never shared.
fn sqlite(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads");
    let folder = tempfile::tempdir().expect("a folder");
    let store = {
        let _context = runtime.enter();
        SqliteStore::open(folder.path().join("sessions.db")).expect("a file")
    };
    let (key, kept) = (fresh_key(), record(1));
    runtime.block_on(store.put(&Write::create(key, kept.clone()))).expect("a write");
    let mut group = criterion.benchmark_group("record on SQLite");
    group.bench_function("get", |bench| bench.to_async(&runtime).iter(|| store.get(&key)));
    group.bench_function("put, a new one", |bench| {
        let put = |key| {
            let (store, kept) = (&store, &kept);
            async move { store.put(&Write::create(key, kept.clone())).await }
        };
        bench.to_async(&runtime).iter_batched(fresh_key, put, BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, views, cookies, sqlite);
criterion_main!(benches);
