//! What the session of a visitor holds.

use serde::{Deserialize, Serialize};
use sessions::{
    Sessions, Settings,
    cookie::{CookieError, CookiePolicy},
    store::Store,
};

/// A visitor's data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// How many views were counted.
    pub views: u64,
}

/// The name of the cookie. Apps on one host need different names.
const COOKIE: &str = "session_id";

impl Visitor {
    /// The fields that `server sessions list` shows, in this order.
    pub const COLUMNS: [&str; 1] = ["views"];

    /// The visitors' sessions in this store.
    pub fn sessions(store: impl Store, settings: Settings) -> Sessions<Self> {
        Sessions::builder(store, Self::default).settings(settings).build()
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
        self.views = self.views.saturating_add(1);
    }
}
