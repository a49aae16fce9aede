//! The layer for axum: when it sets the cookie, and what else a response then says.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use exact_sessions::{
    Admission, Error, SessionId, Sessions, Settings, SignIn,
    axum::{SessionHandle, SessionLayer, Usages},
    cookie::CookiePolicy,
    store::memory::MemoryStore,
    testing::{Clock, Fault, Faulty},
};
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

use crate::{
    bench::{Bench, Counter},
    logged::Lines,
};

type Handle = SessionHandle<Counter>;

fn app(faults: &'static [Fault]) -> Router {
    let calls = AtomicUsize::new(0);
    let choose = move || {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        faults.get(call).copied().unwrap_or(Fault::None)
    };
    let store = Faulty::new(Arc::new(MemoryStore::default()), choose);
    let sessions = Sessions::<Counter>::new(store);
    Router::new()
        .route("/unused", get(async |_: Handle| "nothing"))
        .route("/view", get(async |session: Handle| view(&session).await))
        .route(
            "/twice",
            get(async |session: Handle| {
                view(&session).await?;
                view(&session).await
            }),
        )
        .route("/get", get(async |session: Handle| Ok::<_, Error>(format!("{}", session.read().await?.is_some()))))
        .route("/rotate", get(async |session: Handle| Ok::<_, Error>(format!("{}", session.rotate().await?.is_some()))))
        .route("/delete", get(async |session: Handle| Ok::<_, Error>(session.delete().await.map(|()| "deleted")?)))
        .layer(SessionLayer::new(sessions, CookiePolicy::without_https()))
}

async fn view(session: &Handle) -> Result<String, Error> {
    Ok(session.upsert(Counter::count).await?.session.data.views.to_string())
}

async fn ask(app: &Router, path: &str, cookie: &str) -> (Response, String) {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
    let mut response = app.clone().oneshot(request).await.expect("an answer");
    let body = std::mem::take(response.body_mut());
    let body = axum::body::to_bytes(body, 1000).await.expect("a body");
    (response, String::from_utf8(body.into()).expect("text"))
}

/// The cookie that a response sets, as a browser sends it back.
fn set(response: &Response) -> Option<String> {
    let mut cookies = response.headers().get_all(header::SET_COOKIE).iter();
    let cookie = cookies.next()?;
    assert!(cookies.next().is_none(), "one cookie at the most");
    assert!(cookie.is_sensitive());
    let cookie = cookie.to_str().expect("text").split(';').next().expect("a pair");
    Some(cookie.to_owned())
}

