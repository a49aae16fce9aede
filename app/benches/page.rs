//! What rendering costs. Run it with `cargo bench -p app`.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, SystemTime},
};

use app::{
    counter::CounterView,
    greeting::Greeting,
    pages::{SessionInfo, home, notice},
    shell::{Assets, Page, Site},
};
use axum::{
    extract::FromRequestParts,
    http::{Method, Request, header::HOST},
};
use criterion::{Criterion, criterion_group, criterion_main};
use futures::FutureExt;

fn pages(criterion: &mut Criterion) {
    let path = |extension| format!("/pkg/hello-sessions.0123456789abcdef.{extension}");
    let assets = Assets::new(&path("css"), &path("js"), &path("wasm"));
    let site = Arc::new(Site { assets, https_only: false, watched: false, store: "SQLite" });
    let (mut parts, ()) = Request::get("/").header(HOST, "localhost:8080").body(()).expect("a request").into_parts();
    let mut page = || match Page::from_request_parts(&mut parts, &site).now_or_never() {
        Some(Ok(page)) => page,
        None => unreachable!("it waits for nothing"),
    };
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let end = |days: u64| since + Duration::from_hours(days * 24);
    let info = SessionInfo::new("SQLite", since, end(14), end(90));
    let view = CounterView { views: 42, greeting: Greeting::first() };
    let mut group = criterion.benchmark_group("render");
    group.bench_function("the page of a view", |bench| {
        bench.iter(|| {
            home::render(page(), Some(black_box(&view).clone()), Some(info.clone()))
                .now_or_never()
                .expect("it waits for nothing")
        });
    });
    group.bench_function("a notice", |bench| {
        bench.iter(|| notice::not_found(Method::GET, page()).now_or_never().expect("it waits for nothing"));
    });
    group.finish();
}

criterion_group!(benches, pages);
criterion_main!(benches);
