//! To JSON.

use std::fmt::{Display, Write as _};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::Malformed;

/// A value's JSON.
///
/// # Errors
/// If it has no JSON: a key is neither a string nor a number.
pub(in crate::protocol) fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, Malformed> {
    let mut text = String::new();
    value.serialize(Writer(&mut text))?;
    Ok(text)
}

struct Writer<'a>(&'a mut String);

impl<'a> Writer<'a> {
    fn plain(self, value: impl Display) -> Result<(), Malformed> {
        write!(self.0, "{value}").map_err(|_never| Malformed)
    }

    /// Opens a variant that holds something: `{"name":`
    fn variant(self, name: &str) -> &'a mut String {
        self.0.push('{');
        quote(self.0, name);
        self.0.push(':');
        self.0
    }

    #[expect(clippy::unnecessary_wraps, reason = "what the serializer's methods return")]
    fn items(text: &'a mut String, open: char, close: &'static str) -> Result<Items<'a>, Malformed> {
        text.push(open);
        Ok(Items { text, close, first: true })
    }
}

fn quote(to: &mut String, value: &str) {
    to.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => to.extend(['\\', letter]),
            '\0'..' ' => {
                to.push_str("\\u00");
                let digit = |code| char::from_digit(code, 16).unwrap_or('0');
                to.extend([digit(letter as u32 >> 4), digit(letter as u32 & 0xf)]);
            }
            _ => to.push(letter),
        }
    }
    to.push('"');
}

/// The number as the browser writes it. Rust's own has large tables.
#[cfg(target_arch = "wasm32")]
fn real(value: f64) -> String {
    js_sys::Number::from(value).to_string_with_radix(10).map_or_else(|_range| String::new(), String::from)
}

#[cfg(not(target_arch = "wasm32"))]
fn real(value: f64) -> String {
    format!("{value:?}")
}

macro_rules! integers {
    ($($method:ident $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<(), Malformed> {
            self.plain(value)
        })*
    };
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Malformed;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Items<'a>;
    type SerializeStruct = Items<'a>;
    type SerializeStructVariant = Items<'a>;

    integers!(
        serialize_bool bool, serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_u128 u128, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_i128 i128
    );

    fn serialize_f32(self, value: f32) -> Result<(), Malformed> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Malformed> {
        if value.is_finite() {
            self.0.push_str(&real(value));
            return Ok(());
        }
        self.serialize_unit()
    }

    fn serialize_char(self, value: char) -> Result<(), Malformed> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Malformed> {
        quote(self.0, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Malformed> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), Malformed> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Malformed> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Malformed> {
        self.0.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Malformed> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Malformed> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Malformed> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Malformed> {
        let text = self.variant(variant);
        value.serialize(Writer(&mut *text))?;
        text.push('}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, Malformed> {
        Self::items(self.0, '[', "]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'a>, Malformed> {
        Self::items(self.0, '[', "]")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'a>, Malformed> {
        Self::items(self.0, '[', "]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'a>, Malformed> {
        Self::items(self.variant(variant), '[', "]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'a>, Malformed> {
        Self::items(self.0, '{', "}")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items<'a>, Malformed> {
        Self::items(self.0, '{', "}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'a>, Malformed> {
        Self::items(self.variant(variant), '{', "}}")
    }
}

/// The items of a list, or the fields of an object, as far as they are written.
struct Items<'a> {
    text: &'a mut String,
    close: &'static str,
    first: bool,
}

impl Items<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.text.push(',');
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Malformed> {
        self.separate();
        value.serialize(Writer(self.text))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Malformed> {
        self.separate();
        quote(self.text, name);
        self.text.push(':');
        value.serialize(Writer(self.text))
    }

    fn close(self) {
        self.text.push_str(self.close);
    }
}

macro_rules! items {
    ($($trait:ident $method:ident),*) => {
        $(impl $trait for Items<'_> {
            type Ok = ();
            type Error = Malformed;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Malformed> {
                self.item(value)
            }

            fn end(self) -> Result<(), Malformed> {
                self.close();
                Ok(())
            }
        })*
    };
}

items!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl $trait for Items<'_> {
            type Ok = ();
            type Error = Malformed;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Malformed> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Malformed> {
                self.close();
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Items<'_> {
    type Ok = ();
    type Error = Malformed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Malformed> {
        let key = to_string(key)?;
        self.separate();
        match key.as_bytes() {
            [b'"', ..] => self.text.push_str(&key),
            [b'-' | b'0'..=b'9' | b't' | b'f', ..] => quote(self.text, &key),
            _ => return Err(Malformed),
        }
        self.text.push(':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Malformed> {
        value.serialize(Writer(self.text))
    }

    fn end(self) -> Result<(), Malformed> {
        self.close();
        Ok(())
    }
}
