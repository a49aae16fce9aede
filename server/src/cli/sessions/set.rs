//! `set`: a change of what a session holds.

use std::{str::FromStr, time::SystemTime};

use app::visitor::Visitor;
use serde::Deserialize as _;
use serde_json::{Map, Value};
use sessions::admin::State;

use super::{
    Sessions,
    args::SetArgs,
    show::{missing, print},
};
use crate::cli::exit::Failure;

/// `FIELD=VALUE`
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    field: String,
    value: Value,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, value) = text.split_once('=').ok_or("it must be FIELD=VALUE")?;
        let value = serde_json::from_str(value).unwrap_or_else(|_no_json| Value::String(value.to_owned()));
        readable(field, value).map(|value| Self { field: field.to_owned(), value })
    }
}

pub(super) async fn run(args: &SetArgs) -> Result<(), Failure> {
    let key = args.id.key()?;
    let sessions = Sessions::open(&args.store)?;
    let changed = sessions.admin.update(&key, |data| {
        data.extend(args.fields.iter().map(|Assignment { field, value }| (field.clone(), value.clone())));
        Ok(())
    });
    match changed.await.map_err(sessions.failed())? {
        // A session that was rotated has another key than the one that was asked for.
        Some((key, record)) => print(&key, &record, args.json),
        None => Err(match sessions.admin.get(&key).await.map_err(sessions.failed())? {
            Some(record) if State::of(&record, SystemTime::now()) == State::Replaced => Failure::new(format!(
                "the session {key} was replaced by one with another id, which it does not lead to, or which has ended"
            )),
            Some(_) => Failure::new(format!("the session {key} has expired: no visitor would see the change")),
            None => missing(&key),
        }),
    }
}

/// Returns the value as the page would store it. The page would replace a value that it can't read at the next view.
fn readable(field: &str, value: Value) -> Result<Value, String> {
    let mut fields = fields_of(&Visitor::default())?;
    if !fields.contains_key(field) {
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        return Err(format!("a session has no field {field:?}, only {}", names.join(", ")));
    }
    fields.insert(field.to_owned(), value);
    let visitor = Visitor::deserialize(&fields).map_err(|error| format!("the page could not read that: {error}"))?;
    fields_of(&visitor)?.remove(field).ok_or_else(|| "the page would not store that".to_owned())
}

fn fields_of(visitor: &Visitor) -> Result<Map<String, Value>, String> {
    match serde_json::to_value(visitor) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(format!("{other} is no object")),
        Err(error) => Err(error.to_string()),
    }
}
