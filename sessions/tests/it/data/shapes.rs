//! Values of every shape that serde has.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::{
    collection::{btree_map, hash_map, hash_set, vec},
    option,
    prelude::*,
};
use serde::{Deserialize, Serialize};

use super::survive;

/// A number that is equal to one of the same bits only.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Bits(f64);

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

/// The same of half the size.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct ShortBits(f32);

impl PartialEq for ShortBits {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(super) fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum External {
    Unit,
    New(u64),
    Tuple(i8, Bits),
    Struct { a: Option<u32>, b: Vec<Vec<i64>> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Internal {
    Numbered {
        n: u64,
        r: Bits,
    },
    Named {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    Unit,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Unit,
    New(Vec<u8>),
    Struct { x: Bits, y: i64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Negative(i64),
    Real(Bits),
    Text(String),
    List(Vec<i64>),
    Named { name: String, number: Option<u64> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Plain {
    #[serde(default, skip_serializing_if = "is_zero")]
    credits: u32,
    #[serde(rename = "größe", alias = "size")]
    size: i64,
    nonce: u64,
    small: (i8, i16, u8, u16, i32, u32),
    real: Bits,
    short: ShortBits,
    pairs: Vec<(String, u32)>,
    nested: Vec<Vec<Vec<i32>>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    map: BTreeMap<String, Untagged>,
    by_number: HashMap<i16, bool>,
    set: HashSet<u32>,
    bytes: Vec<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maybe: Option<External>,
    enums: (External, Internal, Adjacent, Untagged),
    unit: (),
    letter: Option<char>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    a: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    b: Vec<Bits>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct More {
    n: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    a: u8,
    inner: Option<Bits>,
    #[serde(flatten)]
    more: More,
    #[serde(flatten)]
    rest: BTreeMap<String, Untagged>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Root {
    Guest { greeting: String, views: u64 },
    User(BTreeMap<String, i64>),
    List(Vec<Bits>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum UntaggedRoot {
    Numbered { a: u64 },
    Named { b: String, c: Option<Bits> },
}

fn real() -> impl Strategy<Value = Bits> {
    let special = prop_oneof![Just(-0.0), Just(0.0), Just(1.0), Just(5e-324), Just(f64::MAX), Just(0.1), Just(1e23)];
    prop_oneof![any::<u64>().prop_map(f64::from_bits), special, -1e6..1e6]
        .prop_filter("finite", |n| n.is_finite())
        .prop_map(Bits)
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), Just(u64::MAX), Just(1 << 63), Just(i64::MAX as u64), 0..10_u64]
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -9..9_i64]
}

/// Names that some store or format has a meaning for. None of them begins with a capital, as the names of fields here.
fn name() -> impl Strategy<Value = String> {
    let special = prop_oneof![
        Just(""),
        Just("__x__"),
        Just("__"),
        Just("$"),
        Just("$u64"),
        Just("$list"),
        Just("%"),
        Just("%24"),
        Just("."),
        Just("a.b"),
        Just("`"),
        Just("\\"),
        Just("\""),
        Just("'"),
        Just("[0]"),
        Just("*"),
        Just("ä ö 名前 🌍"),
        Just("\u{0}"),
        Just("\n"),
        Just("_session_"),
        Just("null"),
    ];
    prop_oneof![2 => special.prop_map(str::to_owned), 1 => "[A-Z$_.%]{1,6}", 1 => "\\PC{1,12}".prop_map(|name| format!("~{name}"))]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![2 => ".{0,12}", 1 => name()]
}

fn external() -> impl Strategy<Value = External> {
    let lists = vec(vec(integer(), 0..3), 0..3);
    prop_oneof![
        Just(External::Unit),
        number().prop_map(External::New),
        (any::<i8>(), real()).prop_map(|(n, real)| External::Tuple(n, real)),
        (any::<Option<u32>>(), lists).prop_map(|(a, b)| External::Struct { a, b }),
    ]
}

fn internal() -> impl Strategy<Value = Internal> {
    prop_oneof![
        (number(), real()).prop_map(|(n, r)| Internal::Numbered { n, r }),
        (text(), option::of(text())).prop_map(|(name, title)| Internal::Named { name, title }),
        Just(Internal::Unit),
    ]
}

fn adjacent() -> impl Strategy<Value = Adjacent> {
    prop_oneof![
        Just(Adjacent::Unit),
        vec(any::<u8>(), 0..9).prop_map(Adjacent::New),
        (real(), integer()).prop_map(|(x, y)| Adjacent::Struct { x, y }),
    ]
}

fn untagged() -> impl Strategy<Value = Untagged> {
    prop_oneof![
        number().prop_map(Untagged::Number),
        (i64::MIN..0).prop_map(Untagged::Negative),
        real().prop_map(Untagged::Real),
        text().prop_map(Untagged::Text),
        vec(integer(), 0..4).prop_map(Untagged::List),
        (text(), option::of(number())).prop_map(|(name, number)| Untagged::Named { name, number }),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    let numbers = (prop_oneof![Just(0), any::<u32>()], integer(), number(), any::<(i8, i16, u8, u16, i32, u32)>());
    let short = any::<f32>().prop_filter("finite", |n| n.is_finite()).prop_map(ShortBits);
    let lists = (
        vec((text(), any::<u32>()), 0..3),
        vec(vec(vec(any::<i32>(), 0..3), 0..3), 0..3),
        btree_map(name(), untagged(), 0..4),
        hash_map(any::<i16>(), any::<bool>(), 0..3),
        hash_set(any::<u32>(), 0..9),
        vec(any::<u8>(), 0..9),
    );
    let enums = (external(), internal(), adjacent(), untagged());
    let rest = (option::of(external()), enums, any::<Option<char>>());
    (numbers, real(), short, lists, rest).prop_map(|(numbers, real, short, lists, rest)| {
        let (credits, size, nonce, small) = numbers;
        let (pairs, nested, map, by_number, set, bytes) = lists;
        let (maybe, enums, letter) = rest;
        Plain {
            credits,
            size,
            nonce,
            small,
            real,
            short,
            pairs,
            nested,
            map,
            by_number,
            set,
            bytes,
            maybe,
            enums,
            unit: (),
            letter,
        }
    })
}

#[test]
fn a_struct_with_a_field_of_each_shape() {
    survive(plain());
}

#[test]
fn a_struct_that_denies_unknown_fields() {
    survive((option::of(number()), vec(real(), 0..3)).prop_map(|(a, b)| Strict { a, b }));
}

#[test]
fn a_struct_with_flattened_fields() {
    let more = (number(), option::of(text())).prop_map(|(n, title)| More { n, title });
    let parts = (any::<u8>(), option::of(real()), more, btree_map(name(), untagged(), 0..4));
    survive(parts.prop_map(|(a, inner, more, rest)| Flat { a, inner, more, rest }));
}

#[test]
fn an_enum() {
    survive(prop_oneof![
        (text(), number()).prop_map(|(greeting, views)| Root::Guest { greeting, views }),
        btree_map(name(), integer(), 0..4).prop_map(Root::User),
        vec(real(), 0..4).prop_map(Root::List),
    ]);
}

#[test]
fn an_enum_with_a_tag() {
    survive(internal());
    survive(adjacent());
}

#[test]
fn an_enum_without_a_tag() {
    survive(prop_oneof![
        number().prop_map(|a| UntaggedRoot::Numbered { a }),
        (text(), option::of(real())).prop_map(|(b, c)| UntaggedRoot::Named { b, c }),
    ]);
}

#[test]
fn a_map() {
    survive(btree_map(name(), real(), 0..5));
    survive(btree_map(name(), plain_json(), 0..5));
}

/// Any JSON.
fn plain_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        number().prop_map(Into::into),
        integer().prop_map(Into::into),
        text().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            vec((name(), inner), 0..4).prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}
