//! The browser's side of the stored data: what other tabs do.

use std::cell::Cell;

use leptos::prelude::document;

use crate::{
    browser::spawn,
    server_fns::{ApiError, StoredField, stored_data},
    tabs,
};

thread_local! {
    /// How many requests were sent: of their responses, which may overtake one another, only the last one's counts.
    static SENT: Cell<u32> = const { Cell::new(0) };
}

/// Asks the server again whenever another tab has changed the session.
pub(super) fn start() {
    tabs::listen(|_new| {
        let number = SENT.get() + 1;
        SENT.set(number);
        spawn(async move {
            let result = stored_data().await;
            if SENT.get() == number {
                show(result);
            }
        });
    });
}

/// Shows the fields, or none after the end of the session, in the rows that the server has made: a field that the session
/// has got meanwhile has no row until the page is loaded again.
fn show(result: Result<Vec<StoredField>, ApiError>) {
    let element = |id| document().get_element_by_id(id);
    if let Some(message) = element("message") {
        message.set_text_content(Some(result.as_ref().err().map_or("", |error| error.message())));
    }
    let (Ok(fields), Ok(texts)) = (result, document().query_selector_all("#stored dt,#stored dd")) else { return };
    let set = |index, text: &str| {
        // A screen reader reads out what is set, though it be the same.
        if let Some(shown) = texts.get(index).filter(|shown| shown.text_content().as_deref() != Some(text)) {
            shown.set_text_content(Some(text));
        }
    };
    for row in 0..texts.length() / 2 {
        let (name, value) = fields.get(row as usize).map_or(("", ""), |field| (&field.name, &field.value));
        set(2 * row, name);
        set(2 * row + 1, value);
    }
}
