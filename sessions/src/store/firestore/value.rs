//! JSON as Firestore values, and back.
//!
//! Each JSON value has one Firestore value, and each of these reads back as the same JSON. What Firestore can't hold
//! is written in a form that stays readable in its console:
//!
//! | JSON | Firestore |
//! |---|---|
//! | an integer above the largest of 64 bits with a sign | the map `{$integer: "18446744073709551615"}` |
//! | a list directly in a list | the map `{$list: [...]}` in its place |
//! | a name that is empty, reserved (`__x__`) or begins with `$` | the name with a `$` in front |
//!
//! A Firestore value that no JSON is written as (a timestamp, bytes, NaN, ...) is refused with the reason, not guessed.

use std::collections::HashMap;

use firestore::gcloud_sdk::google::firestore::v1::{ArrayValue, MapValue, Value, value::ValueType};
use serde_json::{Number, Value as Json};

pub(super) type Fields = HashMap<String, Value>;

/// Marks a map that stands for an integer.
const INTEGER: &str = "$integer";

/// Marks a map that stands for a list.
const LIST: &str = "$list";

/// Put in front of names that Firestore refuses, and of those that begin with it.
const ESCAPE: char = '$';

/// Whether Firestore refuses this name of a field (<https://cloud.google.com/firestore/quotas>), or it could be taken
/// for one that was changed.
fn needs_escape(name: &str) -> bool {
    let reserved = name.len() >= 4 && name.starts_with("__") && name.ends_with("__");
    name.is_empty() || reserved || name.starts_with(ESCAPE)
}

pub(super) fn name_to_firestore(name: &str) -> String {
    if needs_escape(name) { format!("{ESCAPE}{name}") } else { name.to_owned() }
}

/// The reverse of [`name_to_firestore`]; the reason, if nothing is written under this name.
pub(super) fn name_from_firestore(name: &str) -> Result<&str, String> {
    match name.strip_prefix(ESCAPE) {
        Some(rest) if needs_escape(rest) => Ok(rest),
        None if !needs_escape(name) => Ok(name),
        _ => Err(format!("the name {name:?} stands for no name of JSON")),
    }
}

pub(super) fn to_firestore(json: &Json) -> Value {
    match json {
        Json::Null => value(ValueType::NullValue(0)),
        Json::Bool(flag) => value(ValueType::BooleanValue(*flag)),
        Json::Number(number) => number_to_firestore(number),
        Json::String(text) => string(text.clone()),
        Json::Array(items) => list(items),
        Json::Object(fields) => map(fields.iter().map(field_to_firestore).collect()),
    }
}

pub(super) fn field_to_firestore((name, json): (&String, &Json)) -> (String, Value) {
    (name_to_firestore(name), to_firestore(json))
}

/// The JSON that is written as this value; the reason, if there is none.
pub(super) fn from_firestore(value: &Value) -> Result<Json, String> {
    match value.value_type.as_ref() {
        Some(ValueType::NullValue(_)) => Ok(Json::Null),
        Some(ValueType::BooleanValue(flag)) => Ok(Json::Bool(*flag)),
        Some(ValueType::IntegerValue(integer)) => Ok(Json::from(*integer)),
        Some(ValueType::DoubleValue(double)) => {
            Number::from_f64(*double).map(Json::Number).ok_or_else(|| format!("JSON has no number {double}"))
        }
        Some(ValueType::StringValue(text)) => Ok(Json::String(text.clone())),
        Some(ValueType::ArrayValue(list)) => list_from_firestore(list),
        Some(ValueType::MapValue(map)) => map_from_firestore(&map.fields),
        Some(ValueType::TimestampValue(_)) => Err("JSON has no timestamps".to_owned()),
        Some(ValueType::BytesValue(_)) => Err("JSON has no bytes".to_owned()),
        Some(ValueType::ReferenceValue(_)) => Err("JSON has no references".to_owned()),
        Some(ValueType::GeoPointValue(_)) => Err("JSON has no geographical points".to_owned()),
        _ => Err("it is of a type that JSON lacks".to_owned()),
    }
}

fn number_to_firestore(number: &Number) -> Value {
    if let Some(integer) = number.as_i64() {
        value(ValueType::IntegerValue(integer))
    } else if let Some(integer) = number.as_u64() {
        map([(INTEGER.to_owned(), string(integer.to_string()))].into())
    } else {
        // A number that is neither is a finite float. NaN would be refused when it is read.
        value(ValueType::DoubleValue(number.as_f64().unwrap_or(f64::NAN)))
    }
}

