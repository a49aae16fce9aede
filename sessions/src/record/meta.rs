//! What the engine keeps of a session beside the application's data.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::{Revision, Revisions};
use crate::SessionKey;

/// What the engine keeps of a session, except for the two times that stores index or sort by.
///
/// A store keeps it as one JSON object, as [`to_json`](Self::to_json) makes it and [`from_json`](Self::from_json) reads
/// it, and looks at nothing in it but [`user`](Self::user), to find the sessions of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    pub(crate) revisions: Revisions,
    /// When `expires_at` was last moved. `None` in records of the first layout.
    pub(crate) seen_at: Option<SystemTime>,
    pub(crate) replaced: Option<Replaced>,
    pub(crate) signed_in: Option<SignedIn>,
    pub(crate) terms: Terms,
    /// The version of the application's data; 0 means that the application did not say.
    pub(crate) data_version: u32,
    /// The names of the application's fields, if its type does not name them.
    pub(crate) fields: Option<Vec<String>>,
}

/// What became of a session whose id is no longer its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// It was rotated, and its old id leads to this one.
    By(SessionKey),
    /// It was replaced by a sign-in, a confirmation or a sign-out, and its old id leads nowhere. But a further sign-in
    /// goes on with `next`, which is `None` after a sign-out.
    Closed { next: Option<SessionKey> },
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedIn {
    pub(crate) user: String,
    pub(crate) label: Option<String>,
    /// When the user last proved who they are.
    pub(crate) at: SystemTime,
}

/// What was agreed for one session, within the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) idle: Option<Duration>,
    pub(crate) lifetime: Option<Duration>,
    /// Whether the cookie ends with the browser.
    pub(crate) until_browser_closes: bool,
}

impl Meta {
    /// Who is signed in, as the application names its users. A store indexes this to serve
    /// [`list_user`](crate::store::Store::list_user).
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.signed_in.as_ref().map(|signed_in| signed_in.user.as_str())
    }

    /// Where the session is now, if this is the record of its old id and leads there.
    #[must_use]
    pub fn moved_to(&self) -> Option<SessionKey> {
        match self.replaced {
            Some(Replaced::By(key)) => Some(key),
            Some(Replaced::Closed { .. }) | None => None,
        }
    }

    /// The path of [`user`](Self::user) inside the object that [`to_json`](Self::to_json) makes.
    pub const USER: &'static str = "user";

    /// As a JSON object: text, numbers, booleans and lists of text only, so that a person can read it.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let Self { revisions, seen_at, replaced, signed_in, terms, data_version, fields } = self;
        let mut json = Map::new();
        let mut set = |name: &str, value: Value| json.insert(name.to_owned(), value);
        set("revisions", revisions.texts().collect());
        if let Some(time) = seen_at {
            set("seen_at", text(*time));
        }
        match replaced {
            Some(Replaced::By(key)) => drop(set("moved_to", json!(key.to_string()))),
            Some(Replaced::Closed { next }) => {
                set("closed", json!(true));
                if let Some(next) = next {
                    set("next", json!(next.to_string()));
                }
            }
            None => {}
        }
        if let Some(SignedIn { user, label, at }) = signed_in {
            set(Self::USER, json!(user));
            set("signed_in_at", text(*at));
            if let Some(label) = label {
                set("label", json!(label));
            }
        }
        for (name, duration) in [("idle_ms", terms.idle), ("lifetime_ms", terms.lifetime)] {
            if let Some(duration) = duration {
                set(name, json!(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)));
            }
        }
        if terms.until_browser_closes {
            set("until_browser_closes", json!(true));
        }
        if *data_version != 0 {
            set("data_version", json!(data_version));
        }
        if let Some(fields) = fields {
            set("fields", json!(fields));
        }
        json
    }

    /// Reads what [`to_json`](Self::to_json) made. A part that somebody edited into something else reads as if it
    /// were missing; but a session that was closed or moved never comes back by such an edit, and a user whose time of
    /// sign-in is missing signed in at the beginning of time.
    #[must_use]
    pub fn from_json(json: &Value) -> Self {
        let string = |name: &str| json.get(name).and_then(Value::as_str);
        let duration = |name: &str| json.get(name).and_then(Value::as_u64).map(Duration::from_millis);
        let is_true = |name: &str| json.get(name).and_then(Value::as_bool).unwrap_or(false);
        let texts = |name: &str| Some(json.get(name)?.as_array()?.iter().filter_map(Value::as_str));
        let key = |name: &str| Some(json.get(name)?.as_str().and_then(SessionKey::parse));
        let is_closed = json.get("closed").is_some_and(|closed| *closed != Value::Bool(false));
        let replaced = match key("moved_to") {
            Some(Some(key)) => Some(Replaced::By(key)),
            Some(None) => Some(Replaced::Closed { next: None }),
            None => is_closed.then(|| Replaced::Closed { next: key("next").flatten() }),
        };
        let signed_in = string(Self::USER).map(|user| SignedIn {
            user: user.to_owned(),
            label: string("label").map(str::to_owned),
            at: string("signed_in_at").and_then(time).unwrap_or(SystemTime::UNIX_EPOCH),
        });
        let terms = Terms {
            idle: duration("idle_ms"),
            lifetime: duration("lifetime_ms"),
            until_browser_closes: is_true("until_browser_closes"),
        };
        Self {
            revisions: texts("revisions").map(Revisions::from_texts).unwrap_or_default(),
            seen_at: string("seen_at").and_then(time),
            replaced,
            signed_in,
            terms,
            data_version: json
                .get("data_version")
                .and_then(Value::as_u64)
                .map_or(0, |version| u32::try_from(version).unwrap_or(u32::MAX)),
            fields: texts("fields").map(|names| names.map(str::to_owned).collect()),
        }
    }

    /// From the first layout, which had these two beside the application's fields.
    #[must_use]
    pub fn of_first_layout<'a>(revisions: impl IntoIterator<Item = &'a str>, successor: Option<&str>) -> Self {
        let replaced =
            successor.map(|key| SessionKey::parse(key).map_or(Replaced::Closed { next: None }, Replaced::By));
        Self { revisions: Revisions::from_texts(revisions), replaced, ..Self::default() }
    }

    /// The same with one more revision, and the oldest dropped.
    #[must_use]
    pub(crate) fn with_revision(mut self, revision: Revision) -> Self {
        self.revisions.push(revision);
        self
    }
}

