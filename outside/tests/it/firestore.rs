//! The shop on Firestore, in two instances that share nothing but the store. All of it runs on the emulator that
//! `FIRESTORE_EMULATOR_HOST` names.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::Router;
use exact_sessions::{
    Error, Sessions, Settings, SignIn,
    store::{
        firestore::{
            FirestoreConfig, FirestoreStore,
            firestore::{FirestoreDb, FirestoreDbOptions},
        },
        memory::MemoryStore,
    },
    testing::Visitor,
};
use futures::future::join_all;
use outside::{Customer, Staff, customer_cookie, shop};

use crate::place::new_customer;

/// A project that no other test uses; `None`, said loudly, where there is no emulator.
pub(crate) fn project() -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    if std::env::var_os("FIRESTORE_EMULATOR_HOST").is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI needs the Firestore emulator: FIRESTORE_EMULATOR_HOST is not set"
        );
        eprintln!("SKIPPED: FIRESTORE_EMULATOR_HOST is not set; run the tests with `make test`");
        return None;
    }
    Some(format!("outside-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// Settings with a deadline that no test runs into: an emulator that was just started, on a busy machine, needs longer for
/// its first calls than the default allows.
pub(crate) fn unhurried() -> Settings {
    Settings::default().store_timeout(Duration::from_secs(30))
}

/// A store that makes its clients itself.
pub(crate) fn store_in(project: &str) -> FirestoreStore {
    let project = Some(project.to_owned());
    FirestoreStore::new(FirestoreConfig { project, collection: "customers".to_owned(), ..FirestoreConfig::default() })
}

/// A store whose clients the application makes, with a time limit of their own.
fn store_with_connect(project: &str) -> FirestoreStore {
    const TIME_LIMIT: Duration = Duration::from_secs(30);
    let options = FirestoreDbOptions::new(project.to_owned()).with_max_retries(0).with_request_timeout(TIME_LIMIT);
    FirestoreStore::with_connect("customers", 2, move || FirestoreDb::with_options(options.clone()))
}

/// Two instances of the shop.
fn instances() -> Option<[(Router, Sessions<Customer>); 2]> {
    let project = project()?;
    Some([store_in(&project), store_with_connect(&project)].map(|store| {
        let customers = Sessions::builder(store, Customer::default).settings(unhurried()).build();
        (shop(&customers, &Sessions::<Staff>::new(MemoryStore::default())), customers)
    }))
}

#[tokio::test]
async fn two_instances_count_each_view_once() {
    let Some(instances) = instances() else { return };
    let mut visitor = new_customer();
    for n in 1..=6 {
        let (app, _) = &instances[n % 2];
        assert_eq!(visitor.get(app, "/view").await.text(), n.to_string());
    }
    let id = visitor.id().expect("a session");
    let at_once = instances.iter().cycle().take(20).map(|(_, customers)| {
        customers.update(id, |customer| {
            customer.views += 1;
            customer.views
        })
    });
    let mut counts = BTreeSet::new();
    for counted in join_all(at_once).await {
        counts.insert(counted.expect("a change").expect("a session").value);
    }
    assert_eq!(counts, (7..=26).collect());
    for (app, _) in &instances {
        assert_eq!(visitor.get(app, "/").await.text(), "26");
    }
}

#[tokio::test]
async fn who_signs_in_at_one_instance_is_signed_out_everywhere_by_the_other() {
    let Some([(app, customers), (other_app, others)]) = instances() else { return };
    let mut devices = [Visitor::new(customer_cookie()), Visitor::new(customer_cookie())];
    for device in &mut devices {
        device.get(&app, "/view").await;
        let guest = device.id().expect("a session");
        device.sign_in(&others, SignIn::new("ada"), |customer| customer.views += 1).await.expect("a sign-in");
        let old = customers.read(guest).await;
        assert!(matches!(old, Err(Error::Superseded)), "{old:?}");
        assert_eq!(device.get(&app, "/").await.text(), "2", "what the guest had moved along");
    }
    assert_eq!(customers.end_all_of_user("ada", None).await.expect("an end"), 2);
    for device in &mut devices {
        assert_eq!(device.get(&other_app, "/").await.text(), "0");
    }
}

#[tokio::test]
async fn who_clicks_twice_at_a_sign_in_is_signed_in_once_and_keeps_the_cart() {
    let Some([(app, customers), (other_app, others)]) = instances() else { return };
    let mut customer = new_customer();
    customer.get(&app, "/view").await;
    let guest = customer.id().expect("a session");
    let clicks = [&customers, &others]
        .map(|sessions| sessions.sign_in(Some(guest), SignIn::new("ada"), |customer| customer.views += 1));
    let mut signed_in = join_all(clicks).await.into_iter().map(|signed_in| signed_in.expect("a sign-in"));
    let mut both = [signed_in.next(), signed_in.next()].map(|signed_in| signed_in.expect("two clicks"));
    both.sort_by_key(|signed_in| signed_in.session.data.views);
    let [first, last] = both.map(|signed_in| signed_in.new_id.expect("a new id"));

    let sessions = customers.of_user("ada").await.expect("a list");
    assert_eq!(sessions.iter().map(|session| session.key).collect::<Vec<_>>(), [last.key()], "one session");
    assert!(matches!(others.read(first).await, Err(Error::Superseded)), "the id of the first click is replaced");
    customer.set_cookie(&customer_cookie().set(&last, Some(Duration::from_secs(60))));
    assert_eq!(customer.get(&other_app, "/").await.text(), "3", "the view before, and each click's own change once");
}