fn list(items: &[Json]) -> Value {
    let item = |json: &Json| match json {
        Json::Array(items) => map([(LIST.to_owned(), list(items))].into()),
        other => to_firestore(other),
    };
    value(ValueType::ArrayValue(ArrayValue { values: items.iter().map(item).collect() }))
}

fn list_from_firestore(list: &ArrayValue) -> Result<Json, String> {
    let item = |value: &Value| match value.value_type.as_ref() {
        Some(ValueType::ArrayValue(_)) => Err("a list directly in a list".to_owned()),
        Some(ValueType::MapValue(map)) => match only_field(&map.fields, LIST) {
            Some(ValueType::ArrayValue(list)) => list_from_firestore(list),
            _ => from_firestore(value),
        },
        _ => from_firestore(value),
    };
    list.values.iter().map(item).collect::<Result<_, _>>().map(Json::Array)
}

fn map_from_firestore(fields: &Fields) -> Result<Json, String> {
    if let Some(ValueType::StringValue(text)) = only_field(fields, INTEGER) {
        return integer_from_text(text);
    }
    let field = |(name, value): (&String, &Value)| {
        let name = name_from_firestore(name)?;
        let json = from_firestore(value).map_err(|reason| format!("{name:?}: {reason}"))?;
        Ok((name.to_owned(), json))
    };
    fields.iter().map(field).collect::<Result<_, _>>().map(Json::Object)
}

/// Only the text of an integer that has no other form.
fn integer_from_text(text: &str) -> Result<Json, String> {
    let integer = text.parse::<u64>().ok().filter(|integer| i64::try_from(*integer).is_err());
    integer
        .filter(|integer| integer.to_string() == text)
        .map(Json::from)
        .ok_or_else(|| format!("{INTEGER} holds no integer above {}", i64::MAX))
}

/// The type of this field, if the map has no other.
fn only_field<'a>(fields: &'a Fields, name: &str) -> Option<&'a ValueType> {
    if fields.len() == 1 { fields.get(name)?.value_type.as_ref() } else { None }
}

fn map(fields: Fields) -> Value {
    value(ValueType::MapValue(MapValue { fields }))
}

fn string(text: String) -> Value {
    value(ValueType::StringValue(text))
}

pub(super) fn value(value_type: ValueType) -> Value {
    Value { value_type: Some(value_type) }
}