fn text(time: SystemTime) -> Value {
    json!(humantime::format_rfc3339_micros(time).to_string())
}

fn time(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn full() -> Meta {
        Meta {
            revisions: Revisions::from_texts(["00000000000000ff", "0123456789abcdef"]),
            seen_at: Some(UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_001)),
            replaced: Some(Replaced::Closed { next: SessionKey::parse(&"cd".repeat(32)) }),
            signed_in: Some(SignedIn {
                user: "user-42".into(),
                label: Some("Firefox".into()),
                at: UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            }),
            terms: Terms {
                idle: Some(Duration::from_secs(60)),
                lifetime: Some(Duration::MAX),
                until_browser_closes: true,
            },
            data_version: 3,
            fields: Some(vec!["a".into(), "b".into()]),
        }
    }

    #[test]
    fn it_survives_as_json() {
        let mut expected = full();
        expected.terms.lifetime = Some(Duration::from_millis(i64::MAX.unsigned_abs()));
        assert_eq!(Meta::from_json(&Value::Object(full().to_json())), expected);
        let moved = Meta { replaced: SessionKey::parse(&"ab".repeat(32)).map(Replaced::By), ..Meta::default() };
        assert_eq!(Meta::from_json(&Value::Object(moved.to_json())), moved);
        assert_eq!(Meta::from_json(&Value::Object(Meta::default().to_json())), Meta::default());
    }

    #[test]
    fn what_was_edited_into_nonsense_reads_as_missing() {
        let mut json = full().to_json();
        for value in json.values_mut() {
            *value = json!([[1.5]]);
        }
        let expected =
            Meta { replaced: Some(Replaced::Closed { next: None }), fields: Some(vec![]), ..Meta::default() };
        assert_eq!(Meta::from_json(&Value::Object(json)), expected, "a closed session stays closed");
        assert_eq!(Meta::from_json(&json!({"moved_to": "elsewhere"})).replaced, Some(Replaced::Closed { next: None }));
        assert_eq!(Meta::from_json(&json!("nonsense")), Meta::default());
        let undated = Meta::from_json(&json!({"user": "ada"}));
        assert_eq!(undated.signed_in.map(|signed_in| signed_in.at), Some(UNIX_EPOCH));
    }

    #[test]
    fn the_first_layout_is_understood() {
        let key = "ab".repeat(32);
        let meta = Meta::of_first_layout(["00000000000000ff"], Some(&key));
        assert_eq!(meta.replaced, SessionKey::parse(&key).map(Replaced::By));
        assert!(meta.revisions.contains(Revision(255)));
    }
}
