//! A value as fields, checked while it's made.
//!
//! `serde_json` would write infinity as `null` and a name twice as once; here whatever would not come back is an error
//! that says where it is.

use std::cell::Cell;

use serde::{Serialize, ser};
use serde_json::{Number, Value};

use super::{DEPTH, DataError, DataProblem, Fields, PATH_LENGTH};
use crate::record::RESERVED_FIELDS;

/// The fields of a value. `max_size` is in bytes.
pub(crate) fn fields_of<T: Serialize>(value: &T, max_size: usize) -> Result<Fields, DataError> {
    let size = Size { left: Cell::new(max_size), max: max_size };
    let encoder = Encoder { size: &size, path: 0, depth: 0, in_list: false };
    match value.serialize(encoder)? {
        Value::Object(fields) => match RESERVED_FIELDS.into_iter().find(|name| fields.contains_key(*name)) {
            None => Ok(fields),
            Some(name) => Err(DataError::new(DataProblem::ReservedName).within(name)),
        },
        _ => Err(DataProblem::NotAnObject.into()),
    }
}

/// The same checks for fields that are JSON already.
pub(crate) fn check_fields(fields: &Fields, max_size: usize) -> Result<(), DataError> {
    fields_of(fields, max_size).map(drop)
}

/// What is left of the limit on the bytes of all names and values: text by its length and one more, all else by 8, a list
/// or map without what is in it, too.
struct Size {
    left: Cell<usize>,
    max: usize,
}

impl Size {
    fn take(&self, bytes: usize) -> Result<(), DataError> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(DataProblem::TooLarge(self.max).into()),
        }
    }
}

/// Makes one value.
#[derive(Clone, Copy)]
struct Encoder<'a> {
    size: &'a Size,
    /// How many bytes the path to the value has, counted as [`PATH_LENGTH`] says.
    path: usize,
    /// How many levels of lists and maps are around the value, inside its field.
    depth: usize,
    /// Whether it's directly in a list.
    in_list: bool,
}

impl<'a> Encoder<'a> {
    fn scalar(self, value: Value) -> Result<Value, DataError> {
        self.size.take(8)?;
        Ok(value)
    }

    fn float(self, value: f64) -> Result<Value, DataError> {
        let number = Number::from_f64(value).ok_or(DataProblem::NotFinite)?;
        self.scalar(Value::Number(number))
    }

    /// The encoder of the items of a list here.
    fn items(self) -> Result<Self, DataError> {
        let list = if self.in_list { self.in_map_of_store()? } else { self };
        list.deeper(true)
    }

    /// The encoder of the value of this name.
    fn named(self, name: &str) -> Result<Self, DataError> {
        let escaped = name.bytes().filter(|byte| matches!(byte, b'`' | b'\\')).count();
        let path = self.path + name.len() + escaped + 4;
        if path > PATH_LENGTH {
            return Err(DataProblem::PathTooLong(PATH_LENGTH).into());
        }
        Ok(Self { path, ..self })
    }

    /// The encoder of what Firestore can't hold as it is, which its store keeps in a map of one name.
    fn in_map_of_store(self) -> Result<Self, DataError> {
        self.deeper(false)?.named("$integer")
    }

    fn deeper(self, in_list: bool) -> Result<Self, DataError> {
        let depth = self.depth + 1;
        // The root adds one to what its fields have inside.
        if depth > DEPTH + 1 {
            return Err(DataProblem::TooDeep(DEPTH).into());
        }
        Ok(Self { depth, in_list, ..self })
    }

    fn map(self) -> Result<Map<'a>, DataError> {
        // The outermost one is the session itself.
        self.size.take(if self.depth == 0 { 0 } else { 8 })?;
        let values = self.deeper(false)?;
        Ok(Map { values, fields: Fields::new(), key: None, variant: None })
    }

    fn list(self, length: Option<usize>) -> Result<List<'a>, DataError> {
        self.size.take(8)?;
        // The length is the type's word, which may be wrong.
        let values = Vec::with_capacity(length.unwrap_or(0).min(64));
        Ok(List { items: self.items()?, values, variant: None })
    }

    /// The encoder of what is in a variant that has data: a map of one name.
    fn variant(self, name: &'static str) -> Result<Self, DataError> {
        self.size.take(name.len() + 1)?;
        self.named(name)?.deeper(false)
    }
}

