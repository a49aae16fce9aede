//! The other tabs of this browser, which show the same session.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use crate::{
    counter_state::{CounterState, CounterView},
    greeting::Greeting,
};

thread_local! {
    /// It stays open as long as the page.
    static CHANNEL: Option<BroadcastChannel> = BroadcastChannel::new("session").ok();
}

/// Tells the other tabs: `3 Hola Mundo`, or nothing when the session has ended.
pub(crate) fn broadcast(new: &CounterState) {
    let message = match new {
        CounterState::Counted(CounterView { views, greeting }) => format!("{views} {}", greeting.text()),
        _ => String::new(),
    };
    // A tab that can't tell the others still shows the truth itself.
    CHANNEL.with(|channel| channel.as_ref().map(|channel| channel.post_message(&JsValue::from_str(&message))));
}

/// Calls a function with whatever another tab says from now on. Messages overtake one another, so it may be old.
pub(crate) fn listen(on_news: impl Fn(CounterState) + 'static) {
    let on_news: Box<dyn Fn(CounterState)> = Box::new(on_news);
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(new) = event.data().as_string().and_then(|message| parse(&message)) {
            on_news(new);
        }
    });
    CHANNEL.with(|channel| {
        if let Some(channel) = channel {
            _ = channel.add_event_listener_with_callback("message", on_message.as_ref().unchecked_ref());
        }
    });
    on_message.forget();
}

fn parse(message: &str) -> Option<CounterState> {
    if message.is_empty() {
        return Some(CounterState::Ended);
    }
    let (views, greeting) = message.split_once(' ')?;
    let greeting = Greeting::stored(greeting.to_owned())?;
    Some(CounterState::Counted(CounterView { views: views.parse().ok()?, greeting }))
}
