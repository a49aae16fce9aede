//! Requests that a page of another site has sent.

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, StatusCode},
    routing::post,
};
use exact_sessions::{
    Error,
    axum::{SessionHandle, SessionLayer},
    cookie::{CookiePolicy, SameSite},
};
use outside::Customer;

use crate::place::{Place, new_customer};

/// The browser keeps a `Lax` cookie back, so a new visitor stands for it.
async fn send(app: &Router, method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "shop.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    new_customer().send(app, request.body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn a_form_of_another_site_can_not_replace_the_cookie() {
    let place = Place::new();
    for headers in [
        &[("sec-fetch-site", "cross-site")] as &[_],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "https://shop.example.evil.example")],
    ] {
        let response = send(&place.app, Method::POST, "/view", headers).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{headers:?}");
        assert!(!response.headers().contains_key("set-cookie"), "{headers:?}");
    }
    let response = send(&place.app, Method::POST, "/staff/desk", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN, "nobody is signed in by another site's form");
    let response = send(&place.app, Method::POST, "/sign-out", &[("sec-fetch-site", "cross-site")]).await;
    assert!(!response.headers().contains_key("set-cookie"), "nor out");
    assert_eq!(place.stored().await, 0);
}

#[tokio::test]
async fn a_link_and_a_form_of_the_site_begin_a_session() {
    let place = Place::new();
    for (method, headers) in [
        (Method::GET, &[("sec-fetch-site", "cross-site")] as &[_]),
        (Method::POST, &[("sec-fetch-site", "same-origin")]),
        (Method::POST, &[("origin", "https://shop.example")]),
        (Method::POST, &[]),
    ] {
        let response = send(&place.app, method, "/view", headers).await;
        assert_eq!(response.status(), StatusCode::OK, "{headers:?}");
        assert!(response.headers().contains_key("set-cookie"), "{headers:?}");
    }
}

#[tokio::test]
async fn a_session_that_is_there_can_be_changed_from_another_site_if_its_cookie_comes_along() {
    let place = Place::new();
    let cookie = CookiePolicy::named("embedded").same_site(SameSite::None).partitioned(true).build().expect("a cookie");
    let count = async |session: SessionHandle<Customer>| {
        Ok::<_, Error>(session.upsert(|customer| customer.views += 1).await?.session.data.views.to_string())
    };
    let app = Router::new().route("/", post(count)).layer(SessionLayer::new(place.customers.clone(), cookie));
    let response = send(&app, Method::POST, "/", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let set = response.headers()["set-cookie"].to_str().expect("text");
    assert!(set.contains("SameSite=None") && set.contains("Partitioned") && set.contains("Secure"), "{set}");
}
