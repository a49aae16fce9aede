//! What rendering costs, and parts of it. Run it with `cargo bench -p app`.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, SystemTime},
};

use app::{
    counter_state::CounterView,
    greeting::Greeting,
    pages::{SessionInfo, home, notice},
    server_fns::ChooseGreeting,
    shell::{Assets, Page, Site},
};
use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{
        Method, Request,
        header::{CONTENT_TYPE, HOST},
    },
};
use criterion::{Criterion, criterion_group, criterion_main};
use futures::FutureExt;
use leptos::{nonce::Nonce, server_fn::ServerFn};

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

fn parts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("part");
    group.bench_function("a nonce", |bench| bench.iter(|| Nonce::new().to_string()));
    group.bench_function("a server function's arguments and error", |bench| {
        bench.iter(|| {
            let request = Request::post("/api/greeting").header(CONTENT_TYPE, "application/vnd.server-fn+json");
            let request = request.body(Body::from(black_box("{\"greeting\":\"none of them\"}"))).expect("a request");
            ChooseGreeting::run_on_server(request).now_or_never().expect("it waits for nothing")
        });
    });
    group.finish();
}

criterion_group!(benches, pages, parts);
criterion_main!(benches);
