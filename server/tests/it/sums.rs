//! A thousand requests of twenty visitors, over two processes: the sums are exact in the end.

use reqwest::Method;
use tokio::task::JoinSet;

use crate::support::{Browser, TestApp, View, browser::GREETINGS};

on_both_stores!(the_sums_are_exact);

const VISITORS: usize = 20;
const REQUESTS: u64 = 50;

/// What a visitor made of it.
#[derive(Default)]
struct Diary {
    /// The count of the session there is, and of all there were.
    views: u64,
    all_views: u64,
    greeting: Option<String>,
    forgotten: Vec<String>,
}

async fn the_sums_are_exact(app: TestApp) {
    let servers = app.start_two().await;
    let mut visits = JoinSet::new();
    for _ in 0..VISITORS {
        visits.spawn(visit(servers.each_ref().map(|server| server.url(""))));
    }
    let visitors = visits.join_all().await;

    let (mut sessions, mut stored_views, mut forgotten) = (0, 0, 0);
    for (browser, diary) in &visitors {
        for id in &diary.forgotten {
            assert_eq!(app.store.session(id).await, None, "it was forgotten");
            forgotten += 1;
        }
        if let Some(id) = &browser.id {
            let stored = app.store.session(id).await.expect("a session");
            assert_eq!(stored.data["views"], diary.views);
            assert_eq!(stored.data["greeting"].as_str(), diary.greeting.as_deref());
            sessions += 1;
            stored_views += diary.views;
        }
    }
    assert_eq!(app.store.sessions().await, sessions, "there are no others");
    let all_views: u64 = visitors.iter().map(|(_, diary)| diary.all_views).sum();
    eprintln!("{all_views} views, {stored_views} of them in {sessions} sessions; {forgotten} sessions forgotten");
    assert!(all_views >= VISITORS as u64 * REQUESTS / 2);
}

/// One visitor's requests, each to either server; some come several at once.
async fn visit(servers: [String; 2]) -> (Browser, Diary) {
    let (mut browser, mut diary) = (Browser::new(), Diary::default());
    let url = |path: &str| format!("{}{path}", servers[rand::random_range(0..2)]);
    let mut requests = 0;
    while requests < REQUESTS {
        requests += 1;
        match rand::random_range(0..20) {
            0 if let Some(id) = browser.id.clone() => {
                let response = browser.send(browser.request(Method::POST, &url("/api/forget"))).await;
                assert_eq!((response.status, response.new_id().as_deref()), (200, Some("")));
                diary.forgotten.push(id);
                (diary.views, diary.greeting) = (0, None);
            }
            1..4 => {
                let greeting = GREETINGS[rand::random_range(0..GREETINGS.len())];
                let form = browser.request(Method::POST, &url("/api/greeting"));
                let form = form.header("Content-Type", "application/x-www-form-urlencoded");
                let response = browser.send(form.body(format!("greeting={}", greeting.replace(' ', "+")))).await;
                assert_eq!(response.view(), View { views: diary.views, greeting: greeting.to_owned() });
                diary.greeting = Some(greeting.to_owned());
            }
            4..9 if browser.id.is_some() => {
                let several = rand::random_range(2..5);
                let mut views = JoinSet::new();
                for _ in 0..several {
                    let (mut browser, page) = (browser.clone(), url("/"));
                    views.spawn(async move { browser.send(browser.request(Method::GET, &page)).await.view() });
                }
                let mut seen: Vec<_> = views.join_all().await.into_iter().map(|view| view.views).collect();
                seen.sort_unstable();
                assert!(seen.iter().copied().eq(diary.views + 1..=diary.views + several), "{seen:?}");
                diary.views += several;
                diary.all_views += several;
                requests += several - 1;
            }
            n => {
                let (method, path) = if n % 2 == 0 { (Method::GET, "/") } else { (Method::POST, "/api/refresh") };
                let view = browser.send(browser.request(method, &url(path))).await.view();
                let greeting = diary.greeting.get_or_insert_with(|| view.greeting.clone());
                diary.views += 1;
                diary.all_views += 1;
                assert_eq!(view, View { views: diary.views, greeting: greeting.clone() });
            }
        }
    }
    (browser, diary)
}
