//! What the islands' code in the browser has in common. The compiler makes code for each type of a closure or a future, so
//! here all of them become one.

use std::{future::Future, pin::Pin};

use leptos::{leptos_dom::helpers::window_event_listener_untyped, task::spawn_local};
use web_sys::Event;

/// Spawns a future on the browser's event loop.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(future);
    spawn_local(future);
}

/// Calls a function at each event of this name that reaches the window.
pub(crate) fn on_window(event: &str, function: impl Fn(Event) + 'static) {
    let function: Box<dyn Fn(Event)> = Box::new(function);
    window_event_listener_untyped(event, function);
}
