//! What the session of a visitor holds.

use serde::{Deserialize, Deserializer, Serialize};
use sessions::{
    Sessions, Settings,
    cookie::{CookieError, CookiePolicy},
    store::Store,
};

use crate::{counter_state::CounterView, greeting::Greeting};

/// A visitor's data: in Firestore, the fields `greeting` and `views` of the tutorial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    greeting: Greeting,
    #[serde(deserialize_with = "whole_number")]
    views: u64,
}

/// The name of the cookie. Apps on one host need different names.
const COOKIE: &str = "session_id";

/// Firestore's integers are signed.
const MOST_VIEWS: u64 = i64::MAX as u64;

impl Default for Visitor {
    /// A visitor who hasn't viewed anything yet, greeted by chance.
    fn default() -> Self {
        Self { greeting: Greeting::random(&mut rand::rng()), views: 0 }
    }
}

impl Visitor {
    /// The fields that `server sessions list` shows, in this order.
    pub const COLUMNS: [&str; 2] = ["views", "greeting"];

    /// The visitors' sessions in this store. People edit them in the console: a greeting or a count that can't be read
    /// any more is replaced by a new one.
    pub fn sessions(store: impl Store, settings: Settings) -> Sessions<Self> {
        Sessions::builder(store, Self::default).settings(settings).repair(["greeting", "views"]).build()
    }

    /// The cookie that holds the session's id. Other hosts can't set one whose name begins with `__Host-`.
    ///
    /// # Errors
    /// If browsers would refuse it.
    pub fn cookie(https_only: bool) -> Result<CookiePolicy, CookieError> {
        let name = if https_only { format!("__Host-{COOKIE}") } else { COOKIE.to_owned() };
        CookiePolicy::named(name).secure(https_only).build()
    }

    /// Counts a view.
    pub fn count_view(&mut self) {
        self.views = self.views.saturating_add(1).min(MOST_VIEWS);
    }

    /// Greets the visitor this way from now on.
    pub fn greet_with(&mut self, greeting: Greeting) {
        self.greeting = greeting;
    }

    /// Sets what is given, as the visitor says it should be.
    pub fn correct(&mut self, greeting: Option<Greeting>, views: Option<u64>) {
        if let Some(greeting) = greeting {
            self.greeting = greeting;
        }
        if let Some(views) = views {
            self.views = views.min(MOST_VIEWS);
        }
    }

    /// What the visitor is greeted with.
    #[must_use]
    pub fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// How many views were counted.
    #[must_use]
    pub fn views(&self) -> u64 {
        self.views
    }
}

impl From<Visitor> for CounterView {
    fn from(visitor: Visitor) -> Self {
        Self { views: visitor.views, greeting: visitor.greeting }
    }
}

/// A count that was edited by hand may be a floating-point number in the store: `5.0` is five.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_f64().filter(|real| real.fract() == 0.0 && (0.0..9e15).contains(real));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it's whole and within the range")]
    let whole = number.as_u64().or(whole.map(|real| real as u64));
    whole.ok_or_else(|| serde::de::Error::custom("views is not a whole number of 0 or more"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(json: Value) -> Option<Visitor> {
        serde_json::from_value(json).ok()
    }

    #[test]
    fn it_is_stored_as_the_tutorial_stores_it() {
        let visitor = read(json!({"greeting": "Hola Mundo", "views": 3})).expect("a visitor");
        let stored = serde_json::to_value(&visitor).expect("an object");
        assert_eq!((&stored["greeting"], &stored["views"]), (&json!("Hola Mundo"), &json!(3)));
    }

    #[test]
    fn a_count_edited_by_hand_is_read_if_it_is_one() {
        let views = |views: Value| read(json!({"greeting": "Moin", "views": views})).map(|visitor| visitor.views);
        assert_eq!(views(json!(7)), Some(7));
        assert_eq!(views(json!(7.0)), Some(7));
        for bad in [json!(-1), json!(1.5), json!("7"), json!(null), json!(1e300)] {
            assert_eq!(views(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn a_count_never_overflows() {
        let mut visitor = read(json!({"greeting": "Moin", "views": i64::MAX})).expect("a visitor");
        visitor.count_view();
        assert_eq!(visitor.views, MOST_VIEWS);
    }
}
