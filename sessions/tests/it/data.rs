//! What a change leaves is what every read returns: every shape of data, on every store, warm, cold and opened again.
//! What can't be kept is refused by the change that makes it, on every store alike.

mod refused;
mod shapes;
mod unreadable;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::Arc,
};

use exact_sessions::{
    SessionData, SessionId, Sessions, SignIn,
    store::{Store, Write},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::places::{Place, unhurried};

/// A field that somebody has put beside the application's.
const NOTE: &str = "a note by hand";

/// Sessions in this store, each of which begins with this value.
fn sessions<T: SessionData + Clone>(store: Arc<dyn Store>, new: &T) -> Sessions<T> {
    let new = new.clone();
    Sessions::builder(store, move || new.clone()).settings(unhurried()).build()
}

async fn names_stored(store: &Arc<dyn Store>, id: SessionId) -> BTreeSet<String> {
    store
        .get(&id.key())
        .await
        .expect("an answer")
        .expect("a record")
        .record
        .data
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

async fn add_note(store: &Arc<dyn Store>, id: SessionId) {
    let mut stored = store.get(&id.key()).await.expect("an answer").expect("a record");
    stored.record.data.insert(NOTE.into(), json!({"by": ["hand"]}));
    store.put(&Write::replace(id.key(), stored.record, stored.version)).await.expect("a write");
}

/// A session that has these values one after the other.
async fn takes<T: SessionData + Clone + PartialEq + Debug>(place: &Place, values: &[T]) -> Result<(), TestCaseError> {
    let store = place.open();
    let other = place.open();
    let (warm, cold) = (sessions(Arc::clone(&store), &values[0]), sessions(Arc::clone(&other), &values[0]));
    let begun = warm.upsert(None, |_| {}).await;
    let begun = begun.map_err(|error| TestCaseError::fail(format!("{error}: {:?}", values[0])))?;
    let id = begun.new_id.expect("an id");
    prop_assert_eq!(&begun.session.data, &values[0]);
    add_note(&store, id).await;
    for (n, value) in values.iter().enumerate() {
        let set = value.clone();
        let instance = if n % 2 == 0 { &warm } else { &cold };
        let changed = instance.update(id, move |data| *data = set).await;
        let changed = changed.map_err(|error| TestCaseError::fail(format!("{error}: {value:?}")))?;
        prop_assert_eq!(&changed.expect("a session").session.data, value, "after the change");
        let opened_again = sessions(place.open(), &values[0]);
        for (which, sessions) in [("warm", &warm), ("cold", &cold), ("opened again", &opened_again)] {
            let read = sessions.read(id).await.map_err(|error| TestCaseError::fail(format!("{error}: {value:?}")))?;
            prop_assert_eq!(&read.expect("a session").data, value, "read, {}", which);
            // A change of nothing, from the cache.
            let same = sessions.update(id, |data| data.clone()).await.expect("an answer").expect("a session").value;
            prop_assert_eq!(&same, value, "in a change, {}", which);
        }
        let Value::Object(fields) = serde_json::to_value(value).expect("JSON") else { panic!("no object") };
        let expected: BTreeSet<_> = fields.into_iter().map(|(name, _)| name).chain([NOTE.to_owned()]).collect();
        prop_assert_eq!(names_stored(&other, id).await, expected, "the value's fields and the note: {:?}", value);
    }
    warm.delete(id).await.expect("a delete");
    Ok(())
}

/// All values of this kind survive, on every store.
fn survive<T: SessionData + Clone + PartialEq + Debug>(values: impl Strategy<Value = T>) {
    let seed = std::env::var("SESSIONS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _context = runtime.enter();
    let values = vec(values, 1..5);
    for place in Place::all() {
        let cases = match place {
            Place::Memory(_) => 200,
            Place::Sqlite(_) => 30,
            Place::Firestore(_) => 10,
        };
        eprintln!("{cases} on {}, SESSIONS_TEST_SEED={seed}", place.name());
        let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        if let Err(failure) = runner.run(&values, |values| runtime.block_on(takes(&place, &values))) {
            panic!("{}, SESSIONS_TEST_SEED={seed}: {failure}", place.name());
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Visitor {
    Guest { greeting: String },
    User { name: String, nonce: u64 },
}

#[tokio::test]
async fn an_enum_can_become_another_variant() {
    for place in Place::all() {
        let guest = Visitor::Guest { greeting: "Hola".into() };
        let user = Visitor::User { name: "Ada".into(), nonce: 1 << 63 };
        takes(&place, &[guest.clone(), user, guest]).await.expect("it holds");
    }
}

#[tokio::test]
async fn names_that_firestore_writes_in_another_way_come_and_go() {
    for place in Place::all() {
        for name in ["", "$", "$integer", "__a__", "a.b", "`", "\\"] {
            let with = BTreeMap::from([(name.to_owned(), 1)]);
            takes(&place, &[with.clone(), BTreeMap::new(), with]).await.expect("it holds");
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Account {
    #[serde(default, skip_serializing_if = "shapes::is_zero")]
    credits: u32,
    nonce: u64,
}

#[tokio::test]
async fn what_is_spent_is_spent_and_a_nonce_has_64_bits() {
    for place in Place::all() {
        let accounts = [3, 2, 1, 0].map(|credits| Account { credits, nonce: (1 << 63) + u64::from(credits) });
        takes(&place, &accounts).await.expect("it holds");
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lossy {
    kept: u32,
    #[serde(skip)]
    skipped: u32,
    /// Stored in whole tens.
    #[serde(with = "tens")]
    rounded: u32,
}

mod tens {
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
    pub(super) fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(value / 10)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        Ok(u32::deserialize(deserializer)? * 10)
    }
}

#[tokio::test]
async fn a_change_returns_what_the_next_request_reads() {
    let set = |data: &mut Lossy| *data = Lossy { kept: 1, skipped: 2, rounded: 37 };
    let stored = Lossy { kept: 1, skipped: 0, rounded: 30 };
    for place in Place::all() {
        let sessions = sessions(place.open(), &Lossy::default());
        let made = sessions.upsert(None, set).await.expect("a session");
        let id = made.new_id.expect("an id");
        let changed = sessions.update(id, set).await.expect("an answer").expect("a session");
        let signed_in = sessions.sign_in(Some(id), SignIn::new("ada"), set).await.expect("a session");
        let id = signed_in.new_id.expect("an id");
        for data in [made.session.data, changed.session.data, signed_in.session.data] {
            assert_eq!(data, stored);
        }
        assert_eq!(sessions.read(id).await.expect("an answer").expect("a session").data, stored);
    }
}

#[tokio::test]
async fn a_row_does_not_grow_with_keys_that_were_removed() {
    for place in Place::all() {
        let carts: Vec<_> = (0..20).map(|n| std::collections::BTreeMap::from([(format!("item {n}"), n)])).collect();
        takes(&place, &carts).await.expect("it holds");
    }
}
