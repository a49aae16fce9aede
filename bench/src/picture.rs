//! The figures as a picture.

use svg::Document;

use crate::figures::Report;

/// Draws it.
pub(crate) fn svg(_report: &Report) -> Document {
    Document::new()
}