fn single(name: &'static str, value: Value) -> Value {
    Value::Object(std::iter::once((name.to_owned(), value)).collect())
}

impl<'a> ser::Serializer for Encoder<'a> {
    type Ok = Value;
    type Error = DataError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Map<'a>;
    type SerializeStruct = Map<'a>;
    type SerializeStructVariant = Map<'a>;

    fn serialize_bool(self, value: bool) -> Result<Value, DataError> {
        self.scalar(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value, DataError> {
        self.scalar(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Value, DataError> {
        self.scalar(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, DataError> {
        self.scalar(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, DataError> {
        self.scalar(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result<Value, DataError> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_too_large) => self.serialize_u64(u64::try_from(value).map_err(|_| DataProblem::NumberTooLarge)?),
        }
    }

    fn serialize_u8(self, value: u8) -> Result<Value, DataError> {
        self.scalar(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Value, DataError> {
        self.scalar(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Value, DataError> {
        self.scalar(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Value, DataError> {
        if i64::try_from(value).is_err() {
            self.in_map_of_store()?;
        }
        self.scalar(value.into())
    }

    fn serialize_u128(self, value: u128) -> Result<Value, DataError> {
        self.serialize_u64(u64::try_from(value).map_err(|_too_large| DataProblem::NumberTooLarge)?)
    }

    fn serialize_f32(self, value: f32) -> Result<Value, DataError> {
        self.float(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Value, DataError> {
        self.float(value)
    }

    fn serialize_char(self, value: char) -> Result<Value, DataError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<Value, DataError> {
        self.size.take(value.len() + 1)?;
        Ok(Value::String(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, DataError> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<Value, DataError> {
        self.scalar(Value::Null)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Value, DataError> {
        match value.serialize(self)? {
            Value::Null => Err(DataProblem::NullInSome.into()),
            value => Ok(value),
        }
    }

    fn serialize_unit(self) -> Result<Value, DataError> {
        self.scalar(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, DataError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, DataError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Result<Value, DataError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, DataError> {
        let value = value.serialize(self.variant(variant)?).map_err(|error| error.within(variant))?;
        Ok(single(variant, value))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List<'a>, DataError> {
        self.list(length)
    }

    fn serialize_tuple(self, length: usize) -> Result<List<'a>, DataError> {
        self.list(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<List<'a>, DataError> {
        self.list(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<List<'a>, DataError> {
        Ok(List { variant: Some(variant), ..self.variant(variant)?.list(Some(length))? })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Map<'a>, DataError> {
        self.map()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Map<'a>, DataError> {
        self.map()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Map<'a>, DataError> {
        Ok(Map { variant: Some(variant), ..self.variant(variant)?.map()? })
    }
}

/// A list, or the data of a tuple variant.
struct List<'a> {
    items: Encoder<'a>,
    values: Vec<Value>,
    variant: Option<&'static str>,
}

impl List<'_> {
    fn push<T: ?Sized + Serialize>(&mut self, item: &T) -> Result<(), DataError> {
        let value = item.serialize(self.items).map_err(|error| {
            let error = error.within_item(self.values.len());
            self.variant.map_or(error.clone(), |variant| error.within(variant))
        })?;
        self.values.push(value);
        Ok(())
    }

    fn finish(self) -> Value {
        let list = Value::Array(self.values);
        match self.variant {
            None => list,
            Some(variant) => single(variant, list),
        }
    }
}

impl ser::SerializeSeq for List<'_> {
    type Ok = Value;
    type Error = DataError;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), DataError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, DataError> {
        Ok(self.finish())
    }
}

impl ser::SerializeTuple for List<'_> {
    type Ok = Value;
    type Error = DataError;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), DataError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, DataError> {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleStruct for List<'_> {
    type Ok = Value;
    type Error = DataError;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), DataError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, DataError> {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleVariant for List<'_> {
    type Ok = Value;
    type Error = DataError;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), DataError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, DataError> {
        Ok(self.finish())
    }
}

/// A map or a struct, or the data of a struct variant.
struct Map<'a> {
    values: Encoder<'a>,
    fields: Fields,
    key: Option<String>,
    variant: Option<&'static str>,
}

impl Map<'_> {
    fn insert<T: ?Sized + Serialize>(&mut self, name: String, value: &T) -> Result<(), DataError> {
        let made = self.make(&name, value);
        let value = made.map_err(|error| {
            let error = error.within(&name);
            self.variant.map_or(error.clone(), |variant| error.within(variant))
        })?;
        self.fields.insert(name, value);
        Ok(())
    }

    fn make<T: ?Sized + Serialize>(&self, name: &str, value: &T) -> Result<Value, DataError> {
        let values = self.values.named(name)?;
        if self.fields.contains_key(name) {
            return Err(DataProblem::DuplicateName.into());
        }
        values.size.take(name.len() + 1)?;
        value.serialize(values)
    }

    fn finish(self) -> Value {
        let fields = Value::Object(self.fields);
        match self.variant {
            None => fields,
            Some(variant) => single(variant, fields),
        }
    }
}

impl ser::SerializeMap for Map<'_> {
    type Ok = Value;
    type Error = DataError;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), DataError> {
        // As `serde_json` writes and reads the keys of its maps.
        self.key = Some(match serde_json::to_value(key) {
            Ok(Value::String(text)) => text,
            Ok(Value::Number(number)) => number.to_string(),
            Ok(Value::Bool(value)) => value.to_string(),
            _ => return Err(DataProblem::KeyNotText.into()),
        });
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), DataError> {
        let name = self.key.take().ok_or_else(|| <DataError as ser::Error>::custom("a value without a key"))?;
        self.insert(name, value)
    }

    fn end(self) -> Result<Value, DataError> {
        Ok(self.finish())
    }
}

impl ser::SerializeStruct for Map<'_> {
    type Ok = Value;
    type Error = DataError;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), DataError> {
        self.insert(name.to_owned(), value)
    }

    fn end(self) -> Result<Value, DataError> {
        Ok(self.finish())
    }
}

impl ser::SerializeStructVariant for Map<'_> {
    type Ok = Value;
    type Error = DataError;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), DataError> {
        self.insert(name.to_owned(), value)
    }

    fn end(self) -> Result<Value, DataError> {
        Ok(self.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use serde_json::json;

    use super::*;

    const LIMIT: usize = 1000;

    #[derive(Serialize)]
    enum Variants {
        Unit,
        New(u8),
        Tuple(u8, f32),
        Struct { a: Option<u8>, b: () },
    }

    #[derive(Serialize)]
    struct Everything {
        variants: Vec<Variants>,
        numbers: (i8, u64, f64, char),
        map: BTreeMap<u8, bool>,
        flags: BTreeMap<bool, u8>,
    }

    #[test]
    fn it_writes_what_serde_json_writes() {
        let value = Everything {
            variants: vec![
                Variants::Unit,
                Variants::New(1),
                Variants::Tuple(2, 0.1),
                Variants::Struct { a: Some(3), b: () },
                Variants::Struct { a: None, b: () },
            ],
            numbers: (-1, u64::MAX, -0.0, '\u{1F30D}'),
            map: [(1, true)].into(),
            flags: [(true, 1)].into(),
        };
        let expected = serde_json::to_value(&value).expect("JSON");
        assert_eq!(fields_of(&value, LIMIT).map(Value::Object), Ok(expected));
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inside, _| json!({ "a": inside }))
    }

    fn refusal(value: &impl Serialize) -> String {
        fields_of(value, LIMIT).expect_err("it can't be kept").to_string()
    }

    #[test]
    fn what_would_not_come_back_is_refused_with_its_path() {
        #[derive(Serialize)]
        struct Flat {
            a: u8,
            #[serde(flatten)]
            rest: BTreeMap<String, u8>,
        }
        let in_map = |value: f64| HashMap::from([("x y", vec![1.0, value])]);
        assert_eq!(refusal(&in_map(f64::NAN)), "`[\"x y\"][1]` is not a finite number");
        assert_eq!(refusal(&in_map(f64::INFINITY)), "`[\"x y\"][1]` is not a finite number");
        assert_eq!(
            refusal(&json!({"items": {"tea": nested(20)}})).split('`').nth(2),
            Some(" is more than 20 levels deep")
        );
        assert_eq!(refusal(&BTreeMap::from([("a", Some(None::<u8>))])), "`a` is a Some that would come back as None");
        assert_eq!(refusal(&BTreeMap::from([("a", u128::MAX)])), "`a` is a number of more than 64 bits");
        assert_eq!(refusal(&BTreeMap::from([("a", i128::MIN)])), "`a` is a number of more than 64 bits");
        assert_eq!(refusal(&Flat { a: 1, rest: [("a".to_owned(), 2)].into() }), "`a` is there twice");
        assert_eq!(
            refusal(&BTreeMap::from([(vec![1], 2)])),
            "the data has a key that is not text, a number or a boolean"
        );
        assert_eq!(refusal(&json!({"_session": 1})), "`_session` is a name that is reserved");
        assert_eq!(refusal(&json!([1])), "the data is not an object with named fields");
        assert_eq!(refusal(&3), "the data is not an object with named fields");
        let variant = BTreeMap::from([("a", Variants::Tuple(1, f32::NAN))]);
        assert_eq!(refusal(&variant), "`a.Tuple[1]` is not a finite number");
    }

    #[test]
    fn the_limits_are_sharp() {
        let field =
            |value: Value| fields_of(&json!({ "a": value }), LIMIT).map(drop).map_err(|error| error.problem().clone());
        assert_eq!(field(nested(20)), Ok(()));
        assert_eq!(field(nested(21)), Err(DataProblem::TooDeep(20)));
        let large = |levels| (1..levels).fold(json!({"a": u64::MAX}), |inside, _| json!({ "a": inside }));
        assert_eq!((field(large(19)), field(large(20))), (Ok(()), Err(DataProblem::TooDeep(20))));
        let lists = |levels| (0..levels).fold(json!(1), |inside, _| json!([inside]));
        assert_eq!(field(lists(10)), Ok(()), "the outer list is one level, each of the nine others two");
        assert_eq!(field(lists(11)), Err(DataProblem::TooDeep(20)));
        assert_eq!(field(json!("x".repeat(LIMIT - 3))), Ok(()), "and the name, and one byte for each");
        assert_eq!(field(json!("x".repeat(LIMIT - 2))), Err(DataProblem::TooLarge(LIMIT)));
        let names = |first: usize, value: Value| {
            let fields = json!({ "n".repeat(first): { "m": value } });
            fields_of(&fields, 2 * PATH_LENGTH).map(drop).map_err(|error| error.problem().clone())
        };
        let too_long = Err(DataProblem::PathTooLong(PATH_LENGTH));
        assert_eq!((names(1491, json!(1)), names(1492, json!(1))), (Ok(()), too_long.clone()));
        assert_eq!((names(1479, json!(u64::MAX)), names(1480, json!(u64::MAX))), (Ok(()), too_long.clone()));
        assert_eq!((names(1479, json!([[1]])), names(1480, json!([[1]]))), (Ok(()), too_long));
        assert_eq!(
            refusal(&json!({"a": 1, "b": {"c": "x".repeat(LIMIT)}})),
            "`b.c` is beyond the limit of 1000 bytes for all data of a session"
        );
    }
}
