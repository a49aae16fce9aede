//! The names of a type's fields, without a value of it.

use std::{cell::Cell, fmt};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, Visitor},
    forward_to_deserialize_any,
};

type Names = &'static [&'static str];

/// The names of the fields that a struct can be read from, aliases included; `None` if the type does not name them: a
/// map, an enum, a struct with `flatten`. For programs that check what [`Admin::update`](crate::admin::Admin::update) is
/// to write.
///
/// ```
/// # use exact_sessions::admin::field_names;
/// #[derive(serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
///     coupon: Option<String>,
/// }
/// assert_eq!(field_names::<Cart>(), Some(&["items", "coupon"][..]));
/// ```
#[must_use]
pub fn field_names<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let names = Cell::new(None);
    // It fails, but not before the type has said which fields it wants.
    drop(T::deserialize(Probe(&names)));
    names.get()
}

struct Probe<'a>(&'a Cell<Option<Names>>);

#[derive(Debug)]
struct NoData;

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = NoData;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoData> {
        Err(NoData)
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, names: Names, _: V) -> Result<V::Value, NoData> {
        self.0.set(Some(names));
        Err(NoData)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NoData> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

impl fmt::Display for NoData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no data")
    }
}

impl std::error::Error for NoData {}

impl de::Error for NoData {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its names matter")]
    struct Plain {
        a: u32,
        #[serde(rename = "bee", alias = "old")]
        b: u32,
        #[serde(default)]
        c: Option<u32>,
        #[serde(skip)]
        d: u32,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its names matter")]
    struct Wrapped(Plain);

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its names matter")]
    struct Flat {
        a: u32,
        #[serde(flatten)]
        rest: BTreeMap<String, u32>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its names matter")]
    enum Either {
        This { a: u32 },
    }

    #[derive(Deserialize)]
    #[serde(tag = "kind")]
    #[expect(dead_code, reason = "only its names matter")]
    enum Tagged {
        This { a: u32 },
    }

    #[test]
    fn structs_name_their_fields_and_nothing_else_does() {
        let sorted = |names: Option<Names>| {
            names.map(|names| {
                let mut names = names.to_vec();
                names.sort_unstable();
                names
            })
        };
        assert_eq!(sorted(field_names::<Plain>()), Some(vec!["a", "bee", "c", "old"]));
        assert_eq!(sorted(field_names::<Wrapped>()), Some(vec!["a", "bee", "c", "old"]));
        assert_eq!(sorted(field_names::<Box<Plain>>()), Some(vec!["a", "bee", "c", "old"]));
        assert_eq!(field_names::<Flat>(), None);
        assert_eq!(field_names::<Either>(), None);
        assert_eq!(field_names::<Tagged>(), None);
        assert_eq!(field_names::<BTreeMap<String, u32>>(), None);
    }
}
