//! A page that only reads.

use std::time::Duration;

use axum::http::StatusCode;
use exact_sessions::testing::Fault;

use crate::place::{Place, new_customer};

/// Lets what goes on after the response end.
async fn after_the_response() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_hundred_reads_in_an_hour_are_a_hundred_reads_and_at_most_one_write() {
    let place = Place::new();
    let mut customer = new_customer();
    customer.get(&place.app, "/view").await;
    let (reads, writes) = (place.counts.reads(), place.counts.writes());
    for _ in 0..100 {
        place.clock.advance(Duration::from_secs(36));
        assert_eq!(customer.get(&place.app, "/").await.text(), "1");
        after_the_response().await;
    }
    assert_eq!(place.counts.reads() - reads, 100);
    assert_eq!(place.counts.writes() - writes, 1, "the one at the end of the hour");
}

#[tokio::test]
async fn a_visitor_who_only_reads_stays_until_the_lifetime_ends() {
    let place = Place::new();
    let mut customer = new_customer();
    customer.get(&place.app, "/view").await;
    let day = Duration::from_secs(24 * 60 * 60);
    for n in 1..90 {
        place.clock.advance(day);
        assert_eq!(customer.get(&place.app, "/").await.text(), "1", "on day {n}");
        after_the_response().await;
    }
    place.clock.advance(day);
    assert_eq!(customer.get(&place.app, "/").await.text(), "0");
}

#[tokio::test]
async fn the_renewal_comes_after_the_response() {
    let place = Place::new();
    let mut customer = new_customer();
    customer.get(&place.app, "/view").await;
    let writes = place.counts.writes();
    place.clock.advance(Duration::from_secs(3600));
    customer.get(&place.app, "/").await;
    assert_eq!(place.counts.writes(), writes, "the response did not wait for it");
    after_the_response().await;
    assert_eq!(place.counts.writes(), writes + 1);
}

#[tokio::test]
async fn a_renewal_that_fails_does_no_harm_and_the_next_read_makes_up_for_it() {
    // The new session, the read, and the renewal that it finds due.
    let place = Place::with_faults([Fault::None, Fault::None, Fault::Refused]);
    let mut customer = new_customer();
    customer.get(&place.app, "/view").await;
    let began = place.clock.now();
    place.clock.advance(Duration::from_secs(3600));
    for extra in [Duration::ZERO, Duration::from_secs(3600)] {
        let page = customer.get(&place.app, "/").await;
        assert_eq!((page.status, page.text()), (StatusCode::OK, "1".to_owned()));
        after_the_response().await;
        let id = customer.id().expect("a cookie");
        let session = place.customers.read(id).await.expect("a response").expect("a session");
        assert_eq!(session.expires_at, began + place.customers.settings().idle_timeout + extra);
    }
}

#[tokio::test]
async fn three_extractors_in_one_request_read_once() {
    let place = Place::new();
    let mut customer = new_customer();
    customer.get(&place.app, "/view").await;
    let reads = place.counts.reads();
    assert_eq!(customer.get(&place.app, "/thrice").await.text(), "1");
    assert_eq!(place.counts.reads() - reads, 1);
}
