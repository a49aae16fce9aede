//! The application's data as the fields of a record, and back.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Engine, SessionData};
use crate::{Error, Record, SessionKey, record::RESERVED_FIELDS};

type Fields = Map<String, Value>;

impl<T: SessionData> Engine<T> {
    /// Reads the application's data. Fields that can't be read, because somebody edited the session by
    /// hand, say, are replaced by fresh ones; the others are kept.
    pub(super) fn decode(&self, key: &SessionKey, record: &Record) -> T {
        match T::deserialize(&record.data) {
            Ok(data) => data,
            Err(error) => {
                tracing::warn!(%key, %error, "a session's data can't be read; its broken fields are replaced");
                let fresh = (self.fresh)();
                salvage(&fresh, &record.data).unwrap_or(fresh)
            }
        }
    }
}

/// The fresh value with each stored field that it can be read with. `None` if the fresh value itself
/// can't be written and read, which [`encode`] reports.
fn salvage<T: SessionData>(fresh: &T, stored: &Fields) -> Option<T> {
    let mut good = fields_of(fresh).ok()?;
    for (name, value) in stored {
        let replaced = good.insert(name.clone(), value.clone());
        if T::deserialize(&good).is_err() {
            match replaced {
                Some(fresh) => good.insert(name.clone(), fresh),
                None => good.remove(name),
            };
        }
    }
    T::deserialize(&good).ok()
}

/// The fields to store after a change: the application's, and those of `before` that aren't its own.
pub(super) fn encode<T: SessionData>(data: &T, before: &Fields) -> Result<Fields, Error> {
    let mut after = fields_of(data)?;
    for (name, value) in before {
        if !after.contains_key(name) {
            // A field the application has dropped reads back as it wrote it; anybody else's stays.
            let own = T::deserialize(before).ok().and_then(|data| fields_of(&data).ok());
            let dropped = own.is_some_and(|own| own.contains_key(name));
            after.insert(name.clone(), if dropped { Value::Null } else { value.clone() });
        }
    }
    Ok(after)
}

fn fields_of<T: Serialize>(data: &T) -> Result<Fields, Error> {
    let value = serde_json::to_value(data).map_err(|error| Error::Data(error.into()))?;
    let Value::Object(fields) = value else { return Err(Error::Data("it is not a JSON object".into())) };
    match RESERVED_FIELDS.into_iter().find(|name| fields.contains_key(*name)) {
        None => Ok(fields),
        Some(name) => Err(Error::Data(format!("the field name {name:?} is reserved").into())),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Cart {
        items: Vec<String>,
        total: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        coupon: Option<String>,
    }

    fn fields(json: Value) -> Fields {
        match json {
            Value::Object(fields) => fields,
            other => panic!("{other} is no object"),
        }
    }

    fn fresh() -> Cart {
        Cart { items: vec![], total: 7, coupon: None }
    }

    #[test]
    fn broken_fields_are_replaced_and_the_others_kept() {
        for (stored, salvaged) in [
            (json!({"items": ["tea"], "total": "much"}), Cart { items: vec!["tea".into()], ..fresh() }),
            (json!({"items": 3, "total": 9}), Cart { total: 9, ..fresh() }),
            (json!({"total": -1, "coupon": "x"}), Cart { coupon: Some("x".into()), ..fresh() }),
            (
                json!({"items": ["tea"], "total": 1, "coupon": 2}),
                Cart { items: vec!["tea".into()], total: 1, coupon: None },
            ),
            (json!({}), fresh()),
        ] {
            assert_eq!(salvage(&fresh(), &fields(stored.clone())), Some(salvaged), "{stored}");
        }
    }

    #[test]
    fn the_fields_of_others_stay_and_dropped_ones_become_null() {
        let before = fields(json!({"items": [], "total": 1, "coupon": "x", "note": "a regular"}));
        let after = encode(&Cart { total: 2, ..fresh() }, &before).expect("an object");
        assert_eq!(Value::Object(after), json!({"items": [], "total": 2, "coupon": null, "note": "a regular"}));
    }

    #[test]
    fn data_that_is_no_object_or_uses_a_reserved_name_is_refused() {
        assert!(matches!(fields_of(&3), Err(Error::Data(_))));
        assert!(matches!(fields_of(&json!({"revisions": 1})), Err(Error::Data(_))));
    }
}
