//! Two kinds of session in one router.

use axum::http::StatusCode;
use exact_sessions::{SignIn, testing::Visitor};
use outside::{Staff, staff_cookie};

use crate::place::{Place, new_customer};

#[tokio::test]
async fn each_kind_has_a_cookie_of_its_own_and_leaves_the_other_alone() {
    let place = Place::new();
    let mut visitor = new_customer();
    assert_eq!(visitor.get(&place.app, "/view").await.text(), "1");
    let customer = visitor.cookie("__session").expect("a cookie").to_owned();
    assert_eq!(visitor.cookie("__Host-staff"), None, "a kind that was not used sets no cookie");

    let page = visitor.post(&place.app, "/staff/desk", &()).await;
    assert_eq!((page.status, page.text()), (StatusCode::OK, "AtDesk { number: 7 }".to_owned()));
    let set = page.headers["set-cookie"].to_str().expect("text");
    assert!(set.starts_with("__Host-staff=") && set.contains("SameSite=Strict") && !set.contains("Max-Age"), "{set}");
    assert_eq!(visitor.cookie("__session"), Some(&*customer));
    assert_ne!(visitor.cookie("__Host-staff"), Some(&*customer));
    assert_eq!(visitor.get(&place.app, "/staff/desk").await.text(), "AtDesk { number: 7 } Some(1)");

    visitor.post(&place.app, "/sign-out", &()).await;
    assert_eq!(visitor.cookie("__session"), None);
    assert_eq!(visitor.get(&place.app, "/staff/desk").await.text(), "AtDesk { number: 7 } None");
    visitor.close_browser();
    assert_eq!(visitor.get(&place.app, "/staff/desk").await.text(), "Outdoors None");
}

#[tokio::test]
async fn a_visitor_signs_in_to_one_kind_without_a_request() {
    let place = Place::new();
    let mut clerk = Visitor::new(staff_cookie());
    let sit = |staff: &mut Staff| *staff = Staff::AtDesk { number: 3 };
    let session = clerk.sign_in(&place.staff, SignIn::new("staff-3"), sit).await.expect("a sign-in");
    assert_eq!(session.user.expect("a user").id, "staff-3");
    assert_eq!(clerk.get(&place.app, "/staff/desk").await.text(), "AtDesk { number: 3 } None");
    assert_eq!(place.customers.of_user("staff-3").await.expect("a list"), [], "it's another kind's user");
}
