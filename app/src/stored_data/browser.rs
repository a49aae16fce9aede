//! The browser's side of the stored data: what other tabs do.

use std::{cell::Cell, rc::Rc};

use leptos::prelude::{document, window};

use super::StoredField;
use crate::{
    browser::spawn,
    server_fns::{ApiError, stored_data},
    tabs,
};

/// Asks the server again whenever another tab has changed the session. Of several responses the last request's counts.
pub(super) fn start() {
    let last = Rc::new(Cell::new(0_u32));
    tabs::listen(move |_new| {
        let (last, number) = (Rc::clone(&last), last.get() + 1);
        last.set(number);
        spawn(async move {
            let result = stored_data().await;
            if last.get() == number {
                show(result);
            }
        });
    });
}

fn show(result: Result<Vec<StoredField>, ApiError>) {
    let element = |id| document().get_element_by_id(id);
    if let Some(message) = element("message") {
        message.set_text_content(Some(result.as_ref().err().map_or("", |error| error.message())));
    }
    let (Ok(fields), Some(list)) = (result, element("stored")) else { return };
    let Ok(values) = list.query_selector_all("dd") else { return };
    if fields.is_empty() {
        list.set_text_content(None);
    } else if values.length() == 0 {
        // A new session, after the one before had ended here.
        _ = window().location().reload();
    }
    for (index, StoredField { value, .. }) in (0..).zip(fields) {
        // A screen reader reads out what is set, though it be the same.
        if let Some(shown) = values.get(index).filter(|shown| shown.text_content().as_ref() != Some(&value)) {
            shown.set_text_content(Some(&value));
        }
    }
}
