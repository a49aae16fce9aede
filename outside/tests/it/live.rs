//! Uses after the head of the response has been sent.

use std::time::Duration;

use crate::place::{Place, new_customer};

#[tokio::test]
async fn a_stream_changes_a_session_that_is_there() {
    let place = Place::new();
    let mut customer = new_customer();
    customer.get(&place.app, "/view").await;
    assert_eq!(customer.get(&place.app, "/live/ticks").await.text(), "2\n3\n4\n");
    assert_eq!(customer.get(&place.app, "/").await.text(), "4");
}

#[tokio::test]
async fn a_stream_can_not_begin_a_session() {
    let place = Place::new();
    let mut customer = new_customer();
    let page = customer.get(&place.app, "/live/ticks").await;
    assert_eq!(page.text(), "head_sent\nhead_sent\nhead_sent\n");
    assert!(!page.headers.contains_key("set-cookie"));
    assert_eq!(place.stored().await, 0, "no session is stored that nobody can have");
}

#[tokio::test]
async fn a_stream_can_not_begin_a_session_in_the_place_of_one_that_has_ended() {
    let place = Place::new();
    let mut customer = new_customer();
    customer.get(&place.app, "/view").await;
    place.clock.advance(place.customers.settings().idle_timeout);
    assert_eq!(customer.get(&place.app, "/live/ticks").await.text(), "head_sent\nhead_sent\nhead_sent\n");
    assert_eq!(place.stored().await, 1);
}

#[tokio::test]
async fn a_stream_can_end_a_session() {
    let place = Place::new();
    let mut customer = new_customer();
    customer.get(&place.app, "/view").await;
    let page = customer.get(&place.app, "/live/goodbye").await;
    assert_eq!(page.text(), "0\n");
    assert_eq!(place.stored().await, 0);
    assert_eq!(customer.get(&place.app, "/view").await.text(), "1", "the cookie that is left leads to no session");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_comes_late_changes_what_is_there_and_begins_nothing() {
    let place = Place::new();
    let mut customer = new_customer();
    customer.get(&place.app, "/live/task").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(place.stored().await, 0);

    customer.get(&place.app, "/view").await;
    customer.get(&place.app, "/live/task").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(customer.get(&place.app, "/").await.text(), "2");
}

#[tokio::test(start_paused = true)]
async fn a_use_that_a_task_has_begun_in_time_still_sets_the_cookie() {
    let place = Place::slow();
    let mut customer = new_customer();
    customer.get(&place.app, "/live/task-in-time").await;
    assert_eq!(customer.get(&place.app, "/").await.text(), "1");
}
