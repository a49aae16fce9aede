//! Types with attributes of serde's, on SQLite and Firestore: what comes back is equal to what was stored.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use exact_sessions::{
    Error, SessionData, Sessions,
    store::{Store, sqlite::SqliteStore},
};
use serde::{Deserialize, Serialize};

use crate::firestore;

/// What [`come_back_from`] does, on each store.
async fn come_back<T: SessionData + Clone + PartialEq + Debug>(values: impl IntoIterator<Item = T>) {
    let values: Vec<T> = values.into_iter().collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sessions.db");
    come_back_from(|| SqliteStore::open(&file).expect("a file"), &values).await;
    if let Some(project) = firestore::project() {
        come_back_from(|| firestore::store_in(&project), &values).await;
    }
}

/// Stores each value in turn in one session, and reads it in an instance that remembers nothing.
async fn come_back_from<S: Store, T: SessionData + Clone + PartialEq + Debug>(open: impl Fn() -> S, values: &[T]) {
    let first = values[0].clone();
    let new_data = move || first.clone();
    let instance = || Sessions::builder(open(), new_data.clone()).settings(firestore::unhurried()).build();
    let sessions = instance();
    let id = sessions.upsert(None, |_| {}).await.expect("a new session").new_id.expect("an id");
    for value in values.iter().chain(&values[..1]) {
        let stored = value.clone();
        let changed = sessions.update(id, move |data| *data = stored).await.expect("a change").expect("a session");
        assert_eq!(changed.session.data, *value);
        let cold = instance();
        let read = cold.read(id).await.expect("a read").expect("a session");
        assert_eq!(read.data, *value);
        let same = cold.update(id, |data| data.clone()).await.expect("a change").expect("a session");
        assert_eq!(same.value, *value, "and so it is for a change");
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Renamed {
    first_name: String,
    #[serde(rename = "last-name", alias = "surname")]
    last: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip)]
    not_kept: (),
}

#[tokio::test]
async fn renamed_and_skipped_fields() {
    let full = Renamed {
        first_name: "Ada \0 \u{1f600} \"".into(),
        last: Some(String::new()),
        tags: vec!["a".into(), String::new()],
        not_kept: (),
    };
    come_back([Renamed::default(), full]).await;
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Flattened {
    id: u64,
    #[serde(flatten)]
    inner: Renamed2,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Renamed2 {
    theme: Option<String>,
}

#[tokio::test]
async fn flattened_structs_and_maps() {
    let rest =
        BTreeMap::from([("anything".into(), serde_json::json!({ "a": [1, null, 1.5] })), ("b".into(), 2.into())]);
    let full = Flattened { id: u64::MAX, inner: Renamed2 { theme: Some("dark".into()) }, rest };
    come_back([Flattened::default(), full]).await;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state")]
enum Internal {
    Guest,
    Known { id: i64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "with")]
enum Adjacent {
    None,
    One(f64),
    Two(u8, char),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum External {
    Point { x: i32, y: i32 },
    List(Vec<u16>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Named { name: String },
    Numbered { number: u32 },
}

#[tokio::test]
async fn enums_of_all_forms() {
    come_back([Internal::Guest, Internal::Known { id: i64::MIN }]).await;
    come_back([Adjacent::None, Adjacent::One(0.1 + 0.2), Adjacent::Two(255, '\u{10ffff}')]).await;
    come_back([External::Point { x: 1, y: -1 }, External::List(vec![]), External::List(vec![0, 65_535])]).await;
    come_back([Untagged::Named { name: "a".into() }, Untagged::Numbered { number: 1 }]).await;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Day {
    Monday,
    Tuesday,
}

#[tokio::test]
async fn maps_whose_keys_are_no_text() {
    come_back([HashMap::new(), HashMap::from([(0_u32, "a".to_owned()), (u32::MAX, String::new())])]).await;
    come_back([BTreeMap::new(), BTreeMap::from([(Day::Monday, 1), (Day::Tuesday, 2)])]).await;
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Transparent(Renamed2);

/// A type of another crate, by a module of the application's.
mod as_hours {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(time.as_secs() / 3600)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Ok(Duration::from_secs(u64::deserialize(deserializer)? * 3600))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Odd<'a> {
    #[serde(with = "as_hours")]
    hours: Duration,
    time: SystemTime,
    address: IpAddr,
    bytes: Vec<u8>,
    pair: (i8, [bool; 2]),
    text: Cow<'a, str>,
    nested: Option<Box<Odd<'a>>>,
    unit: (),
    big: i64,
    small: f32,
}

#[tokio::test]
async fn types_of_the_standard_library_and_of_others() {
    come_back([Transparent::default(), Transparent(Renamed2 { theme: Some("light".into()) })]).await;
    let odd = |nested| Odd {
        hours: Duration::from_secs(7200),
        time: SystemTime::UNIX_EPOCH + Duration::new(1_800_000_000, 123_456_789),
        address: IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        bytes: (0..=255).collect(),
        pair: (-128, [true, false]),
        text: Cow::Borrowed("text"),
        nested,
        unit: (),
        big: i64::MAX,
        small: f32::MIN_POSITIVE,
    };
    come_back([odd(None), odd(Some(Box::new(odd(None))))]).await;
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    number: f64,
    #[expect(clippy::option_option, reason = "JSON can't tell its two `None`s apart")]
    doubt: Option<Option<u8>>,
    huge: u128,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Reserved {
    created_at: Option<u8>,
}

/// What can't be kept is refused before it's sent, and the session stays as it was.
#[tokio::test]
async fn what_can_not_come_back_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(SqliteStore::open(folder.path().join("sessions.db")).expect("a file"));
    let sessions = Sessions::builder(Arc::clone(&store), Kept::default).settings(firestore::unhurried()).build();
    let id = sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
    let changes: [fn(&mut Kept); 3] =
        [|kept| kept.number = f64::NAN, |kept| kept.doubt = Some(None), |kept| kept.huge = u128::MAX];
    for change in changes {
        let result = sessions.update(id, change).await;
        assert!(matches!(result, Err(Error::Data(_))), "{result:?}");
    }
    let read = sessions.read(id).await.expect("a read").expect("a session");
    assert_eq!(read.data, Kept::default());

    let reserved = Sessions::<Reserved>::new(store).upsert(None, |data| data.created_at = Some(1)).await;
    assert!(matches!(reserved, Err(Error::Data(_))), "a reserved name: {reserved:?}");
}
