//! Layers and nested routers in every order.

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use exact_sessions::axum::{SessionHandle, SessionLayer, Usages};
use outside::{Customer, TIME_LIMIT, customer_cookie, pages, sorry, staff_cookie};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use tracing_subscriber::fmt::MakeWriter;

use crate::place::{Place, new_customer};

/// What was logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(self.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn time_limit() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIME_LIMIT)
}

fn customers(place: &Place) -> SessionLayer<Customer> {
    SessionLayer::new(place.customers.clone(), customer_cookie())
}

#[tokio::test(start_paused = true)]
async fn layers_that_respond_in_the_place_of_a_handler_belong_inside() {
    let place = Place::new();
    for (path, status) in [("/slow", StatusCode::GATEWAY_TIMEOUT), ("/panic", StatusCode::INTERNAL_SERVER_ERROR)] {
        let log = Log::default();
        let _guard = log.start();
        let mut customer = new_customer();
        assert_eq!(customer.get(&place.app, path).await.status, status);
        assert_eq!(customer.get(&place.app, "/").await.text(), "1", "{path}: the customer has the session");
        assert_eq!(log.text(), "", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cookie_that_is_lost_to_the_order_of_layers_is_an_error_in_the_log() {
    let place = Place::new();
    let late = pages().layer(customers(&place)).layer(time_limit());
    let thrown = pages().layer(customers(&place)).layer(CatchPanicLayer::custom(sorry));
    for (app, path, expected) in [
        (&late, "/slow", "a layer with a time limit is outside of the SessionLayer and belongs inside of it"),
        (&thrown, "/panic", "a layer that catches panics belongs inside of the SessionLayer"),
    ] {
        let log = Log::default();
        let _guard = log.start();
        let mut customer = new_customer();
        let page = customer.get(app, path).await;
        assert!(!page.headers.contains_key("set-cookie"), "{path}");
        let logged = log.text();
        assert!(logged.contains("ERROR") && logged.contains("__session") && logged.contains(expected), "{logged}");

        customer.get(app, "/view").await;
        let before = log.text();
        customer.get(app, path).await;
        assert_eq!(log.text(), before, "{path}: nothing is lost if the visitor has the cookie already");
        assert_eq!(customer.get(app, "/").await.text(), "2", "{path}: and the view counted");
    }
}

#[tokio::test]
async fn the_layer_works_wherever_a_router_takes_one() {
    let place = Place::new();
    let layer = || customers(&place);
    let staff = || SessionLayer::new(place.staff.clone(), staff_cookie());
    let apps = [
        pages().layer(layer()).layer(staff()),
        pages().layer(staff()).layer(layer()),
        pages().route_layer(layer()).route_layer(staff()),
        Router::new().merge(pages().layer(layer())).layer(staff()),
        Router::new().merge(pages()).layer((staff(), layer())),
        pages().layer(layer()).layer(layer()).layer(staff()),
    ];
    for (n, app) in apps.iter().enumerate() {
        let mut visitor = new_customer();
        for path in ["/view", "/staff/desk"] {
            let page = visitor.get(app, path).await;
            assert_eq!(page.status, StatusCode::OK, "{n} {path}");
            let cookies = page.headers.get_all("set-cookie").iter().count();
            assert_eq!(cookies, usize::from(path == "/view"), "{n} {path}");
        }
        assert_eq!(visitor.get(app, "/view").await.text(), "2", "{n}");
        visitor.post(app, "/staff/desk", &()).await;
        assert_eq!(visitor.get(app, "/staff/desk").await.text(), "AtDesk { number: 7 } Some(2)", "{n}");
    }
}

#[tokio::test]
async fn a_nested_router_can_have_sessions_that_the_others_have_not() {
    let place = Place::new();
    let app = Router::new()
        .nest("/shop", pages().layer(customers(&place)))
        .route("/about", get(async |session: Option<SessionHandle<Customer>>| session.is_some().to_string()));
    let mut visitor = new_customer();
    assert_eq!(visitor.get(&app, "/about").await.text(), "false");
    assert_eq!(visitor.get(&app, "/shop/view").await.text(), "1");
    assert_eq!(visitor.get(&app, "/shop/view").await.text(), "2");
    let missing = visitor.get(&app, "/shop/staff/desk").await;
    assert_eq!(missing.status, StatusCode::INTERNAL_SERVER_ERROR, "the layer of the staff's sessions is missing");
}

/// A layer of the application's own that uses the session before the handler and after it.
async fn count_around(session: SessionHandle<Customer>, request: Request<Body>, next: Next) -> Response {
    let count = || session.upsert(|customer| customer.views += 10);
    count().await.expect("a change");
    let mut response = next.run(request).await;
    let views = count().await.expect("a change").session.data.views;
    response.headers_mut().insert("x-views", views.into());
    response
}

#[tokio::test]
async fn a_layer_of_the_applications_own_shares_the_session_of_its_request() {
    let place = Place::new();
    let app = pages().layer(from_fn(count_around)).layer(customers(&place));
    let mut visitor = new_customer();
    let page = visitor.get(&app, "/view").await;
    assert_eq!((page.text(), page.headers["x-views"].to_str().ok()), ("11".to_owned(), Some("21")));
    assert_eq!(page.headers.get_all("set-cookie").iter().count(), 1);
    assert_eq!(place.stored().await, 1);
}

#[tokio::test]
async fn a_response_says_what_each_kind_of_session_was_used_for() {
    let place = Place::new();
    let mut visitor = new_customer();
    let page = Request::get("/staff/desk").body(Body::empty()).expect("a request");
    visitor.get(&place.app, "/view").await;
    let response = visitor.send(&place.app, page).await;
    let usages = response.extensions().get::<Usages>().expect("usages");
    let used: Vec<_> = usages.0.iter().map(|usage| (usage.cookie.as_str(), usage.outcome)).collect();
    assert_eq!(used, [("__session", Some("read")), ("__Host-staff", Some("absent"))]);
}
