//! The app's tests, with the crate's own helpers.

use std::{sync::Arc, time::Duration};

use argon2::Params;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use exact_sessions::{
    Sessions, SignIn,
    cookie::CookiePolicy,
    store::{Store, memory::MemoryStore},
    testing::{Clock, Fault, Faulty, Visitor},
};
use tokio::sync::Notify;

use crate::{
    accounts::Accounts,
    app::app,
    visit::{FRESH, Visit},
};

const PASSWORD: &str = "correct horse";

struct Place {
    app: Router,
    sessions: Sessions<Visit>,
    accounts: Accounts,
    clock: Clock,
}

impl Place {
    fn new() -> Self {
        Self::on(MemoryStore::default())
    }

    fn on(store: impl Store) -> Self {
        let clock = Clock::default();
        let sessions = Sessions::builder(store, Visit::default).clock(clock.source()).build();
        // As cheap as it can be: a test needs no strong hash.
        let params = Params::new(Params::MIN_M_COST, 1, 1, None).expect("parameters");
        let accounts = Accounts::new(params).expect("a hash");
        let app = app(sessions.clone(), accounts.clone(), CookiePolicy::default());
        Self { app, sessions, accounts, clock }
    }

    /// The id of a user of this name.
    async fn user(&self, name: &str) -> String {
        self.accounts.create(name.to_owned(), PASSWORD.to_owned()).await.expect("a hash").expect("a new name")
    }

    /// A device where this user has just signed in.
    async fn device(&self, user: &str, label: &str) -> Visitor {
        let mut device = guest();
        device.sign_in(&self.sessions, SignIn::new(user).label(label), |_| {}).await.expect("a sign-in");
        device
    }
}

fn guest() -> Visitor {
    Visitor::new(CookiePolicy::default())
}

#[tokio::test]
async fn a_cart_and_colours_survive_the_sign_in_under_a_new_id() {
    let place = Place::new();
    place.user("ada").await;
    let mut ada = guest();
    for _ in 0..2 {
        ada.post(&place.app, "/cart", &[("item", "tea")]).await;
    }
    ada.post(&place.app, "/theme", &[("theme", "dark")]).await;
    let before = ada.id().expect("a session");

    let form = [("name", "ada"), ("password", "wrong"), ("device", "Laptop")];
    assert_eq!(ada.post(&place.app, "/sign-in", &form).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ada.id(), Some(before));
    let form = [("name", "nobody"), ("password", PASSWORD), ("device", "Laptop")];
    assert_eq!(ada.post(&place.app, "/sign-in", &form).await.status, StatusCode::UNAUTHORIZED);

    let form = [("name", "ada"), ("password", PASSWORD), ("device", "Laptop"), ("remember", "on")];
    assert_eq!(ada.post(&place.app, "/sign-in", &form).await.location(), Some("/account"));
    assert_ne!(ada.id(), Some(before));
    let home = ada.get(&place.app, "/").await.text();
    assert!(home.contains("2 x tea") && home.contains("color-scheme: dark") && home.contains("user-1"), "{home}");
    assert!(ada.get(&place.app, "/account").await.text().contains("Laptop (this one)"));
}

#[tokio::test]
async fn who_is_not_remembered_is_gone_with_the_browser() {
    let place = Place::new();
    place.user("ada").await;
    for (remember, is_there) in [(Some(("remember", "on")), true), (None, false)] {
        let mut ada = guest();
        let form: Vec<_> = [("name", "ada"), ("password", PASSWORD)].into_iter().chain(remember).collect();
        ada.post(&place.app, "/sign-in", &form).await;
        ada.close_browser();
        let page = ada.get(&place.app, "/account").await;
        assert_eq!(page.status == StatusCode::OK, is_there, "{remember:?}");
    }
}

#[tokio::test]
async fn the_account_is_for_those_who_are_signed_in() {
    let place = Place::new();
    let mut visitor = guest();
    assert_eq!(visitor.get(&place.app, "/account").await.location(), Some("/sign-in"));
    for path in ["/account/devices/end-others", "/account/password", "/account/confirm"] {
        let page = visitor.post(&place.app, path, &[("password", PASSWORD)]).await;
        assert_eq!(page.location(), Some("/sign-in"), "{path}");
    }
}

