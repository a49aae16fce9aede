//! JSON for the browser: serde's data model, and as little code as can be. `serde_json` in its place is 21 kB of WASM.
//!
//! The text is parsed here rather than by the browser's `JSON.parse`, which turns every number into a double, so that
//! an integer over 2^53 would lose digits. An error says nothing about its cause: it would be the text of messages that
//! nobody ever sees.

mod read;
mod write;

use std::fmt;

pub(super) use self::{read::from_str, write::to_string};

/// The text is not the JSON of such a value, or the value can't be written as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed JSON")
    }
}

impl std::error::Error for Malformed {}

impl serde::ser::Error for Malformed {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

// Without these, serde's own would link the formatting of messages.
impl serde::de::Error for Malformed {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: serde::de::Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self
    }

    fn invalid_value(_: serde::de::Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self
    }

    fn invalid_length(_: usize, _: &dyn serde::de::Expected) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize, de::DeserializeOwned};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Everything {
        text: String,
        letter: char,
        large: u64,
        small: i64,
        real: f64,
        yes: bool,
        nothing: Option<u8>,
        something: Option<Vec<i8>>,
        pair: (u16, String),
        unit: (),
        names: BTreeMap<String, Shape>,
        numbers: BTreeMap<u32, bool>,
        nested: Vec<Vec<Wrapped>>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(u32);

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Shape {
        Point,
        Circle(f64),
        Line(i32, i32),
        Box { width: u8, height: Option<u8> },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Number { of: i64 },
        Text { of: String },
    }

    fn everything() -> Everything {
        Everything {
            text: "\"Grüße\" \\ \u{8}\u{c}\n\r\t\u{1} 🦀 / </script>".to_owned(),
            letter: '🦀',
            large: u64::MAX,
            small: i64::MIN,
            real: -0.1,
            yes: true,
            nothing: None,
            something: Some(vec![-1, 0, 127]),
            pair: (9, "two".to_owned()),
            unit: (),
            names: [
                ("a point".to_owned(), Shape::Point),
                ("\"".to_owned(), Shape::Circle(1.5)),
                ("line".to_owned(), Shape::Line(-3, 4)),
                ("box".to_owned(), Shape::Box { width: 1, height: None }),
            ]
            .into(),
            numbers: [(1, true), (2, false)].into(),
            nested: vec![vec![], vec![Wrapped(1), Wrapped(2)]],
        }
    }

    /// What is written here reads the same in `serde_json`, and the other way round.
    fn agrees<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T) {
        let written = to_string(value).expect("JSON");
        assert_eq!(&serde_json::from_str::<T>(&written).expect("JSON for serde_json"), value, "{written}");
        for text in [written, serde_json::to_string_pretty(value).expect("JSON")] {
            assert_eq!(&from_str::<T>(&text).expect("JSON"), value, "{text}");
        }
    }

    #[test]
    fn it_agrees_with_serde_json() {
        agrees(&everything());
        agrees(&vec![Some(everything()), None]);
        agrees(&vec![Tagged::Number { of: -5 }, Tagged::Text { of: "x".to_owned() }]);
        agrees(&Shape::Point);
        agrees(&());
        for number in [0.0, -1.0, 1e300, 5e-324, f64::MAX] {
            agrees(&number);
        }
    }

    #[test]
    fn a_number_that_is_none_is_null_as_in_serde_json() {
        assert_eq!(to_string(&f64::NAN).as_deref(), Ok("null"));
        assert_eq!(to_string(&f64::INFINITY).as_deref(), Ok("null"));
    }

    #[test]
    fn escapes_are_read() {
        let read = |text| from_str::<String>(text);
        assert_eq!(read(r#""\u0041\/\ud83e\udd80\b\f\n\r\t\"\\""#).as_deref(), Ok("A/🦀\u{8}\u{c}\n\r\t\"\\"));
        for bad in [r#""\ud83e""#, r#""\ud83ex""#, r#""\udd80""#, r#""\u00""#, r#""\x""#, r#""\"#, "\"\n\"", "\"open"] {
            assert_eq!(read(bad), Err(Malformed), "{bad}");
        }
    }

    #[test]
    fn fields_that_are_not_known_are_skipped_whatever_they_hold() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Known {
            known: u8,
        }
        let text = r#" { "a" : [ { "b" : "]}\"" } , null , -1.5e3 , true ] , "known" : 7 , "c" : { } , "d" : [ ] } "#;
        assert_eq!(from_str(text), Ok(Known { known: 7 }));
    }

    #[test]
    fn what_is_no_such_value_is_refused() {
        for bad in ["", " ", "nul", "nullx", "1", "[]", "{}", "<p>Sign in to this network", "{\"views\":1}", "\"x\""] {
            assert_eq!(from_str::<Everything>(bad), Err(Malformed), "{bad}");
        }
        for bad in ["256", "-1", "1.5", "1e2", "01", "+1", "\"1\"", "1 2", "1,", "--1", "99999999999999999999999"] {
            assert_eq!(from_str::<u8>(bad), Err(Malformed), "{bad}");
        }
        for bad in ["[1,]", "[,1]", "[1 2]", "[1", "[1}", "[1]]", "1"] {
            assert_eq!(from_str::<Vec<u8>>(bad), Err(Malformed), "{bad}");
        }
        for bad in [r#""cube""#, r#"{"circle":1,"point":null}"#, r#"{"circle"}"#, "{}", r#"{"line":[1]}"#, "1"] {
            assert_eq!(from_str::<Shape>(bad), Err(Malformed), "{bad}");
        }
    }
}
