//! Changes that refuse.

use axum::http::StatusCode;

use crate::place::{Place, new_customer};

#[tokio::test]
async fn a_refusal_changes_nothing_and_is_the_applications_own_response() {
    let place = Place::new();
    let mut customer = new_customer();
    for n in 1..=3 {
        assert_eq!(customer.post(&place.app, "/cart/tea", &()).await.text(), n.to_string());
    }
    let writes = place.counts.writes();
    for _ in 0..2 {
        let page = customer.post(&place.app, "/cart/tea", &()).await;
        assert_eq!((page.status, page.text()), (StatusCode::CONFLICT, "sold out".to_owned()));
    }
    assert_eq!(place.counts.writes(), writes);
    assert_eq!(customer.post(&place.app, "/look/tea", &()).await.text(), "3");
    assert_eq!(place.counts.writes(), writes, "a change that changes nothing writes nothing");
}

#[tokio::test]
async fn a_refusal_begins_no_session() {
    let place = Place::new();
    let mut customer = new_customer();
    let page = customer.post(&place.app, "/look/tea", &()).await;
    assert_eq!((page.status, page.text()), (StatusCode::OK, "no session".to_owned()));
    let refused = place.customers.try_upsert(None, |_| Err::<(), _>("no")).await;
    assert!(matches!(refused, Err(exact_sessions::ChangeError::Refused("no"))), "{refused:?}");
    assert_eq!((place.stored().await, place.counts.round_trips()), (0, 0));
}
