//! Two changes at once in a first request.

use crate::place::{Place, new_customer};

#[tokio::test(start_paused = true)]
async fn two_changes_at_once_in_a_first_request_are_of_one_session() {
    let place = Place::slow();
    let mut customer = new_customer();
    let page = customer.get(&place.app, "/both").await;
    assert_eq!(page.text(), "2 true");
    assert_eq!(page.headers.get_all("set-cookie").iter().count(), 1);
    assert_eq!(place.stored().await, 1);
    assert_eq!(customer.get(&place.app, "/").await.text(), "2");
}
