//! Views of one session at the same moment, on one instance and on two: each counts once.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::support::{Browser, Instance, TestApp};

on_both_stores!(
    fifty_views_over_two_instances,
    a_hundred_views_over_two_instances,
    a_hundred_views_on_one_instance,
    views_of_many_sessions_do_not_mix,
    views_and_greetings_at_once_lose_nothing,
    a_session_forgotten_among_views_stays_forgotten,
    servers_start_at_once_on_a_new_store,
);

async fn fifty_views_over_two_instances(app: TestApp) {
    let servers = app.start_two().await;
    view_in_parallel(&app, &servers.each_ref(), 50).await;
}

async fn a_hundred_views_over_two_instances(app: TestApp) {
    let servers = app.start_two().await;
    // The second time, both instances have seen the session.
    for views in [100, 200] {
        view_in_parallel(&app, &servers.each_ref(), views).await;
    }
}

async fn a_hundred_views_on_one_instance(app: TestApp) {
    let server = app.start().await;
    view_in_parallel(&app, &[&server], 100).await;
}

/// Views a new session this often at once; all must be answered, with all the numbers there are.
async fn view_in_parallel(app: &TestApp, servers: &[&Instance], views: usize) {
    let mut browser = Browser::new();
    let greeting = browser.view(servers[0]).await.greeting;
    let seen = all_at_once((0..views).map(|n| {
        let mut browser = browser.clone();
        let page = servers[n % servers.len()].url("/");
        async move {
            let response = browser.send(browser.request(Method::GET, &page)).await;
            assert_eq!(response.cookies(), [""; 0], "the session stays the same");
            response.view()
        }
    }))
    .await;
    assert!(seen.iter().all(|view| view.greeting == greeting));
    let numbers: BTreeSet<_> = seen.iter().map(|view| view.views).collect();
    let last = views as u64 + 1;
    assert_eq!(numbers, (2..=last).collect(), "every number was seen once");
    assert_eq!(app.store.views(browser.id()).await, last);
}

async fn all_at_once<R: Send + 'static>(
    work: impl Iterator<Item = impl Future<Output = R> + Send + 'static>,
) -> Vec<R> {
    work.collect::<tokio::task::JoinSet<_>>().join_all().await
}

async fn views_of_many_sessions_do_not_mix(app: TestApp) {
    let servers = app.start_two().await;
    let visitors = all_at_once((0..20).map(|n| {
        let pages = [n % 2, 1 - n % 2, n % 2].map(|at| servers[at].url("/"));
        async move {
            let mut browser = Browser::new();
            let mut seen = Vec::new();
            for page in pages {
                seen.push(browser.send(browser.request(Method::GET, &page)).await.view());
            }
            assert!(seen.iter().map(|view| view.views).eq(1..=3), "{seen:?}");
            assert!(seen.iter().all(|view| view.greeting == seen[0].greeting), "{seen:?}");
            browser.id.expect("a cookie")
        }
    }))
    .await;
    assert_eq!(visitors.iter().collect::<BTreeSet<_>>().len(), 20);
    assert_eq!(app.store.sessions().await, 20);
}

async fn views_and_greetings_at_once_lose_nothing(app: TestApp) {
    let servers = app.start_two().await;
    let mut browser = Browser::new();
    browser.view(&servers[0]).await;
    let requests = (0..40).map(|n| {
        let mut browser = browser.clone();
        let at = &servers[n % 2];
        let request = match n % 4 {
            3 => browser.form(at, "/api/greeting", "greeting=Hola+Mundo"),
            2 => browser.form(at, "/api/refresh", ""),
            _ => browser.request(Method::GET, &at.url("/")),
        };
        async move { browser.send(request).await.view() }
    });
    let seen = all_at_once(requests.collect::<Vec<_>>().into_iter()).await;
    assert_eq!(seen.len(), 40);
    let stored = app.store.session(browser.id()).await.expect("a session").data;
    assert_eq!(stored["views"], 31);
    assert_eq!(stored["greeting"], "Hola Mundo", "a view does not undo the choice");
}

async fn a_session_forgotten_among_views_stays_forgotten(app: TestApp) {
    let servers = app.start_two().await;
    let mut browser = Browser::new();
    browser.view(&servers[0]).await;
    let old = browser.id().to_owned();
    let requests = (0..40).map(|n| {
        let mut browser = browser.clone();
        let at = &servers[n % 2];
        let request = match n {
            20 => browser.form(at, "/api/forget", ""),
            _ => browser.request(Method::GET, &at.url("/")),
        };
        async move { browser.send(request).await }
    });
    let responses = all_at_once(requests.collect::<Vec<_>>().into_iter()).await;

    // A view came before, and counted in the session, or after, and made a new one.
    let (forgotten, views): (Vec<_>, Vec<_>) =
        responses.into_iter().partition(|response| response.new_id().as_deref() == Some(""));
    assert_eq!((forgotten.len(), forgotten[0].status), (1, 200));
    let (new, before): (Vec<_>, Vec<_>) = views.into_iter().partition(|response| response.new_id().is_some());
    assert!(new.iter().all(|response| response.view().views == 1));
    let numbers: BTreeSet<_> = before.iter().map(|response| response.view().views).collect();
    assert_eq!(numbers, (2..2 + before.len() as u64).collect());
    assert_eq!(app.store.session(&old).await, None, "it did not come back");
    assert_eq!(app.store.sessions().await, new.len());
}

async fn servers_start_at_once_on_a_new_store(app: TestApp) {
    let servers = all_at_once((0..6).map(|_| Instance::start(app.command()))).await;
    let mut browser = Browser::new();
    for (views, server) in (1..).zip(&servers) {
        assert_eq!(browser.view(server).await.views, views);
    }
}
