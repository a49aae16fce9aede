//! What can't be kept.

use std::{collections::BTreeMap, sync::Arc};

use exact_sessions::{DataProblem, Error, Sessions, Settings, store::memory::MemoryStore};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Value, json};

use crate::places::{Place, unhurried};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Wild {
    real: f64,
    big: u128,
    small: i128,
    #[expect(clippy::option_option, reason = "JSON can't tell some of its values apart")]
    maybe: Option<Option<u8>>,
    json: Value,
    #[serde(default)]
    keyed: Vec<BTreeMap<(u8, u8), u8>>,
    #[serde(default, skip_deserializing)]
    forgotten: u8,
    #[serde(default)]
    nested: Vec<Nested>,
    good: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Nested {
    #[serde(default, deserialize_with = "narrow")]
    wide: String,
}

/// Does not read all that is written.
fn narrow<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() < 4 { Ok(text) } else { Err(D::Error::custom(format!("{text} is too wide"))) }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

const LIMIT: usize = 8 * 1024;

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inside, _| json!({ "a": inside }))
}

/// A change that can't be kept, and what the error says.
type Bad<T> = (&'static str, fn(&mut T), fn(&DataProblem) -> bool);

async fn refuses<T>(bad: &[Bad<T>], good: fn(&mut T))
where
    T: Serialize + for<'de> Deserialize<'de> + Clone + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static,
{
    let mut said = BTreeMap::<usize, String>::new();
    for place in Place::all() {
        let store = place.open();
        let settings = unhurried().max_data(LIMIT);
        let sessions = Sessions::builder(Arc::clone(&store), T::default).settings(settings).build();
        let begun = sessions.upsert(None, good).await.expect("a session");
        let (id, mut expected) = (begun.new_id.expect("an id"), begun.session.data);
        for (n, (path, change, is_right)) in bad.iter().enumerate() {
            let before = store.get(&id.key()).await.expect("an answer");
            let (change, at) = (*change, format!("{path} on {}", place.name()));
            for result in [
                sessions.update(id, change).await.map(drop),
                sessions.upsert(None, change).await.map(drop),
                sessions.sign_in(Some(id), exact_sessions::SignIn::new("ada"), change).await.map(drop),
            ] {
                let Err(Error::Data(why)) = result else { panic!("{at}: {result:?}") };
                assert_eq!(why.path(), *path, "{at}: {why}");
                assert!(is_right(why.problem()), "{at}: {why}");
                assert!(!why.to_string().contains("secret"), "{at}: the text of an error ends up in logs: {why}");
                let first = said.entry(n).or_insert_with(|| why.to_string());
                assert_eq!(*first, why.to_string(), "every store says the same");
            }
            assert_eq!(store.get(&id.key()).await.expect("an answer"), before, "{at}: nothing is applied");
            good(&mut expected);
            let next = sessions.update(id, good).await.expect("a change").expect("a session");
            assert_eq!(next.session.data, expected, "{at}: the session is as good as before");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_on_every_store_alike() {
    let bad: &[Bad<Wild>] = &[
        ("real", |data| data.real = f64::NAN, |why| *why == DataProblem::NotFinite),
        ("real", |data| data.real = f64::NEG_INFINITY, |why| *why == DataProblem::NotFinite),
        ("big", |data| data.big = 1 << 64, |why| *why == DataProblem::NumberTooLarge),
        ("small", |data| data.small = -(1 << 64), |why| *why == DataProblem::NumberTooLarge),
        ("maybe", |data| data.maybe = Some(None), |why| *why == DataProblem::NullInSome),
        ("keyed[0]", |data| data.keyed = vec![[((1, 2), 3)].into()], |why| *why == DataProblem::KeyNotText),
        ("forgotten", |data| data.forgotten = 1, |why| matches!(why, DataProblem::NotFaithful(_))),
        (
            "nested[1].wide",
            |data| {
                data.nested = vec![Nested::default(), Nested { wide: "secret".into() }];
            },
            |why| matches!(why, DataProblem::NotFaithful(why) if why.contains("secret")),
        ),
        ("json.b", |data| data.json = json!({"b": "x".repeat(LIMIT)}), |why| *why == DataProblem::TooLarge(LIMIT)),
        (
            "json.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a",
            |data| data.json = nested(21),
            |why| *why == DataProblem::TooDeep(20),
        ),
    ];
    refuses(bad, |data| data.good += 1).await;
}

#[tokio::test]
async fn names_that_cannot_be_kept_are_refused_on_every_store_alike() {
    let bad: &[Bad<Flat>] = &[
        (
            "a",
            |data| {
                data.rest.insert("a".into(), 1);
            },
            |why| *why == DataProblem::DuplicateName,
        ),
        (
            "_session",
            |data| {
                data.rest.insert("_session".into(), 1);
            },
            |why| *why == DataProblem::ReservedName,
        ),
        (
            "created_at",
            |data| {
                data.rest.insert("created_at".into(), 1);
            },
            |why| *why == DataProblem::ReservedName,
        ),
        (
            "expires_at",
            |data| {
                data.rest.insert("expires_at".into(), 1);
            },
            |why| *why == DataProblem::ReservedName,
        ),
    ];
    refuses(bad, |data| data.a += 1).await;
}

/// The longest paths are kept: of a plain value, of a map's, and of what Firestore keeps in a map.
#[tokio::test]
async fn what_is_just_within_the_limits_is_kept_on_every_store() {
    let name = |letter: &str, left: usize| letter.repeat(exact_sessions::PATH_LENGTH - left);
    let lists = (0..10).fold(json!(1), |inside, _| json!([inside]));
    let value: BTreeMap<String, Value> = [
        ("deep".into(), nested(20)),
        ("lists".into(), lists),
        (name("n", 4), json!(1)),
        (name("m", 9), json!({"a": {}})),
        (name("b", 16), json!(u64::MAX)),
        (name("l", 16), json!([[1]])),
        (name("$", 4), json!(1)),
        ("`".repeat((exact_sessions::PATH_LENGTH - 4) / 2), json!(1)),
        (format!("__{}__", name("r", 8)), json!("reserved")),
    ]
    .into();
    for place in Place::all() {
        super::takes(&place, std::slice::from_ref(&value)).await.expect("it holds");
    }
}

#[tokio::test]
async fn paths_that_are_too_long_are_refused_on_every_store_alike() {
    type Map = BTreeMap<String, Value>;
    fn insert(data: &mut Map, left: usize, value: Value) {
        data.insert("n".repeat(exact_sessions::PATH_LENGTH - left), value);
    }
    let is_right = |why: &DataProblem| *why == DataProblem::PathTooLong(exact_sessions::PATH_LENGTH);
    let changes: [fn(&mut Map); 4] = [
        |data| insert(data, 3, json!(1)),
        |data| insert(data, 8, json!({"a": 1})),
        |data| insert(data, 15, json!(u64::MAX)),
        |data| insert(data, 15, json!([[1]])),
    ];
    for place in Place::all() {
        let sessions = Sessions::builder(place.open(), Map::default).settings(unhurried()).build();
        for change in changes {
            let refused = sessions.upsert(None, change).await.map(drop);
            assert!(matches!(&refused, Err(Error::Data(why)) if is_right(why.problem())), "{refused:?}");
        }
    }
}

/// They have no bytes of their own, and take memory and time all the same.
#[tokio::test]
async fn empty_lists_and_maps_count_as_well() {
    for empty in [json!([]), json!({})] {
        let sessions = Sessions::builder(MemoryStore::default(), Wild::default);
        let sessions = sessions.settings(Settings::default().max_data(LIMIT)).build();
        let many = Value::Array(vec![empty.clone(); LIMIT / 8]);
        let many = move |data: &mut Wild| data.json = many;
        let refused = sessions.upsert(None, many).await.map(drop);
        let Err(Error::Data(why)) = refused else { panic!("{empty}: {refused:?}") };
        assert_eq!(*why.problem(), DataProblem::TooLarge(LIMIT), "{empty}: {why}");
    }
}
