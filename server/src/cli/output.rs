//! What commands print.

use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::Value;

/// A time in RFC 3339, UTC, to the microsecond: for scripts.
pub(crate) fn exact(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// The same to the second: for people.
pub(crate) fn to_the_second(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A stored value for a terminal: whatever it contains, it stays on its line and moves no cursor.
pub(crate) fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let visible = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(visible).collect()
}

/// A number of sessions in words.
pub(crate) fn sessions(count: u64) -> String {
    if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_in_utc() {
        let time = UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_001);
        assert_eq!(exact(time), "2027-01-15T08:00:00.000001Z");
        assert_eq!(to_the_second(time), "2027-01-15T08:00:00Z");
    }

    #[test]
    fn what_is_stored_moves_no_cursor() {
        assert_eq!(plain(&json!("Grüezi\n\u{1b}[2J")), "Grüezi\u{fffd}\u{fffd}[2J");
        assert_eq!(plain(&json!({"a": [1, null]})), r#"{"a":[1,null]}"#);
    }
}
