//! Signing in and out in an axum app: which cookies are set, and what the old ones are worth.

use std::time::Duration;

use axum::{
    Router,
    http::{StatusCode, header},
    routing::{get, post},
};
use exact_sessions::{
    Error, Keep, Sessions, Settings, SignIn,
    axum::SessionHandle,
    cookie::{CookiePolicy, Until},
    store::memory::MemoryStore,
    testing::{Clock, Page, Visitor},
};

use crate::bench::Counter;

type Handle = SessionHandle<Counter>;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a sign-in may have instead of the settings' times.
const FIVE_DAYS_IDLE_EIGHT_AT_MOST: Keep =
    Keep::For { idle: Duration::from_secs(5 * 24 * 60 * 60), lifetime: Duration::from_secs(8 * 24 * 60 * 60) };

struct Site {
    app: Router,
    sessions: Sessions<Counter>,
    clock: Clock,
}

impl Site {
    fn new() -> Self {
        let clock = Clock::default();
        let sessions = Sessions::builder(MemoryStore::default(), Counter::default).clock(clock.source()).build();
        let app = Router::new()
            .route("/view", get(async |session: Handle| views(&session.upsert(Counter::count).await?.session.data)))
            .route("/sign-in", post(async |session: Handle| sign_in(session, "ada").await))
            .route("/sign-in/bob", post(async |session: Handle| sign_in(session, "bob").await))
            .route("/sign-in/briefly", post(sign_in_briefly))
            .route("/user", get(user))
            .route(
                "/confirm",
                post(async |session: Handle| Ok::<_, Error>(session.confirm().await?.is_some().to_string())),
            )
            .route(
                "/rotate",
                post(async |session: Handle| Ok::<_, Error>(session.rotate().await?.is_some().to_string())),
            )
            .route("/sign-out", post(async |session: Handle| session.sign_out().await))
            .route("/sign-out/keeping", post(sign_out_keeping))
            .layer(sessions.layer());
        Self { app, sessions, clock }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the last word of each handler")]
fn views(counter: &Counter) -> Result<String, Error> {
    Ok(counter.views.to_string())
}

async fn sign_in(session: Handle, user: &str) -> Result<String, Error> {
    views(&session.sign_in(SignIn::new(user), |_| {}).await?.session.data)
}

async fn sign_in_briefly(session: Handle) -> Result<String, Error> {
    let who = SignIn::new("ada").label("Firefox on Linux").keep(FIVE_DAYS_IDLE_EIGHT_AT_MOST);
    views(&session.sign_in(who, |_| {}).await?.session.data)
}

/// Who is signed in, and whether they have proved it within ten minutes.
async fn user(session: Handle) -> Result<String, Error> {
    let session = session.read().await?;
    Ok(session.map_or_else(
        || "no session".to_owned(),
        |session| {
            let user = session.user.as_ref().map_or("a guest", |user| user.id.as_str());
            format!("{user} {}", session.fresh(Duration::from_secs(600)))
        },
    ))
}

async fn sign_out_keeping(session: Handle) -> Result<String, Error> {
    let kept = session.sign_out_keeping(|counter| Counter { views: counter.views + 100 }).await?;
    Ok(kept.map_or_else(|| "no session".to_owned(), |session| session.data.views.to_string()))
}

fn visitor() -> Visitor {
    Visitor::new(CookiePolicy::default())
}

fn cookie_of(page: &Page) -> Option<&str> {
    page.headers.get(header::SET_COOKIE).map(|cookie| cookie.to_str().expect("text"))
}

#[tokio::test]
async fn a_sign_in_sets_a_new_id_and_the_old_one_is_worth_nothing() {
    let site = Site::new();
    let mut ada = visitor();
    ada.get(&site.app, "/view").await;
    let guest = ada.id().expect("a session");
    let mut thief = ada.clone();

    let page = ada.post(&site.app, "/sign-in", &()).await;
    assert_eq!(page.text(), "1", "what the guest had moves along");
    assert_ne!(ada.id(), Some(guest));
    assert_eq!(ada.get(&site.app, "/user").await.text(), "ada true");

    for (method, path) in [
        ("get", "/view"),
        ("get", "/user"),
        ("post", "/sign-in/bob"),
        ("post", "/sign-out/keeping"),
        ("post", "/confirm"),
    ] {
        let page =
            if method == "get" { thief.get(&site.app, path).await } else { thief.post(&site.app, path, &()).await };
        assert_eq!((page.status, cookie_of(&page)), (StatusCode::CONFLICT, None), "{path} by the old id");
    }
    assert_eq!(ada.get(&site.app, "/view").await.text(), "2", "nothing has reached the session");

    site.clock.advance(site.sessions.settings().rotation_grace);
    assert_eq!(thief.get(&site.app, "/user").await.text(), "no session");
    assert_eq!(thief.get(&site.app, "/view").await.text(), "1", "later the old id is unknown");
    assert_ne!(thief.id(), ada.id());
}

#[tokio::test]
async fn a_sign_in_needs_no_session_before_it() {
    let site = Site::new();
    let mut ada = visitor();
    assert_eq!(ada.post(&site.app, "/sign-in", &()).await.text(), "0");
    assert_eq!(ada.get(&site.app, "/user").await.text(), "ada true");
    assert_eq!(site.sessions.of_user("ada").await.expect("a list").len(), 1);
}

#[tokio::test]
async fn a_repeated_sign_in_keeps_the_data_under_a_new_id() {
    let site = Site::new();
    let mut ada = visitor();
    ada.post(&site.app, "/sign-in", &()).await;
    ada.get(&site.app, "/view").await;
    let first = ada.id();
    assert_eq!(ada.post(&site.app, "/sign-in", &()).await.text(), "1");
    assert_ne!(ada.id(), first);
    assert_eq!(site.sessions.of_user("ada").await.expect("a list").len(), 1, "the first one is no session any more");
}

#[tokio::test]
async fn a_client_that_never_got_its_new_id_signs_in_again_and_has_its_session() {
    let site = Site::new();
    let mut ada = visitor();
    ada.get(&site.app, "/view").await;
    // Each click sends the id from before the first one; only the last response arrives.
    let before = ada.clone();
    let mut ids = vec![ada.id()];
    for click in 1..=4 {
        ada = before.clone();
        let page = ada.post(&site.app, "/sign-in", &()).await;
        assert_eq!((page.status, page.text()), (StatusCode::OK, "1".to_owned()), "click {click}: the data is there");
        assert!(!ids.contains(&ada.id()), "click {click}: a new id");
        ids.push(ada.id());
    }
    assert_eq!(ada.get(&site.app, "/user").await.text(), "ada true");
    assert_eq!(ada.get(&site.app, "/view").await.text(), "2");
    assert_eq!(site.sessions.of_user("ada").await.expect("a list").len(), 1, "one session, whatever was clicked");
    ids.pop();
    for id in ids.into_iter().flatten() {
        assert!(matches!(site.sessions.read(id).await, Err(Error::Superseded)), "the others are worth nothing");
    }
}

#[tokio::test]
async fn the_old_id_is_worth_nothing_to_others_and_once_the_new_one_was_used() {
    let (path, other) = ("/sign-in", "/sign-in/bob");
    for (uses, by) in [
        (&[] as &[_], other),
        (&["/view"], path),
        // What a further use or sign-in has made of it is no less used.
        (&["/view", path], path),
        (&["/rotate"], path),
        (&["/rotate", "/view"], path),
        (&["/confirm", "/view"], path),
        (&[other], path),
        (&["/sign-out"], path),
        (&["/sign-out"], other),
        (&["/sign-out/keeping"], path),
        (&["/sign-out/keeping", path], path),
    ] {
        let site = Site::new();
        let mut ada = visitor();
        ada.get(&site.app, "/view").await;
        let mut late = ada.clone();
        ada.post(&site.app, path, &()).await;
        for used in uses {
            match *used {
                "/view" => ada.get(&site.app, used).await,
                _ => ada.post(&site.app, used, &()).await,
            };
        }
        let user = ada.get(&site.app, "/user").await.text();
        let page = late.post(&site.app, by, &()).await;
        assert_eq!((page.status, cookie_of(&page)), (StatusCode::CONFLICT, None), "{uses:?}, then {by}");
        assert_eq!(ada.get(&site.app, "/user").await.text(), user, "{uses:?}, then {by}: it stays");
    }
}

#[tokio::test]
async fn a_sign_in_follows_one_rotation_as_other_uses_do() {
    for (rotations, views) in [(1, "1"), (2, "0")] {
        let site = Site::new();
        let mut ada = visitor();
        ada.get(&site.app, "/view").await;
        let mut late = ada.clone();
        for _ in 0..rotations {
            ada.post(&site.app, "/rotate", &()).await;
        }
        assert_eq!(late.post(&site.app, "/sign-in", &()).await.text(), views, "{rotations}");
    }
}

#[tokio::test]
async fn a_client_that_never_got_the_new_id_of_a_confirmation_signs_in_again_and_has_its_session() {
    let site = Site::new();
    let mut ada = visitor();
    ada.post(&site.app, "/sign-in", &()).await;
    ada.get(&site.app, "/view").await;
    let mut lost = ada.clone();
    ada.post(&site.app, "/confirm", &()).await;
    assert_eq!(lost.post(&site.app, "/sign-in", &()).await.text(), "1", "the data is there");
    assert_eq!(ada.get(&site.app, "/view").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn another_user_does_not_get_what_the_one_before_has_left() {
    let site = Site::new();
    let mut browser = visitor();
    browser.post(&site.app, "/sign-in", &()).await;
    browser.get(&site.app, "/view").await;
    assert_eq!(browser.post(&site.app, "/sign-in/bob", &()).await.text(), "0");
    assert_eq!(browser.get(&site.app, "/user").await.text(), "bob true");
    assert_eq!(site.sessions.of_user("ada").await.expect("a list"), []);
}

#[tokio::test]
async fn a_sign_in_is_fresh_for_a_while_and_again_after_it_was_confirmed() {
    let site = Site::new();
    let mut ada = visitor();
    ada.get(&site.app, "/view").await;
    assert_eq!(ada.get(&site.app, "/user").await.text(), "a guest false");
    ada.post(&site.app, "/sign-in", &()).await;
    site.clock.advance(Duration::from_secs(599));
    assert_eq!(ada.get(&site.app, "/user").await.text(), "ada true");
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(ada.get(&site.app, "/user").await.text(), "ada false");
    let (first, mut thief) = (ada.id(), ada.clone());
    assert_eq!(ada.post(&site.app, "/confirm", &()).await.text(), "true");
    assert_eq!(ada.get(&site.app, "/user").await.text(), "ada true");
    assert_eq!(ada.get(&site.app, "/view").await.text(), "2", "the data stays");
    assert!(ada.id().is_some() && ada.id() != first);
    assert_eq!(thief.get(&site.app, "/user").await.status, StatusCode::CONFLICT, "the old id is worth nothing");
    assert_eq!(site.sessions.of_user("ada").await.expect("a list").len(), 1);
}

#[tokio::test]
async fn a_confirmation_or_a_rotation_does_not_prolong_the_session() {
    for path in ["/confirm", "/rotate"] {
        let site = Site::new();
        let mut ada = visitor();
        let began = site.clock.now();
        ada.post(&site.app, "/sign-in/briefly", &()).await;
        site.clock.advance(4 * DAY);
        let page = ada.post(&site.app, path, &()).await;
        assert_eq!(page.text(), "true", "{path}");
        let cookie = cookie_of(&page).expect("a new id");
        assert!(
            cookie.split("; ").any(|part| part == "Max-Age=345600"),
            "{path}: four of eight days are left: {cookie}"
        );

        let id = ada.id().expect("a cookie");
        let session = site.sessions.read(id).await.expect("a response").expect("a session");
        assert_eq!((session.created_at, session.ends_at), (began, began + 8 * DAY), "{path}");
        let label = session.user.and_then(|user| user.label);
        assert_eq!(label.as_deref(), Some("Firefox on Linux"), "{path}");

        for views in 1..=3 {
            site.clock.advance(DAY);
            assert_eq!(ada.get(&site.app, "/view").await.text(), views.to_string(), "{path}");
        }
        site.clock.advance(DAY);
        assert_eq!(site.sessions.read(id).await.expect("a response"), None, "{path}: the eight days are over");
    }
}

#[tokio::test]
async fn a_session_begins_with_the_sign_in_and_has_the_times_of_it() {
    let site = Site::new();
    let guest = site.sessions.upsert(None, Counter::count).await.expect("a view").new_id;
    site.clock.advance(DAY);
    for before in [guest, None] {
        let who = SignIn::new("ada").keep(Keep::For { idle: HOUR, lifetime: 8 * DAY });
        let signed_in = site.sessions.sign_in(before, who, |_| {}).await.expect("a sign-in");
        let (id, session) = (signed_in.new_id.expect("a new id"), signed_in.session);
        let now = site.clock.now();
        assert_eq!((session.created_at, session.expires_at, session.ends_at), (now, now + HOUR, now + 8 * DAY));
        assert_eq!(site.sessions.read(id).await.expect("a response"), Some(session), "so it is stored");
        site.clock.advance(HOUR);
        assert_eq!(site.sessions.read(id).await.expect("a response"), None, "an hour without use");
    }
}

#[tokio::test]
async fn a_session_that_is_not_used_again_ends_early_only_if_nobody_is_signed_in() {
    let clock = Clock::default();
    let sessions = Sessions::builder(MemoryStore::default(), Counter::default)
        .settings(Settings::default().first_timeout(Some(HOUR)))
        .clock(clock.source())
        .build();
    let new_guest = async || sessions.upsert(None, Counter::count).await.expect("a view").new_id.expect("a new id");
    let sign_in = async |guest| {
        let signed_in = sessions.sign_in(guest, SignIn::new("ada"), |_| {}).await.expect("a sign-in");
        signed_in.new_id.expect("a new id")
    };
    let guest = new_guest().await;
    let was_guest = sign_in(Some(new_guest().await)).await;
    let was_new = sign_in(None).await;
    clock.advance(2 * HOUR);
    assert_eq!(sessions.read(guest).await.expect("a response"), None);
    for id in [was_guest, was_new] {
        assert!(sessions.read(id).await.expect("a response").is_some());
    }
}

#[tokio::test]
async fn a_guest_has_nothing_to_confirm() {
    let site = Site::new();
    let mut guest = visitor();
    assert_eq!(guest.post(&site.app, "/confirm", &()).await.text(), "false", "no session");
    guest.get(&site.app, "/view").await;
    let id = guest.id();
    assert_eq!(guest.post(&site.app, "/confirm", &()).await.text(), "false");
    assert_eq!((guest.id(), guest.get(&site.app, "/view").await.text()), (id, "2".to_owned()));
}

#[tokio::test]
async fn a_sign_out_removes_the_cookie_or_goes_on_as_a_guest() {
    let site = Site::new();
    let mut ada = visitor();
    ada.get(&site.app, "/view").await;
    ada.post(&site.app, "/sign-in", &()).await;
    let signed_in = ada.id();
    assert_eq!(ada.post(&site.app, "/sign-out/keeping", &()).await.text(), "101");
    assert!(ada.id().is_some() && ada.id() != signed_in);
    assert_eq!(ada.get(&site.app, "/user").await.text(), "a guest false");

    let page = ada.post(&site.app, "/sign-out", &()).await;
    assert!(cookie_of(&page).is_some_and(|cookie| cookie.contains("Max-Age=0")), "{:?}", cookie_of(&page));
    assert_eq!((ada.id(), ada.get(&site.app, "/user").await.text()), (None, "no session".to_owned()));
    assert_eq!(ada.post(&site.app, "/sign-out/keeping", &()).await.text(), "no session");
}

#[tokio::test]
async fn a_user_or_a_label_that_is_too_long_is_refused() {
    let sessions = Sessions::<Counter>::new(MemoryStore::default());
    let text = |more: usize| "u".repeat(exact_sessions::USER_LENGTH + more);
    for (who, part) in [(SignIn::new(text(1)), "user"), (SignIn::new("ada").label(text(1)), "label")] {
        let refused = sessions.sign_in(None, who, |_| {}).await.map(drop);
        assert!(matches!(&refused, Err(Error::Data(why)) if why.path() == part), "{refused:?}");
    }
    sessions.sign_in(None, SignIn::new(text(0)).label(text(0)), |_| {}).await.expect("a sign-in");
}

#[tokio::test]
async fn the_cookie_lives_as_long_as_the_sign_in_says() {
    let day = Duration::from_secs(24 * 60 * 60);
    let ends = CookiePolicy::default;
    let with_the_browser = || CookiePolicy::named("sid").until(Until::BrowserCloses).build().expect("a cookie");
    let long = Keep::For { idle: day, lifetime: 1000 * day };
    for (keep, cookies, expected) in [
        (Keep::Settings, ends(), Some("Max-Age=7776000")),
        (Keep::UntilBrowserCloses, ends(), None),
        (Keep::For { idle: day, lifetime: 2 * day }, ends(), Some("Max-Age=172800")),
        (long, ends(), Some("Max-Age=7776000")),
        (Keep::Settings, with_the_browser(), None),
    ] {
        let sessions = Sessions::<Counter>::new(MemoryStore::default());
        let sign_in = move |session: Handle| async move {
            session.sign_in(SignIn::new("ada").keep(keep), |_| {}).await.map(drop)
        };
        let layer = exact_sessions::axum::SessionLayer::new(sessions.clone(), cookies.clone());
        let app = Router::new().route("/", post(sign_in)).layer(layer);
        let mut ada = Visitor::new(cookies.clone());
        let page = ada.post(&app, "/", &()).await;
        let cookie = cookie_of(&page).expect("a cookie");
        let max_age = cookie.split("; ").find(|part| part.starts_with("Max-Age"));
        assert_eq!(max_age, expected, "{keep:?} {cookies:?}");

        let mut without_a_request = Visitor::new(cookies.clone());
        without_a_request.sign_in(&sessions, SignIn::new("ada").keep(keep), |_| {}).await.expect("a sign-in");
        for visitor in [&mut ada, &mut without_a_request] {
            visitor.close_browser();
            assert_eq!(visitor.id().is_some(), expected.is_some(), "{keep:?} {cookies:?}");
        }
    }
}