#[tokio::test]
async fn a_user_ends_one_device_and_all_others() {
    let place = Place::new();
    let ada = place.user("ada").await;
    let mut laptop = place.device(&ada, "Laptop").await;
    let mut phone = place.device(&ada, "<i>Phone</i>").await;
    let mut tablet = place.device(&ada, "Tablet").await;
    let mut bob = place.device(&place.user("bob").await, "Bob's").await;

    let list = laptop.get(&place.app, "/account").await.text();
    assert!(list.contains("Laptop (this one)") && list.contains("Tablet,"), "{list}");
    assert!(list.contains("&lt;i&gt;Phone") && !list.contains("<i>") && !list.contains("Bob"), "{list}");

    let key = |visitor: &Visitor| visitor.id().expect("a session").key().to_string();
    laptop.post(&place.app, "/account/devices/end", &[("key", key(&phone))]).await;
    assert_eq!(phone.get(&place.app, "/account").await.location(), Some("/sign-in"));
    laptop.post(&place.app, "/account/devices/end", &[("key", key(&bob))]).await;
    assert_eq!(bob.get(&place.app, "/account").await.status, StatusCode::OK, "nobody ends another user's session");

    laptop.post(&place.app, "/account/devices/end-others", &()).await;
    assert_eq!(tablet.get(&place.app, "/account").await.location(), Some("/sign-in"));
    for visitor in [&mut laptop, &mut bob] {
        assert_eq!(visitor.get(&place.app, "/account").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_device_is_ended_after_the_password_was_entered_again() {
    let place = Place::new();
    let ada = place.user("ada").await;
    let mut laptop = place.device(&ada, "Laptop").await;
    let mut phone = place.device(&ada, "Phone").await;
    place.clock.advance(FRESH);
    let end = [("key", phone.id().expect("a session").key().to_string())];
    for (path, form) in [("/account/devices/end", &end[..]), ("/account/devices/end-others", &[][..])] {
        assert_eq!(laptop.post(&place.app, path, &form).await.location(), Some("/account/confirm"), "{path}");
    }
    assert_eq!(phone.get(&place.app, "/account").await.status, StatusCode::OK);
    laptop.post(&place.app, "/account/confirm", &[("password", PASSWORD)]).await;
    laptop.post(&place.app, "/account/devices/end", &end).await;
    assert_eq!(phone.get(&place.app, "/account").await.location(), Some("/sign-in"));
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_a_new_password_overtakes_is_none() {
    // The store takes its time for the sign-in, and the password is changed meanwhile: tokio's clock stands still while
    // that is hashed.
    let signing_in = Arc::new(Notify::new());
    let choose = {
        let signing_in = Arc::clone(&signing_in);
        move || {
            signing_in.notify_one();
            Fault::Delay(Duration::from_millis(500))
        }
    };
    let place = Place::on(Faulty::new(Arc::new(MemoryStore::default()), choose));
    let user = place.user("ada").await;
    let app = place.app.clone();
    let sign_in = tokio::spawn(async move {
        let mut attacker = guest();
        let form = [("name", "ada"), ("password", PASSWORD), ("device", "Another's")];
        (attacker.post(&app, "/sign-in", &form).await.status, attacker.id())
    });
    signing_in.notified().await;
    place.accounts.set_password(&user, "another one".to_owned()).await.expect("a hash");
    assert_eq!(sign_in.await.expect("no panic"), (StatusCode::UNAUTHORIZED, None));
    assert_eq!(place.sessions.of_user(&user).await.expect("a list"), []);
}

#[tokio::test]
async fn a_password_is_changed_after_it_was_entered_again_and_ends_other_sessions() {
    let place = Place::new();
    let ada = place.user("ada").await;
    let mut laptop = place.device(&ada, "Laptop").await;
    let mut phone = place.device(&ada, "Phone").await;
    place.clock.advance(FRESH);

    let new = [("password", "battery staple")];
    assert_eq!(laptop.post(&place.app, "/account/password", &new).await.location(), Some("/account/confirm"));
    let wrong = laptop.post(&place.app, "/account/confirm", &[("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(laptop.post(&place.app, "/account/password", &new).await.location(), Some("/account/confirm"));
    laptop.post(&place.app, "/account/confirm", &[("password", PASSWORD)]).await;
    place.clock.advance(FRESH * 9 / 10);
    let short = laptop.post(&place.app, "/account/password", &[("password", "short")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(laptop.post(&place.app, "/account/password", &new).await.location(), Some("/account"));

    assert_eq!(phone.get(&place.app, "/account").await.location(), Some("/sign-in"));
    assert_eq!(laptop.get(&place.app, "/account").await.status, StatusCode::OK);
    for (password, status) in [(PASSWORD, StatusCode::UNAUTHORIZED), ("battery staple", StatusCode::SEE_OTHER)] {
        let page = guest().post(&place.app, "/sign-in", &[("name", "ada"), ("password", password)]).await;
        assert_eq!(page.status, status);
    }
}

#[tokio::test]
async fn a_sign_out_keeps_the_colours_and_nothing_else() {
    let place = Place::new();
    let mut ada = place.device(&place.user("ada").await, "Laptop").await;
    ada.post(&place.app, "/theme", &[("theme", "dark")]).await;
    ada.post(&place.app, "/cart", &[("item", "cake")]).await;
    let mut thief = ada.clone();
    ada.post(&place.app, "/sign-out", &()).await;
    let home = ada.get(&place.app, "/").await.text();
    assert!(home.contains("color-scheme: dark") && home.contains("Sign in") && !home.contains("x cake"), "{home}");
    assert_eq!(thief.get(&place.app, "/account").await.status, StatusCode::CONFLICT, "the old cookie is worth nothing");
    place.clock.advance(place.sessions.settings().rotation_grace);
    assert_eq!(thief.get(&place.app, "/account").await.location(), Some("/sign-in"));
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let place = Place::new();
    let mut ada = place.device(&place.user("ada").await, "Laptop").await;
    for path in ["/sign-out", "/cart", "/account/password", "/account/devices/end-others"] {
        let request = Request::post(path).header("host", "shop.example").header("sec-fetch-site", "cross-site");
        let response = ada.send(&place.app, request.body(Body::empty()).expect("a request")).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(ada.get(&place.app, "/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_name_can_be_taken_once_and_signing_up_signs_in() {
    let place = Place::new();
    let form = [("name", "ada"), ("password", PASSWORD)];
    let mut ada = guest();
    assert_eq!(ada.post(&place.app, "/sign-up", &form).await.location(), Some("/account"));
    assert_eq!(ada.get(&place.app, "/account").await.status, StatusCode::OK);
    assert_eq!(guest().post(&place.app, "/sign-up", &form).await.status, StatusCode::CONFLICT);
    let short = guest().post(&place.app, "/sign-up", &[("name", "bob"), ("password", "short")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
}
