//! What a visitor sees.

use serde::{Deserialize, Serialize};

use crate::greeting::Greeting;

/// The count and the greeting of one visitor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    /// How often this visitor has viewed the page, this time included.
    pub views: u64,
    /// What the visitor is greeted with.
    pub greeting: Greeting,
}

impl View {
    /// The sentence of the page. Google's own tests of the tutorial look for "1 views", too.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { views, greeting } = self;
        format!("{views} views for \"{}\"", greeting.text())
    }
}
