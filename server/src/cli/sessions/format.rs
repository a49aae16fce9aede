//! How sessions are printed. The value of the cookie is not part of it: only the visitor's browser has that.

use std::{collections::BTreeMap, time::SystemTime};

use app::visitor::Visitor;
use serde::Serialize;
use serde_json::{Map, Value};
use sessions::{Record, SessionKey, admin::State};

use crate::cli::output::{exact, plain, to_the_second};

/// A session for scripts: a JSON object.
#[derive(Serialize)]
pub(super) struct SessionJson<'a> {
    id: String,
    state: &'static str,
    created_at: Option<String>,
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    successor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    data: &'a Map<String, Value>,
    /// Fields that the store could not read, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    damaged: BTreeMap<&'a str, &'a str>,
}

impl<'a> SessionJson<'a> {
    pub(super) fn new(key: &SessionKey, record: &'a Record, now: SystemTime) -> Self {
        Self {
            id: key.to_string(),
            state: state(record, now),
            created_at: record.created_at.map(exact),
            expires_at: record.expires_at.map(exact),
            successor: record.meta.moved_to().map(|key| key.to_string()),
            user: record.meta.user(),
            data: &record.data,
            damaged: record.damaged.iter().map(|(name, field)| (&**name, &*field.reason)).collect(),
        }
    }

    pub(super) fn json(&self) -> String {
        // Keys are strings and every value is valid JSON, so this can't fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The names of a table's columns, as its first line.
pub(super) fn headings() -> String {
    line("ID", "STATE", ["CREATED".to_owned(), "EXPIRES".to_owned()], &Visitor::COLUMNS.map(str::to_uppercase))
}

/// A line of a table. The id is complete, so that it can be copied; the last cell has any width.
fn line(id: &str, state: &str, times: [String; 2], data: &[String; Visitor::COLUMNS.len()]) -> String {
    let [created, expires] = times;
    let last = data.len().saturating_sub(1);
    let data = data.iter().enumerate().map(|(n, cell)| if n == last { cell.clone() } else { format!("{cell:>8}") });
    let data: Vec<_> = data.collect();
    format!("{id:<64}  {state:<8}  {created:<20}  {expires:<20}  {}", data.join("  "))
}

/// A session as a line of a table.
pub(super) fn row(key: &SessionKey, record: &Record, now: SystemTime) -> String {
    let field = |name| record.data.get(name).map_or_else(nothing, plain);
    let times = [record.created_at, record.expires_at].map(|time| time.map_or_else(nothing, to_the_second));
    line(&key.to_string(), state(record, now), times, &Visitor::COLUMNS.map(field))
}

/// A session as lines of a name and a value each.
pub(super) fn lines(key: &SessionKey, record: &Record, now: SystemTime) -> Vec<String> {
    let mut fields = vec![
        ("id", key.to_string()),
        ("state", state(record, now).to_owned()),
        ("created", record.created_at.map_or_else(nothing, to_the_second)),
        ("expires", record.expires_at.map_or_else(nothing, to_the_second)),
    ];
    fields.extend(record.meta.user().map(|user| ("user", plain(&Value::String(user.to_owned())))));
    fields.extend(record.meta.moved_to().map(|successor| ("now is", successor.to_string())));
    let mut lines: Vec<_> = fields.into_iter().map(|(name, value)| format!("{name:<10}  {value}")).collect();
    lines.extend(
        record
            .data
            .iter()
            .map(|(name, value)| format!("{:<10}  {}", plain(&Value::String(name.clone())), plain(value))),
    );
    lines.extend(record.damaged.iter().map(|(name, field)| {
        let (name, reason) = (plain(&Value::String(name.clone())), plain(&Value::String(field.reason.clone())));
        format!("{name:<10}  can't be read: {reason}")
    }));
    lines
}

fn state(record: &Record, now: SystemTime) -> &'static str {
    match State::of(record, now) {
        State::Live => "live",
        State::Replaced => "replaced",
        State::Expired => "expired",
        _ => "unknown",
    }
}

fn nothing() -> String {
    "-".to_owned()
}
