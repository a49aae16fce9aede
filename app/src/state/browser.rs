//! The browser's side: what the page says, what other tabs say, and when the page comes into view.

use js_sys::Reflect;
use leptos::{
    leptos_dom::helpers::window_event_listener_untyped,
    prelude::{GetUntracked, Update, document},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BroadcastChannel, Element, Event, HtmlElement, MessageEvent, PageTransitionEvent};

use super::State;
use crate::{api, greeting::Greeting, shown::Shown, view::View};

thread_local! {
    /// To the other tabs of this browser. It stays open as long as the page.
    static TABS: Option<BroadcastChannel> = BroadcastChannel::new("session").ok();
}

/// What the server rendered, read from the page.
pub(super) fn initial() -> Shown {
    let text = |id| document().get_element_by_id(id).and_then(|element| element.text_content());
    let views = text("sentence").and_then(|sentence| sentence.split(' ').next()?.parse().ok());
    match (views, text("greeting").and_then(Greeting::stored)) {
        (Some(views), Some(greeting)) => Shown::View(View { views, greeting }),
        _ => Shown::Ahead,
    }
}

/// Tells the other tabs: `3 Hola Mundo`, or nothing when the session is gone.
pub(super) fn tell(news: &Shown) {
    let message = match news {
        Shown::View(View { views, greeting }) => format!("{views} {}", greeting.text()),
        Shown::Ahead | Shown::Gone => String::new(),
    };
    // A tab that can't tell the others still shows the truth itself.
    TABS.with(|tabs| tabs.as_ref().map(|tabs| tabs.post_message(&JsValue::from_str(&message))));
}

fn understand(message: &str) -> Option<Shown> {
    if message.is_empty() {
        return Some(Shown::Gone);
    }
    let (views, greeting) = message.split_once(' ')?;
    Some(Shown::View(View { views: views.parse().ok()?, greeting: Greeting::stored(greeting.to_owned())? }))
}

/// Does what the button in a form does, if it was on one that the visitor clicked.
fn press(state: State, click: &Event) -> Option<()> {
    let button = click.target()?.dyn_into::<Element>().ok()?.closest("#session button").ok()??;
    click.prevent_default();
    match button.get_attribute("value") {
        Some(greeting) => state.choose(greeting),
        None => state.forget(),
    }
    Some(())
}

/// Shows in the forms which greeting is chosen, or hides them when there's nothing to change any more. What they
/// say of where the session is kept goes when that session `ended`: of the next one the server will say it.
pub(super) fn mark(news: &Shown, ended: bool) {
    let document = document();
    let greeting = news.greeting();
    let element = |id| document.get_element_by_id(id)?.dyn_into::<HtmlElement>().ok();
    if ended {
        _ = element("kept").map(|kept| kept.remove());
    }
    let Some(session) = element("session") else { return };
    let focused = document.active_element().is_some_and(|focused| session.contains(Some(&focused)));
    session.set_hidden(greeting.is_none());
    // A focus that was in there is not to get lost.
    if focused && greeting.is_none() {
        _ = element("refresh").map(|link| link.focus());
    }
    let Ok(buttons) = session.query_selector_all("[value]") else { return };
    for button in (0..buttons.length()).filter_map(|index| buttons.get(index)?.dyn_into::<Element>().ok()) {
        let chosen = button.get_attribute("value").as_deref() == greeting;
        _ = button.set_attribute("aria-pressed", if chosen { "true" } else { "false" });
    }
}

impl State {
    /// Greets the visitor so from now on.
    fn choose(self, greeting: String) {
        self.ask(Box::pin(async { api::choose(greeting).await.map(Some) }));
    }

    /// Ends the session.
    fn forget(self) {
        self.ask(Box::pin(async { api::forget().await.map(|()| None) }));
    }

    /// Shows what another tab says, unless something newer is shown already.
    fn hear(self, news: Shown) {
        self.known.update(|known| known.learn(news, None));
    }
}

pub(super) fn listen(state: State) {
    let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(news) = event.data().as_string().and_then(|message| understand(&message)) {
            state.hear(news);
        }
    });
    TABS.with(|tabs| {
        if let Some(tabs) = tabs {
            tabs.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        }
    });
    hear.forget();

    window_event_listener_untyped("click", move |click: Event| _ = press(state, &click));

    // A page that comes back from the back/forward cache shows what was true when the visitor left it.
    window_event_listener_untyped("pageshow", move |event: Event| {
        if event.unchecked_into::<PageTransitionEvent>().persisted() && !state.is_gone() {
            state.refresh();
        }
    });

    // One that was loaded ahead of time counts when somebody looks at it.
    match state.known.get_untracked().shown {
        Shown::Ahead if is_prerendering() => {
            let seen = Closure::<dyn Fn()>::new(move || state.refresh());
            let event = "prerenderingchange";
            _ = document().add_event_listener_with_callback(event, seen.as_ref().unchecked_ref());
            seen.forget();
        }
        Shown::Ahead => state.refresh(),
        // This very load counted, and the other tabs don't know yet.
        counted => tell(&counted),
    }
}

fn is_prerendering() -> bool {
    Reflect::get(&document(), &JsValue::from_str("prerendering")).is_ok_and(|prerendering| prerendering.is_truthy())
}
