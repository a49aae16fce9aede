//! `FIELD=VALUE`, checked with the type that the page reads.

use std::str::FromStr;

use app::visitor::Visitor;
use serde::Deserialize as _;
use serde_json::{Map, Value};
use sessions::admin::field_names;

/// A field of a session, and what it is to be.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    field: String,
    /// As the page would store it; `None` if the page stores no such field then.
    value: Option<Value>,
}

impl Assignment {
    /// Does this with the fields of a session.
    pub(super) fn apply(&self, fields: &mut Map<String, Value>) {
        match &self.value {
            Some(value) => fields.insert(self.field.clone(), value.clone()),
            None => fields.remove(&self.field),
        };
    }
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, value) = text.split_once('=').ok_or("it must be FIELD=VALUE")?;
        let value = serde_json::from_str(value).unwrap_or_else(|_no_json| Value::String(value.to_owned()));
        readable(field, value).map(|value| Self { field: field.to_owned(), value })
    }
}

/// Returns the value as the page would store it: if the page could not read it, the next view would fail or replace it.
fn readable(field: &str, value: Value) -> Result<Option<Value>, String> {
    let names = field_names::<Visitor>();
    if let Some(names) = names.filter(|names| !names.contains(&field)) {
        return Err(format!("a session has no field {field:?}, only {}", names.join(", ")));
    }
    let mut before = fields_of(&Visitor::default())?;
    let mut fields = before.clone();
    fields.insert(field.to_owned(), value);
    let visitor = Visitor::deserialize(&fields).map_err(|error| format!("the page could not read that: {error}"))?;
    let mut after = fields_of(&visitor)?;
    let written = after.remove(field);
    before.remove(field);
    // Else it's an alias, whose value is stored under the field's own name; or a type that does not name its fields, and
    // has none of this name.
    let is_stored_so = after == before && (written.is_some() || names.is_some());
    if is_stored_so { Ok(written) } else { Err("the page would not store that under this name".to_owned()) }
}

fn fields_of(visitor: &Visitor) -> Result<Map<String, Value>, String> {
    match serde_json::to_value(visitor) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(format!("{other} is no object")),
        Err(error) => Err(error.to_string()),
    }
}