#[cfg(test)]
mod tests {
    use firestore::gcloud_sdk::{google::r#type::LatLng, prost_types::Timestamp};
    use proptest::{collection, num, prelude::*};
    use serde_json::json;

    use super::*;

    /// Names that are nearly, or really, special.
    fn names() -> impl Strategy<Value = String> {
        const SPECIAL: &[&str] =
            &["", "$", "$$", "$integer", "$list", "$$list", "__", "___", "____", "__x__", "$__x__", "a.b"];
        prop_oneof![proptest::sample::select(SPECIAL).prop_map(str::to_owned), "[a-z_$`.]{0,6}", any::<String>()]
    }

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            num::f64::ANY.prop_map(Json::from),
            any::<String>().prop_map(Json::from),
            any::<u64>().prop_map(|integer| Json::from(integer.to_string())),
        ];
        leaf.prop_recursive(5, 64, 5, |inner| {
            prop_oneof![
                collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
                collection::btree_map(names(), inner, 0..5)
                    .prop_map(|fields| Json::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn firestore_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(ValueType::NullValue(0)),
            any::<bool>().prop_map(ValueType::BooleanValue),
            any::<i64>().prop_map(ValueType::IntegerValue),
            num::f64::ANY.prop_map(ValueType::DoubleValue),
            any::<String>().prop_map(ValueType::StringValue),
            any::<u64>().prop_map(|integer| ValueType::StringValue(integer.to_string())),
            "[+0]?[0-9]{18,20}".prop_map(ValueType::StringValue),
            any::<(i64, i32)>().prop_map(|(seconds, nanos)| ValueType::TimestampValue(Timestamp { seconds, nanos })),
            any::<Vec<u8>>().prop_map(ValueType::BytesValue),
            any::<String>().prop_map(ValueType::ReferenceValue),
            any::<(f64, f64)>()
                .prop_map(|(latitude, longitude)| ValueType::GeoPointValue(LatLng { latitude, longitude })),
        ];
        leaf.prop_map(value).prop_recursive(5, 64, 5, |inner| {
            let lists = collection::vec(inner.clone(), 0..5);
            prop_oneof![
                lists.prop_map(|values| value(ValueType::ArrayValue(ArrayValue { values }))),
                collection::hash_map(names(), inner, 0..4).prop_map(map),
            ]
        })
    }

    /// `==` takes -0.0 for 0.0; this does not.
    fn bits(value: &Value) -> String {
        match value.value_type.as_ref() {
            Some(ValueType::ArrayValue(list)) => format!("{:?}", list.values.iter().map(bits).collect::<Vec<_>>()),
            Some(ValueType::MapValue(map)) => {
                let fields: std::collections::BTreeMap<_, _> =
                    map.fields.iter().map(|(name, value)| (name, bits(value))).collect();
                format!("{fields:?}")
            }
            Some(ValueType::DoubleValue(double)) => format!("double {}", double.to_bits()),
            other => format!("{other:?}"),
        }
    }

    /// Whether Firestore takes it: no list directly in a list, no name that it refuses.
    fn is_valid(value: &Value, in_list: bool) -> bool {
        match value.value_type.as_ref() {
            Some(ValueType::ArrayValue(list)) => !in_list && list.values.iter().all(|value| is_valid(value, true)),
            Some(ValueType::MapValue(map)) => map.fields.iter().all(|(name, value)| {
                let reserved = name.len() >= 4 && name.starts_with("__") && name.ends_with("__");
                !name.is_empty() && !reserved && is_valid(value, false)
            }),
            _ => true,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn json_survives_as_a_value_that_firestore_takes(json in json()) {
            let value = to_firestore(&json);
            prop_assert!(is_valid(&value, false), "{value:?}");
            let back = from_firestore(&value);
            // As text, since `==` takes -0.0 for 0.0.
            prop_assert_eq!(back.as_ref().map(Json::to_string), Ok(json.to_string()));
            prop_assert_eq!(back, Ok(json));
        }

        #[test]
        fn a_value_that_is_read_is_written_back_as_it_was(value in firestore_value()) {
            if let Ok(json) = from_firestore(&value) {
                prop_assert_eq!(bits(&to_firestore(&json)), bits(&value));
            }
        }
    }

    #[test]
    fn the_forms_are_readable() {
        let text = |text: &str| string(text.to_owned());
        let field = |name: &str, value: Value| map([(name.to_owned(), value)].into());
        let items = |values| value(ValueType::ArrayValue(ArrayValue { values }));
        let integer = |n| value(ValueType::IntegerValue(n));
        for (json, value) in [
            (json!(u64::MAX), field("$integer", text("18446744073709551615"))),
            (json!(i64::MAX), integer(i64::MAX)),
            (json!([["tea", 1]]), items(vec![field("$list", items(vec![text("tea"), integer(1)]))])),
            (json!({"": 1}), field("$", integer(1))),
            (json!({"__x__": 1}), field("$__x__", integer(1))),
            (json!({"$list": [1]}), field("$$list", items(vec![integer(1)]))),
            (json!({"$integer": "1"}), field("$$integer", text("1"))),
            (json!({"__": {"_x_": 1}}), field("__", field("_x_", integer(1)))),
        ] {
            assert_eq!(to_firestore(&json), value, "{json}");
            assert_eq!(from_firestore(&value), Ok(json));
        }
    }

    #[test]
    fn a_value_without_json_is_refused_with_the_reason() {
        let double = |double| value(ValueType::DoubleValue(double));
        let field = |name: &str, value: Value| map([(name.to_owned(), value)].into());
        let items = |values| value(ValueType::ArrayValue(ArrayValue { values }));
        let time = value(ValueType::TimestampValue(Timestamp::default()));
        for (value, reason) in [
            (time.clone(), "JSON has no timestamps"),
            (items(vec![field("at", time)]), "\"at\": JSON has no timestamps"),
            (double(f64::NAN), "JSON has no number NaN"),
            (double(f64::INFINITY), "JSON has no number inf"),
            (items(vec![items(vec![])]), "a list directly in a list"),
            (field("$integer", string("5".to_owned())), "$integer holds no integer above 9223372036854775807"),
            (
                field("$integer", string("+9223372036854775808".to_owned())),
                "$integer holds no integer above 9223372036854775807",
            ),
            (field("$integer", double(1.0)), "the name \"$integer\" stands for no name of JSON"),
            (field("$list", items(vec![])), "the name \"$list\" stands for no name of JSON"),
            (field("__type__", string("__vector__".to_owned())), "the name \"__type__\" stands for no name of JSON"),
            (Value { value_type: None }, "it is of a type that JSON lacks"),
        ] {
            assert_eq!(from_firestore(&value), Err(reason.to_owned()));
        }
    }
}
