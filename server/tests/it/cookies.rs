//! Which cookies lead to a session. All others are as good as none: nothing is looked up under them that
//! could be found, nothing is stored under them, and no visitor can choose an id.

use reqwest::{Method, header::HeaderValue};

use crate::support::{Browser, Instance, Response, TestApp, browser::UNKNOWN, store::key_of};

on_both_stores!(
    a_cookie_that_is_no_id_leads_nowhere,
    an_unknown_id_is_not_adopted,
    two_ids_lead_nowhere,
    other_cookies_do_not_hide_ours,
);

/// Loads the page with these `Cookie` fields.
async fn load_with(at: &Instance, fields: &[Vec<u8>]) -> Response {
    let mut browser = Browser::new();
    let request = fields.iter().fold(browser.request(Method::GET, &at.url("/")), |request, field| {
        request.header("Cookie", HeaderValue::from_bytes(field).expect("a field"))
    });
    browser.send(request).await
}

fn field(id: impl AsRef<[u8]>) -> Vec<u8> {
    [b"session_id=", id.as_ref()].concat()
}

/// Asserts that a visitor got a session that is new, and that the one there was is as before.
async fn assert_new(app: &TestApp, response: &Response, victim: &Browser, sessions: usize, what: &str) {
    assert_eq!(response.view().views, 1, "{what}");
    let new = response.new_id().unwrap_or_else(|| panic!("{what}: no new cookie"));
    assert_ne!(new, victim.id(), "{what}");
    assert_eq!(app.store.views(&new).await, 1, "{what}");
    assert_eq!(app.store.views(victim.id()).await, 1, "{what}");
    assert_eq!(app.store.sessions().await, sessions, "{what}");
}

async fn a_cookie_that_is_no_id_leads_nowhere(app: TestApp) {
    let server = app.start().await;
    let mut victim = Browser::new();
    victim.view(&server).await;
    let id = victim.id().to_owned();
    let key = key_of(&id);
    let bad: Vec<Vec<u8>> = [
        String::new(),
        "a/b".into(),
        "a/b/c".into(),
        "..".into(),
        "__x__".into(),
        id.to_uppercase(),
        id.replace('-', ""),
        format!("\"{id}\""),
        format!("{{{id}}}"),
        format!("{id}x"),
        format!("{id}%20"),
        format!("{id}, a=b"),
        id.replace('-', "%2d"),
        format!("{}1{}", &id[..14], &id[15..]),
        format!("sessions/{key}"),
        key,
        "0".repeat(36),
        "' OR 1=1 --".into(),
        "x".repeat(8 * 1024),
    ]
    .map(String::into_bytes)
    .into();
    let bytes = [b"\xff\xfe\x80".to_vec(), [id.as_bytes(), b"\xff"].concat()];
    for (n, value) in bad.into_iter().chain(bytes).enumerate() {
        let response = load_with(&server, &[field(&value)]).await;
        let shown = String::from_utf8_lossy(&value).into_owned();
        assert_new(&app, &response, &victim, n + 2, &shown).await;
        assert_eq!(app.store.session(&shown).await, None, "nothing is stored under {shown}");
    }
}

async fn an_unknown_id_is_not_adopted(app: TestApp) {
    let [one, other] = app.start_two().await;
    let mut victim = Browser::new();
    victim.view(&one).await;
    for (n, server) in [&one, &other, &one].into_iter().enumerate() {
        let response = load_with(server, &[field(UNKNOWN)]).await;
        assert_new(&app, &response, &victim, n + 2, "unknown").await;
        assert_ne!(response.new_id().as_deref(), Some(UNKNOWN));
        assert_eq!(app.store.session(UNKNOWN).await, None);
    }
}

async fn two_ids_lead_nowhere(app: TestApp) {
    let server = app.start().await;
    let mut victim = Browser::new();
    victim.view(&server).await;
    let id = victim.id().to_owned();
    let both = |one: &str, other: &str| [field(one), field(other)].join(&b"; "[..]);
    for (n, fields) in [
        vec![both(&id, UNKNOWN)],
        vec![both(UNKNOWN, &id)],
        vec![both(&id, "planted")],
        vec![both("", &id)],
        vec![field(UNKNOWN), field(&id)],
        vec![field(&id), field(UNKNOWN)],
    ]
    .into_iter()
    .enumerate()
    {
        let response = load_with(&server, &fields).await;
        let shown: Vec<_> = fields.iter().map(|field| String::from_utf8_lossy(field)).collect();
        assert_new(&app, &response, &victim, n + 2, &shown.join(" and ")).await;
    }
}

async fn other_cookies_do_not_hide_ours(app: TestApp) {
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let ours = field(browser.id());
    for (views, fields) in (2..).zip([
        vec![[b"a=b; ", &ours[..], b"; c=d"].concat()],
        vec![[b"a=\xff\xfe; ", &ours[..]].concat()],
        vec![[b"flag; ", &ours[..]].concat()],
        vec![b"a=b".to_vec(), ours.clone()],
        vec![ours.clone(), ours.clone()],
        vec![[&ours[..], b"; Session_Id=x; xsession_id=y"].concat()],
        vec![[&ours[..], b"; big=", &[b'x'; 8 * 1024]].concat()],
    ]) {
        let response = load_with(&server, &fields).await;
        assert_eq!((response.view().views, response.new_id()), (views, None));
    }
    assert_eq!(app.store.sessions().await, 1);
}
