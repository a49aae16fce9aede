//! A store of the application's own, with what it must have and nothing else.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use axum::Router;
use exact_sessions::{
    Error, SessionKey, Sessions, SignIn,
    store::{Condition, Store, StoreError, Stored, Version, Write},
    testing::{Visitor, contract},
};
use outside::{Customer, Staff, customer_cookie, shop};

/// Sessions in a map. It has neither `put_both` nor `list_user`: the defaults do.
#[derive(Default)]
struct Shelf {
    stored: Mutex<HashMap<SessionKey, Stored>>,
    versions: AtomicUsize,
    /// From this write on, counted from the first, it refuses all.
    broken_from: Option<usize>,
}

impl Shelf {
    fn stored(&self) -> MutexGuard<'_, HashMap<SessionKey, Stored>> {
        self.stored.lock().expect("no panic")
    }

    fn version(&self) -> Result<Version, StoreError> {
        let version = self.versions.fetch_add(1, Ordering::SeqCst) + 1;
        match self.broken_from {
            Some(broken) if version >= broken => Err(StoreError::refused("the shelf is broken")),
            _ => Ok(Version(version.try_into().expect("a small number"))),
        }
    }
}

#[async_trait]
impl Store for Shelf {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        Ok(self.stored().get(key).cloned())
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        let mut stored = self.stored();
        let holds = match (write.condition, stored.get(&write.key)) {
            (Condition::Absent, stored) => stored.is_none(),
            (Condition::Unchanged(version), stored) => stored.is_some_and(|stored| stored.version == version),
        };
        if !holds {
            return Err(StoreError::Conflict);
        }
        let version = self.version()?;
        stored.insert(write.key, Stored { record: write.record.clone(), version });
        Ok(version)
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let mut stored = self.stored();
        if stored.get(key).is_none_or(|stored| stored.version != unchanged) {
            return Err(StoreError::Conflict);
        }
        self.version()?;
        stored.remove(key);
        Ok(())
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let stored = self.stored();
        let mut page: Vec<_> = stored.iter().filter(|(key, _)| Some(*key) > after).collect();
        page.sort_by_key(|(key, _)| **key);
        Ok(page.into_iter().take(limit).map(|(key, stored)| (*key, stored.clone())).collect())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract() {
    contract(Shelf::default()).await;
}

fn shop_on(shelf: Shelf) -> (Router, Sessions<Customer>, Arc<Shelf>) {
    let shelf = Arc::new(shelf);
    let customers = Sessions::new(Arc::clone(&shelf));
    let app = shop(&customers, &Sessions::<Staff>::new(Shelf::default()));
    (app, customers, shelf)
}

#[tokio::test]
async fn users_sign_in_and_are_signed_out_everywhere() {
    let (app, customers, _) = shop_on(Shelf::default());
    let mut devices = [Visitor::new(customer_cookie()), Visitor::new(customer_cookie())];
    let mut other = Visitor::new(customer_cookie());
    other.sign_in(&customers, SignIn::new("bob"), |_| {}).await.expect("a sign-in");
    for device in &mut devices {
        device.get(&app, "/view").await;
        let guest = device.id().expect("a session");
        device.sign_in(&customers, SignIn::new("ada"), |customer| customer.views += 1).await.expect("a sign-in");
        assert_eq!(device.get(&app, "/").await.text(), "2", "what the guest had moved along");
        let old = customers.read(guest).await;
        assert!(matches!(old, Err(Error::Superseded)), "{old:?}");
    }
    assert_eq!(customers.of_user("ada").await.expect("a list").len(), 2);
    assert_eq!(customers.end_all_of_user("ada", None).await.expect("an end"), 2);
    for device in &mut devices {
        assert_eq!(device.get(&app, "/").await.text(), "0");
    }
    assert_eq!(customers.of_user("bob").await.expect("a list").len(), 1, "another user's session stays");
}

#[tokio::test]
async fn a_failure_between_the_two_steps_of_a_sign_in_signs_nobody_in_under_the_old_id() {
    // The first write begins the guest's session, the second creates the record of the new id.
    let (app, customers, shelf) = shop_on(Shelf { broken_from: Some(3), ..Shelf::default() });
    let mut visitor = Visitor::new(customer_cookie());
    visitor.get(&app, "/view").await;
    let failed = visitor.sign_in(&customers, SignIn::new("ada"), |_| {}).await;
    assert!(matches!(failed, Err(Error::Misconfigured(_))), "{failed:?}");
    assert_eq!(shelf.stored().len(), 2, "the record that no client has the id of is left");
    let guest = customers.read(visitor.id().expect("the old id")).await.expect("a read").expect("a session");
    assert_eq!((guest.user, guest.data.views), (None, 1));
}
