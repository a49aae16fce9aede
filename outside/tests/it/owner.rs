//! What the shop's owner does: closing the door to new customers, mending a customer's data, and looking at what
//! requests did with sessions.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{Method, Request, StatusCode},
    routing::{get, post},
};
use exact_sessions::{
    Admission, ChangeError, Error, Outcome, SessionKey, Sessions, SignIn,
    admin::field_names,
    axum::{SessionHandle, SessionLayer, Usages},
    store::{cause, memory::MemoryStore},
    testing::{Fault, Visitor},
};
use outside::{Customer, Staff, customer_cookie, pages, staff_cookie};
use serde_json::json;

use crate::place::{Place, new_customer};

type Desk = SessionHandle<Staff>;

#[tokio::test]
async fn a_shop_that_is_full_keeps_the_customers_it_has() {
    let place = Place::new();
    let open = Arc::new(AtomicBool::new(true));
    let is_open = Arc::clone(&open);
    let customers = place.customers.admitting(&Admission::new(move || is_open.load(Ordering::SeqCst)));
    let app = pages().layer(SessionLayer::new(customers, customer_cookie()));
    let (mut regular, mut late) = (new_customer(), new_customer());
    assert_eq!(regular.get(&app, "/view").await.text(), "1");

    open.store(false, Ordering::SeqCst);
    assert_eq!(regular.get(&app, "/view").await.text(), "2");
    let page = late.get(&app, "/view").await;
    assert_eq!((page.status, late.id()), (StatusCode::TOO_MANY_REQUESTS, None));
    assert_eq!(late.get(&app, "/").await.text(), "0", "a page that only reads needs no session");
    assert_eq!(place.stored().await, 1);

    open.store(true, Ordering::SeqCst);
    assert_eq!(late.get(&app, "/view").await.text(), "1");
}

