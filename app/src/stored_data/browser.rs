//! The browser's side of the stored data: the form, and what other tabs do.

use leptos::{leptos_dom::helpers::window_event_listener_untyped, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{Event, FormData, HtmlFormElement};

use super::{Stored, StoredField};
use crate::{
    counter::CounterView,
    greeting::Greeting,
    server_fns::{ApiError, Correction, correct, stored_data},
    tabs::{self, News},
};

pub(super) fn start(stored: Stored) {
    tabs::listen(move |_news| spawn_local(async move { stored.show(stored_data().await) }));

    window_event_listener_untyped("submit", move |submit: Event| {
        // A form that can't be read here is sent by the browser, and does the same.
        if let Some(correction) = submit.target().and_then(read) {
            submit.prevent_default();
            spawn_local(async move {
                let view = Greeting::pick(&correction.greeting)
                    .map(|greeting| CounterView { views: correction.views, greeting });
                let result = correct(correction).await;
                if let (Ok(_), Some(view)) = (&result, view) {
                    tabs::broadcast(&News::Corrected(view));
                }
                stored.show(result);
            });
        }
    });
}

fn read(form: web_sys::EventTarget) -> Option<Correction> {
    let form = form.dyn_into::<HtmlFormElement>().ok().filter(|form| form.id() == "correct")?;
    let data = FormData::new_with_form(&form).ok()?;
    let greeting = data.get("correction[greeting]").as_string()?;
    let views = data.get("correction[views]").as_string()?.parse().ok()?;
    Some(Correction { greeting, views })
}

impl Stored {
    fn show(self, result: Result<Vec<StoredField>, ApiError>) {
        self.message.set(result.as_ref().err().map_or("", |error| error.message()));
        if let Ok(fields) = result {
            self.fields.set(fields);
        }
    }
}
