//! The other tabs of this browser, which show the same session.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use crate::counter::{CounterState, CounterView};

thread_local! {
    /// It stays open as long as the page.
    static CHANNEL: Option<BroadcastChannel> = BroadcastChannel::new("session").ok();
}

/// What another tab says of the session.
pub(crate) enum News {
    /// The state after a view, a new greeting or the end. Messages overtake one another, so it may be old.
    State(CounterState),
    /// The visitor has corrected the session: the count may have become smaller.
    Corrected(CounterView),
}

/// Tells the other tabs.
pub(crate) fn broadcast(news: &News) {
    // `3 Hola Mundo`, `=3 Hola Mundo` for a correction, and nothing for the end.
    let message = match news {
        News::State(CounterState::Counted(view)) => text(view),
        News::Corrected(view) => format!("={}", text(view)),
        News::State(_) => String::new(),
    };
    // A tab that can't tell the others still shows the truth itself.
    CHANNEL.with(|channel| channel.as_ref().map(|channel| channel.post_message(&JsValue::from_str(&message))));
}

fn text(CounterView { views, greeting }: &CounterView) -> String {
    format!("{views} {}", greeting.text())
}

/// Calls a function with whatever another tab says from now on.
pub(crate) fn listen(on_news: impl Fn(News) + 'static) {
    let on_news: Box<dyn Fn(News)> = Box::new(on_news);
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(news) = event.data().as_string().and_then(|message| parse(&message)) {
            on_news(news);
        }
    });
    CHANNEL.with(|channel| {
        if let Some(channel) = channel {
            channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        }
    });
    on_message.forget();
}

fn parse(message: &str) -> Option<News> {
    if message.is_empty() {
        return Some(News::State(CounterState::Ended));
    }
    let (corrected, message) = message.strip_prefix('=').map_or((false, message), |message| (true, message));
    let (views, greeting) = message.split_once(' ')?;
    let view =
        CounterView { views: views.parse().ok()?, greeting: crate::greeting::Greeting::stored(greeting.to_owned())? };
    Some(if corrected { News::Corrected(view) } else { News::State(CounterState::Counted(view)) })
}
