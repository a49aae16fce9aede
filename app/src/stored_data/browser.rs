//! The browser's side of the stored data: what other tabs do.

use leptos::prelude::document;

use super::StoredField;
use crate::{
    browser::spawn,
    server_fns::{ApiError, stored_data},
    tabs,
};

/// Asks the server again whenever another tab has changed the session.
pub(super) fn start() {
    tabs::listen(|_new| spawn(async { show(stored_data().await) }));
}

fn show(result: Result<Vec<StoredField>, ApiError>) {
    let element = |id| document().get_element_by_id(id);
    if let Some(message) = element("message") {
        message.set_text_content(Some(result.as_ref().err().map_or("", |error| error.message())));
    }
    let (Ok(fields), Some(list)) = (result, element("stored")) else { return };
    if fields.is_empty() {
        list.set_text_content(None);
    }
    let Ok(values) = list.query_selector_all("dd") else { return };
    for (index, StoredField { value, .. }) in (0..).zip(fields) {
        if let Some(shown) = values.get(index) {
            shown.set_text_content(Some(&value));
        }
    }
}
