//! The browser's side of the stored data: the form, and what other tabs do.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{EventTarget, FormData, HtmlFormElement};

use super::StoredField;
use crate::{
    browser::{on_window, spawn},
    counter::CounterView,
    greeting::Greeting,
    server_fns::{ApiError, Correction, correct, stored_data},
    tabs::{self, News},
};

/// Listens to the form and to other tabs.
pub(super) fn start() {
    tabs::listen(|_news| spawn(update(None)));

    on_window("submit", |submit| {
        // A form that can't be read here is sent by the browser, and does the same.
        if let Some(correction) = submit.target().and_then(read) {
            submit.prevent_default();
            spawn(update(Some(correction)));
        }
    });
}

fn read(form: EventTarget) -> Option<Correction> {
    let form = form.dyn_into::<HtmlFormElement>().ok().filter(|form| form.id() == "correct")?;
    let data = FormData::new_with_form(&form).ok()?;
    let greeting = data.get("correction[greeting]").as_string()?;
    let views = data.get("correction[views]").as_string()?.parse().ok()?;
    Some(Correction { greeting, views })
}

/// Shows what is stored, after this correction if there is one.
async fn update(correction: Option<Correction>) {
    let Some(correction) = correction else { return show(stored_data().await) };
    let Correction { greeting, views } = correction.clone();
    let result = correct(correction).await;
    if let (Ok(_), Some(greeting)) = (&result, Greeting::stored(greeting)) {
        tabs::broadcast(&News::Corrected(CounterView { views, greeting }));
    }
    show(result);
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