#[tokio::test]
async fn a_new_visitor_gets_the_cookie_once() {
    let app = app(&[]);
    let (first, body) = ask(&app, "/view", "").await;
    assert_eq!(body, "1");
    let cookie = set(&first).expect("a cookie");
    assert!(cookie.strip_prefix("session_id=").and_then(SessionId::parse).is_some());
    assert_eq!(first.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(first.headers()[header::VARY], "Cookie");
    let (second, body) = ask(&app, "/view", &cookie).await;
    assert_eq!((body.as_str(), set(&second)), ("2", None));
    assert_eq!(second.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn shared_caches_are_kept_out_and_a_handler_may_say_how() {
    for (said, expected) in [
        (None, "no-store"),
        (Some("private, max-age=60"), "private, max-age=60"),
        (Some("No-Store"), "No-Store"),
        (Some("public, max-age=60"), "no-store"),
        (Some("max-age=60"), "no-store"),
    ] {
        let page = move |session: Handle| async move {
            view(&session).await?;
            let said = said.map(|value| [(header::CACHE_CONTROL, value)]);
            Ok::<_, Error>((said, "page"))
        };
        let sessions = Sessions::<Counter>::new(MemoryStore::default());
        let app = Router::new().route("/", get(page)).layer(sessions.layer());
        let (response, _) = ask(&app, "/", "").await;
        let values: Vec<_> = response.headers().get_all(header::CACHE_CONTROL).iter().collect();
        assert_eq!(values, [expected], "{said:?}");
    }
}

#[tokio::test]
async fn a_request_that_does_not_use_the_session_has_nothing_of_it() {
    let app = app(&[]);
    for path in ["/unused", "/nowhere"] {
        let (response, _) = ask(&app, path, "").await;
        for header in [header::SET_COOKIE, header::CACHE_CONTROL, header::VARY] {
            assert!(!response.headers().contains_key(&header), "{path}: {header}");
        }
    }
    let (response, body) = ask(&app, "/get", "session_id=nonsense").await;
    assert_eq!((body.as_str(), set(&response)), ("false", None), "reading makes no session");
}

#[tokio::test]
async fn all_uses_in_one_request_are_of_one_session() {
    let (response, body) = ask(&app(&[]), "/twice", "").await;
    assert_eq!(body, "2");
    assert!(set(&response).is_some());
}

#[tokio::test]
async fn a_rotation_sets_the_new_id_and_a_delete_removes_the_cookie() {
    let app = app(&[]);
    let old = set(&ask(&app, "/view", "").await.0).expect("a cookie");
    let (rotated, body) = ask(&app, "/rotate", &old).await;
    let new = set(&rotated).expect("a cookie");
    assert_eq!(body, "true");
    assert_ne!(old, new);
    assert_eq!(set(&ask(&app, "/view", &old).await.0), None, "a late request does not bring the old cookie back");
    assert_eq!(ask(&app, "/view", &new).await.1, "3");
    let (deleted, _) = ask(&app, "/delete", &new).await;
    assert_eq!(set(&deleted).as_deref(), Some("session_id="));
    assert_eq!(ask(&app, "/view", &new).await.1, "1");
}

#[tokio::test]
async fn a_delete_that_another_sites_page_has_sent_leaves_a_cookie_that_was_kept_back() {
    let sessions = Sessions::<Counter>::new(MemoryStore::default());
    let delete = async |session: Handle| session.delete().await;
    let app = Router::new().route("/", post(delete)).layer(sessions.layer());
    let send = async |site: &'static str, cookie: &'static str| {
        let request = Request::post("/").header("sec-fetch-site", site).header(header::COOKIE, cookie);
        app.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("a response")
    };
    assert_eq!(set(&send("cross-site", "").await), None);
    for (site, cookie) in [
        ("same-origin", "__Host-session_id=nonsense"),
        ("cross-site", "__Host-session_id=c0ffee00-dead-4bee-8abc-0123456789ab"),
    ] {
        assert_eq!(set(&send(site, cookie).await).as_deref(), Some("__Host-session_id="), "{site} {cookie}");
    }
}

#[tokio::test]
async fn a_cookie_that_would_end_before_its_session_is_renewed_with_it() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for (lifetime, renewed) in [(90 * DAY, false), (1000 * DAY, true)] {
        let bench = Bench::with(Settings::default().lifetime(lifetime));
        let cookies = CookiePolicy::without_https();
        let app = Router::new()
            .route("/view", get(async |session: Handle| view(&session).await))
            .layer(SessionLayer::new(bench.sessions.clone(), cookies));
        let cookie = set(&ask(&app, "/view", "").await.0).expect("a cookie");
        bench.pass(DAY / 100);
        assert_eq!(set(&ask(&app, "/view", &cookie).await.0), None, "nothing has changed");
        bench.pass(DAY);
        let again = set(&ask(&app, "/view", &cookie).await.0);
        assert_eq!(again, renewed.then_some(cookie), "{lifetime:?}");
    }
}

#[tokio::test]
async fn a_failure_leaves_the_cookie_alone_and_tells_no_secrets() {
    for (path, faults, status) in [
        ("/view", &[Fault::None, Fault::Refused] as &[_], StatusCode::INTERNAL_SERVER_ERROR),
        ("/view", &[Fault::None, Fault::After, Fault::Refused], StatusCode::SERVICE_UNAVAILABLE),
        ("/rotate", &[Fault::None, Fault::Refused], StatusCode::INTERNAL_SERVER_ERROR),
        ("/rotate", &[Fault::None, Fault::After, Fault::Refused], StatusCode::SERVICE_UNAVAILABLE),
        ("/delete", &[Fault::None, Fault::Refused], StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let app = app(faults);
        let cookie = set(&ask(&app, "/view", "").await.0).expect("a cookie");
        let (response, body) = ask(&app, path, &cookie).await;
        assert_eq!((response.status(), set(&response)), (status, None), "{path} {faults:?}");
        assert!(!body.contains("fault"), "{body}");
    }
}

#[tokio::test]
async fn a_response_tells_what_the_request_did_and_cost() {
    let app = app(&[Fault::None, Fault::None, Fault::None, Fault::None, Fault::None, Fault::None, Fault::Refused]);
    let cookie = set(&ask(&app, "/view", "").await.0).expect("a cookie");
    let id = cookie.strip_prefix("session_id=").and_then(SessionId::parse).expect("an id");
    for (path, session, outcome, round_trips) in [
        ("/unused", Some(id.key()), None, 0),
        ("/view", Some(id.key()), Some("changed"), 1),
        ("/twice", Some(id.key()), Some("changed"), 2),
        ("/get", Some(id.key()), Some("read"), 1),
        ("/delete", None, Some("misconfigured"), 2),
    ] {
        let (response, _) = ask(&app, path, &cookie).await;
        let usage = response.extensions().get::<Usages>().and_then(Usages::main).expect("usage");
        let failed = outcome == Some("misconfigured");
        assert_eq!(usage.session, session.or(failed.then_some(id.key())), "{path}");
        assert_eq!((usage.outcome, usage.meter.round_trips()), (outcome, round_trips), "{path}");
        assert_eq!(usage.error.is_some(), failed, "{path}: {:?}", usage.error);
    }
    let (response, _) = ask(&app, "/get", "").await;
    let usage = response.extensions().get::<Usages>().and_then(Usages::main).expect("usage");
    assert_eq!((usage.session, usage.outcome, usage.meter.round_trips()), (None, Some("absent"), 0));
}

#[tokio::test]
async fn a_response_tells_what_was_done_with_the_other_sessions_of_a_user() {
    // Of the calls since the number was last set to 0, the second fails: what comes after the session was read.
    let calls = Arc::new(AtomicUsize::new(10));
    let choose = {
        let calls = Arc::clone(&calls);
        move || if calls.fetch_add(1, Ordering::SeqCst) == 1 { Fault::Refused } else { Fault::None }
    };
    let sessions = Sessions::<Counter>::new(Faulty::new(Arc::new(MemoryStore::default()), choose));
    let other = sessions.sign_in(None, SignIn::new("ada"), |_| {}).await.expect("a sign-in").session.key;
    let app = Router::new()
        .route("/sign-in", get(async |session: Handle| session.sign_in(SignIn::new("ada"), |_| {}).await.map(drop)))
        .route("/list", get(async |session: Handle| Ok::<_, Error>(session.of_same_user().await?.len().to_string())))
        .route(
            "/end-one",
            get(async move |session: Handle| Ok::<_, Error>(session.end_one_of_same_user(other).await?.to_string())),
        )
        .route(
            "/end-others",
            get(async |session: Handle| Ok::<_, Error>(session.end_others_of_same_user().await?.to_string())),
        )
        .layer(SessionLayer::new(sessions.clone(), CookiePolicy::without_https()));
    let cookie = set(&ask(&app, "/sign-in", "").await.0).expect("a cookie");
    for (path, body, outcome) in [
        ("/list", "2", "listed"),
        ("/end-one", "true", "ended"),
        ("/end-one", "false", "absent"),
        ("/end-others", "0", "ended"),
    ] {
        let (response, said) = ask(&app, path, &cookie).await;
        let usage = response.extensions().get::<Usages>().and_then(Usages::main).expect("usage");
        assert_eq!((said.as_str(), usage.outcome, &usage.error), (body, Some(outcome), &None), "{path}");
    }
    for path in ["/list", "/end-one", "/end-others"] {
        calls.store(0, Ordering::SeqCst);
        let (response, _) = ask(&app, path, &cookie).await;
        let usage = response.extensions().get::<Usages>().and_then(Usages::main).expect("usage");
        assert_eq!((usage.outcome, usage.error.is_some()), (Some("misconfigured"), true), "{path}");
    }
}

#[tokio::test]
async fn new_sessions_need_the_admission_of_the_sessions_and_of_the_request() {
    for (general, of_request) in
        [(true, Some(true)), (true, None), (true, Some(false)), (false, Some(true)), (false, None)]
    {
        let sessions = Sessions::<Counter>::new(MemoryStore::default()).admitting(&Admission::new(move || general));
        let app = Router::new().route("/view", get(async |session: Handle| view(&session).await));
        let app = app.layer(SessionLayer::new(sessions, CookiePolicy::without_https()));
        let app = match of_request {
            Some(admits) => app.layer(axum::Extension(Admission::new(move || admits))),
            None => app,
        };
        let (response, _) = ask(&app, "/view", "").await;
        let admitted = general && of_request != Some(false);
        let status = if admitted { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(response.status(), status, "{general} {of_request:?}");
    }
}

/// Another response may have replaced the old id in the browser by the new one.
#[tokio::test]
async fn a_read_by_an_id_that_was_rotated_does_not_bring_that_id_back() {
    let (clock, days) = (Clock::default(), |days: u64| Duration::from_secs(days * 24 * 3600));
    let settings = Settings::default().idle_timeout(days(10)).lifetime(days(1000)).rotation_grace(days(9));
    let sessions = Sessions::builder(MemoryStore::default(), Counter::default);
    let sessions = sessions.settings(settings).clock(clock.source()).build();
    let app = Router::new().route("/get", get(async |session: Handle| session.read().await.map(drop)));
    let app = app.layer(SessionLayer::new(sessions.clone(), CookiePolicy::without_https()));
    let old = sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
    let new = sessions.rotate(old).await.expect("an answer").expect("a session").new_id.expect("an id");
    clock.advance(days(8));
    let by_old = ask(&app, "/get", &format!("session_id={}", old.expose())).await.0;
    assert_eq!((by_old.status(), set(&by_old)), (StatusCode::OK, None));
    // The renewal is sent after the response.
    tokio::task::yield_now().await;
    clock.advance(days(8));
    let by_new = ask(&app, "/get", &format!("session_id={}", new.expose())).await.0;
    assert_eq!(set(&by_new), Some(format!("session_id={}", new.expose())), "a cookie lives for 400 days at most");
}

#[tokio::test]
async fn a_response_tells_of_the_last_use_alone() {
    let again = async |session: Handle| match view(&session).await {
        Ok(first) => Ok(first),
        Err(_) => view(&session).await,
    };
    let faults = Mutex::new([Fault::None, Fault::Refused].into_iter());
    let choose = move || faults.lock().expect("no panic").next().unwrap_or(Fault::None);
    let sessions = Sessions::<Counter>::new(Faulty::new(Arc::new(MemoryStore::default()), choose));
    let id = sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
    let app = Router::new().route("/", get(again));
    let app = app.layer(SessionLayer::new(sessions, CookiePolicy::without_https()));
    let (response, body) = ask(&app, "/", &format!("session_id={}", id.expose())).await;
    let usage = response.extensions().get::<Usages>().and_then(Usages::main).expect("usage");
    assert_eq!((body.as_str(), usage.outcome, &usage.error), ("1", Some("changed"), &None));
}

#[tokio::test(start_paused = true)]
async fn a_use_that_waits_for_one_that_nobody_polls_is_busy_at_the_deadline() {
    let page = async |session: Handle| {
        let mut first = std::pin::pin!(view(&session));
        assert!(futures::poll!(&mut first).is_pending());
        let second = session.read().await.map(drop).map_err(|error| error.kind());
        let first = first.await?;
        Ok::<_, Error>(format!("{second:?} {first}"))
    };
    let store = Faulty::new(Arc::new(MemoryStore::default()), || Fault::Delay(Duration::from_millis(10)));
    let app = Router::new()
        .route("/", get(page))
        .layer(SessionLayer::new(Sessions::<Counter>::new(store), CookiePolicy::without_https()));
    let (_, body) = tokio::time::timeout(Duration::from_secs(60), ask(&app, "/", "")).await.expect("an end");
    assert_eq!(body, r#"Err("busy") 1"#);
}

#[tokio::test]
async fn two_kinds_of_session_with_one_cookie_are_an_error_in_the_log() {
    let both = async |customer: Handle, staff: SessionHandle<Staff>| {
        view(&customer).await?;
        staff.upsert(|_| {}).await.map(drop)
    };
    for (name, shared) in [("session_id", true), ("staff_id", false)] {
        let cookie = |name| CookiePolicy::named(name).secure(false).build().expect("a cookie");
        let customers = Sessions::<Counter>::new(MemoryStore::default());
        let staff = Sessions::<Staff>::new(MemoryStore::default());
        let app = Router::new()
            .route("/", get(both))
            .layer(SessionLayer::new(customers, cookie("session_id")))
            .layer(SessionLayer::new(staff, cookie(name)));
        let lines = Lines::default();
        let log = tracing::subscriber::set_default(lines.clone());
        ask(&app, "/", "").await;
        drop(log);
        assert_eq!(lines.text().contains("have the cookie session_id"), shared, "{}", lines.text());
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Staff {}

/// A use that nobody awaits any more holds the response back for no longer than a use may take.
#[tokio::test(start_paused = true)]
async fn a_use_that_was_put_aside_in_the_body_does_not_stop_the_response() {
    let page = async |session: Handle| {
        let mut use_of_it = Box::pin(async move { view(&session).await });
        assert!(futures::poll!(&mut use_of_it).is_pending());
        let body = async move {
            let viewed = use_of_it.await;
            Ok::<_, std::convert::Infallible>(viewed.unwrap_or_else(|error| error.kind().to_owned()))
        };
        Body::from_stream(futures::stream::once(body))
    };
    let store = Faulty::new(Arc::new(MemoryStore::default()), || Fault::Delay(Duration::from_millis(10)));
    let app = Router::new()
        .route("/", get(page))
        .layer(SessionLayer::new(Sessions::<Counter>::new(store), CookiePolicy::without_https()));
    let begun = tokio::time::Instant::now();
    let (response, _) = ask(&app, "/", "").await;
    assert_eq!((response.status(), set(&response)), (StatusCode::OK, None));
    assert!(begun.elapsed() < Settings::default().store_timeout + Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn without_the_layer_a_handler_says_what_is_missing() {
    let app = Router::new().route("/", get(async |_: Handle| "never"));
    let (response, _) = ask(&app, "/", "").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let app = Router::new().route("/", get(async |session: Option<Handle>| session.is_some().to_string()));
    assert_eq!(ask(&app, "/", "").await.1, "false", "a handler may do without");
}
