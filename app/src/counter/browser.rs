//! The browser's side of the counter: clicks on the forms beside it, other tabs, and when the page comes into view.

use js_sys::Reflect;
use leptos::prelude::{WithUntracked, document};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Element, Event, HtmlElement, PageTransitionEvent};

use super::controller::{Action, Controller};
use crate::{browser::on_window, counter_state::CounterState, tabs};

pub(super) use crate::{browser::spawn, tabs::broadcast};

/// Does what the button in a form does, if it was on one that the visitor clicked.
fn on_click(controller: Controller, click: &Event) -> Option<()> {
    let button = click.target()?.dyn_into::<Element>().ok()?.closest("#session button").ok()??;
    click.prevent_default();
    controller.dispatch(button.get_attribute("value").map_or(Action::Forget, Action::Choose));
    Some(())
}

/// Shows in the forms which greeting is chosen, or hides them when there's nothing to change any more. What they
/// say of where the session is kept goes when that session `ended`: the server will say it of the next one.
pub(super) fn show_in_forms(new: &CounterState, ended: bool) {
    let document = document();
    let greeting = new.greeting();
    let element = |id| document.get_element_by_id(id)?.dyn_into::<HtmlElement>().ok();
    if ended {
        _ = element("kept").map(|kept| kept.remove());
    }
    // Each function of the browser that is called here is 70 bytes of the page, so it's few of them. `:focus` would do
    // with one less, but matches nothing in a tab that is in the background.
    let within = |focused: Element| focused.closest("#session").is_ok_and(|session| session.is_some());
    let focused = document.active_element().is_some_and(within);
    _ = element("session").map(|session| session.set_hidden(greeting.is_none()));
    // A focus that was in there is not to get lost.
    if focused && greeting.is_none() {
        _ = element("refresh").map(|link| link.focus());
    }
    let Ok(buttons) = document.query_selector_all("#session [value]") else { return };
    for button in (0..buttons.length()).filter_map(|index| buttons.get(index)?.dyn_into::<Element>().ok()) {
        let chosen = button.get_attribute("value").as_deref() == greeting;
        _ = button.set_attribute("aria-pressed", if chosen { "true" } else { "false" });
    }
}

/// Listens to all that can change what the island shows.
pub(super) fn start(controller: Controller) {
    tabs::listen(move |new| controller.on_news(new));

    on_window("click", move |click| _ = on_click(controller, &click));

    // A page that comes back from the back/forward cache shows what was true when the visitor left it.
    on_window("pageshow", move |event| {
        if event.unchecked_into::<PageTransitionEvent>().persisted() && !controller.has_ended() {
            controller.dispatch(Action::Refresh);
        }
    });

    match controller.ui.with_untracked(|ui| ui.counter.clone()) {
        // A page that was loaded ahead of time counts when somebody looks at it.
        CounterState::NotCounted if is_prerendering() => {
            let seen = Closure::<dyn Fn()>::new(move || controller.dispatch(Action::Refresh));
            let event = "prerenderingchange";
            _ = document().add_event_listener_with_callback(event, seen.as_ref().unchecked_ref());
            seen.forget();
        }
        CounterState::NotCounted => controller.dispatch(Action::Refresh),
        // This very load counted, and the other tabs don't know yet.
        counted @ CounterState::Counted(_) => broadcast(&counted),
        CounterState::Ended | CounterState::Unknown => {}
    }
}

fn is_prerendering() -> bool {
    Reflect::get(&document(), &JsValue::from_str("prerendering")).is_ok_and(|prerendering| prerendering.is_truthy())
}
