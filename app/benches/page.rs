//! What rendering costs. Run it with `cargo bench -p app --features ssr`.

use std::{
    hint::black_box,
    time::{Duration, SystemTime},
};

use app::{
    greeting::Greeting,
    kept::Kept,
    page,
    shell::{Assets, Surroundings},
    view::View,
};
use criterion::{Criterion, criterion_group, criterion_main};

fn pages(criterion: &mut Criterion) {
    let path = |extension| format!("/pkg/hello-sessions.0123456789abcdef.{extension}");
    let assets = Assets::new(&path("css"), &path("js"), &path("wasm"));
    let around = Surroundings { assets, origin: None, watched: false };
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let kept = Kept::new("SQLite", since, since + Duration::from_hours(14 * 24), since + Duration::from_hours(90 * 24));
    let view = View { views: 42, greeting: Greeting::first() };
    let mut group = criterion.benchmark_group("render");
    group.bench_function("the page of a view", |bench| {
        bench.iter(|| page::home(black_box(&around), black_box(&view).clone(), kept.clone()));
    });
    group.bench_function("a notice", |bench| bench.iter(|| page::not_found(black_box(&around))));
    group.finish();
}

criterion_group!(benches, pages);
criterion_main!(benches);