#[tokio::test]
async fn the_owner_mends_the_data_of_a_customer_whose_session_has_a_new_id() {
    let place = Place::new();
    let mut customer = new_customer();
    customer.get(&place.app, "/view").await;
    let old = customer.id().expect("a session");
    let new = place.customers.rotate(old).await.expect("an answer").expect("a session").new_id.expect("an id");

    let admin = place.admin();
    let names = field_names::<Customer>().expect("a struct names its fields");
    assert!(names.contains(&"views"), "what the owner may set: {names:?}");
    let old = old.key();
    let changed = admin.update(&old, |fields| {
        fields.insert("views".to_owned(), json!(41));
        Ok(())
    });
    let (key, record) = changed.await.expect("a change").expect("a session");
    assert_eq!(
        (key, &record.data["views"]),
        (new.key(), &json!(41)),
        "the session is found by its new key from now on"
    );
    assert_eq!(admin.get(&key).await.expect("a read").map(|stored| stored.data), Some(record.data));
    assert_eq!(customer.get(&place.app, "/view").await.text(), "42", "the old id leads to it for a while");

    let refused = admin.update(&key, |_| Err(cause("not today"))).await;
    assert!(matches!(&refused, Err(Error::Data(_))), "{refused:?}");
    assert_eq!(customer.get(&place.app, "/view").await.text(), "43");
    customer.post(&place.app, "/sign-out", &()).await;
    assert_eq!(admin.update(&key, |_| Ok(())).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_job_changes_the_carts_of_a_person_by_their_keys() {
    let place = Place::new();
    for _ in 0..3 {
        new_customer().sign_in(&place.customers, SignIn::new("ada"), |_| {}).await.expect("a sign-in");
    }
    let mut other = new_customer();
    other.sign_in(&place.customers, SignIn::new("bob"), |_| {}).await.expect("a sign-in");
    let give = |customer: &mut Customer| match customer.cart.insert("a present".to_owned(), 1) {
        None => Ok(()),
        Some(_) => Err("has one"),
    };
    let sessions = place.customers.of_user("ada").await.expect("a list");
    for session in &sessions {
        place.customers.try_update(session.key, give).await.expect("a change").expect("a session");
        let again = place.customers.try_update(session.key, give).await;
        assert!(matches!(again, Err(ChangeError::Refused("has one"))), "{again:?}");
        let read = place.customers.read(session.key).await.expect("an answer").expect("a session");
        assert_eq!(read.data.cart["a present"], 1);
    }
    assert_eq!(sessions.len(), 3);
    let of_other = place.customers.read(other.id().expect("a session")).await.expect("an answer");
    assert_eq!(of_other.expect("a session").data.cart.len(), 0);
}

#[tokio::test]
async fn a_store_that_is_out_of_reach_has_changed_nothing() {
    let place = Place::with_faults([vec![Fault::None], vec![Fault::Unreachable; 1000]].concat());
    let mut customer = new_customer();
    customer.sign_in(&place.customers, SignIn::new("ada"), |_| {}).await.expect("a sign-in");
    let changed = place.customers.update(customer.id().expect("a session"), |customer| customer.views += 1).await;
    assert!(matches!(changed, Err(Error::Unavailable { outcome: Outcome::NotApplied, .. })), "{changed:?}");
}

#[tokio::test]
async fn the_owner_sees_data_of_the_version_before_as_the_shop_does() {
    let store = Arc::<MemoryStore>::default();
    let before = Sessions::<Customer>::new(Arc::clone(&store));
    let id = before.upsert(None, |customer| customer.views = 7).await.expect("a session").new_id.expect("an id");
    let rename = |fields: &mut serde_json::Map<String, serde_json::Value>| {
        let views = fields.remove("views").ok_or_else(|| cause("there are no views"))?;
        fields.insert("visits".to_owned(), views);
        Ok(())
    };
    let admin = Sessions::builder(Arc::clone(&store), Renamed::default).version(2).upgrade(1, rename).build().admin();
    let seen = admin.get(&id.key()).await.expect("an answer").expect("a session");
    assert_eq!(seen.data["visits"], json!(7));
    let set = |fields: &mut serde_json::Map<String, serde_json::Value>| {
        fields.insert("visits".to_owned(), json!(8));
        Ok(())
    };
    admin.update(&id.key(), set).await.expect("an answer").expect("a session");
    assert_eq!(admin.get(&id.key()).await.expect("an answer").expect("a session").data["visits"], json!(8));
    let older = before.admin().update(&id.key(), set).await;
    assert!(matches!(older, Err(Error::Newer { .. })), "{older:?}");
}

/// A customer as the next version of the shop has them.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Renamed {
    visits: u64,
}

#[tokio::test]
async fn a_response_says_what_was_done_with_the_other_sessions_of_the_same_person() {
    let place = Place::new();
    let list = async |staff: Desk| Ok::<_, Error>(staff.of_same_user().await?.len().to_string());
    let end = async |staff: Desk, Path(key): Path<String>| {
        let Some(key) = SessionKey::parse(&key) else { return Ok("no key".to_owned()) };
        Ok::<_, Error>(staff.end_one_of_same_user(key).await?.to_string())
    };
    let end_others = async |staff: Desk| Ok::<_, Error>(staff.end_others_of_same_user().await?.to_string());
    let app = Router::new()
        .route("/desks", get(list))
        .route("/desks/{key}/end", post(end))
        .route("/desks/end-others", post(end_others))
        .layer(SessionLayer::new(place.staff.clone(), staff_cookie()));

    let sit_down = async || {
        let mut clerk = Visitor::new(staff_cookie());
        let session = clerk.sign_in(&place.staff, SignIn::new("staff-1"), |_| {}).await.expect("a sign-in");
        (clerk, session.key)
    };
    let (mut here, _) = sit_down().await;
    let (_, there) = sit_down().await;
    sit_down().await;
    let end_there = format!("/desks/{there}/end");
    for (method, path, text, outcome) in [
        (Method::GET, "/desks", "3", "listed"),
        (Method::POST, &*end_there, "true", "ended"),
        (Method::POST, &*end_there, "false", "absent"),
        (Method::GET, "/desks", "2", "listed"),
        (Method::POST, "/desks/end-others", "1", "ended"),
        (Method::GET, "/desks", "1", "listed"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
        let response = here.send(&app, request).await;
        let usages = response.extensions().get::<Usages>().expect("usages").clone();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        assert_eq!((&*body, usages.0[0].outcome), (text.as_bytes(), Some(outcome)), "{path}");
        assert_eq!(usages.0[0].session, here.id().map(|id| id.key()), "{path}: it's of the session that did it");
    }
}
