//! The islands.

use leptos::{prelude::*, task::spawn_local};

use crate::server_fns::{Delivery, Greet, Item, Numbers, Order, place_order, walk};

/// Props: a text, a number and a list.
#[island]
pub fn WithProps(label: String, start: i32, steps: Vec<i32>) -> impl IntoView {
    let count = RwSignal::new(start);
    let step: i32 = steps.iter().sum();
    view! { <button id="props" on:click=move |_| count.update(|count| *count += step)>{label} ": " {count}</button> }
}

/// A context, for islands among its children.
#[derive(Clone, Copy)]
struct Theme(RwSignal<&'static str>);

/// An island around others.
#[island]
pub fn Outer(children: Children) -> impl IntoView {
    let theme = RwSignal::new("light");
    provide_context(Theme(theme));
    view! {
        <div id="outer">
            <button on:click=move |_| theme.set("dark")>"Darker"</button>
            {children()}
        </div>
    }
}

/// An island within another one.
#[island]
pub fn Inner() -> impl IntoView {
    let theme = use_context::<Theme>();
    view! { <p id="inner">{move || theme.map_or("no context", |theme| theme.0.get())}</p> }
}

/// An island that does not come alive.
#[island]
pub fn Failing() -> impl IntoView {
    assert!(cfg!(not(feature = "hydrate")), "this island fails");
    view! { <p id="failing">"As the server rendered it"</p> }
}

/// A resource after an island that fails: it has its own data.
#[island]
pub fn LoadsLater() -> impl IntoView {
    let numbers = Resource::new(|| (), |()| walk(Numbers { start: 100, steps: vec![1] }));
    let text = move || Suspend::new(async move { format!("{:?}", numbers.await.unwrap_or_default()) });
    let alive = RwSignal::new(false);
    view! {
        <Suspense fallback=|| "Loading"><p id="later">{text}</p></Suspense>
        <button id="alive" on:click=move |_| alive.set(true)>{move || if alive.get() { "Alive" } else { "Rendered" }}</button>
    }
}

/// A resource, which the server loads and the browser takes over.
#[island]
pub fn Loads() -> impl IntoView {
    let start = RwSignal::new(1);
    let numbers = Resource::new(move || start.get(), |start| walk(Numbers { start, steps: vec![1, 2, 3] }));
    view! {
        <Suspense fallback=|| "Loading">
            <p id="loaded">
                {move || Suspend::new(async move {
                    match numbers.await {
                        Ok(numbers) => format!("{numbers:?}"),
                        Err(error) => error.to_string(),
                    }
                })}
            </p>
        </Suspense>
        <button id="load" on:click=move |_| start.set(10)>"Load others"</button>
    }
}

/// A resource that only the browser loads. The server renders what stands in for it.
#[island]
pub fn LoadsInBrowser() -> impl IntoView {
    let start = RwSignal::new(200);
    let numbers = LocalResource::new(move || walk(Numbers { start: start.get(), steps: vec![1, 2] }));
    view! {
        <p id="local">
            <Suspense fallback=|| "Loading">
                {move || Suspend::new(async move { format!("{:?}", numbers.await.unwrap_or_default()) })}
            </Suspense>
        </p>
        <button id="load-local" on:click=move |_| start.set(300)>"Load others in the browser"</button>
    }
}

/// A form that a server function receives, with and without a script.
#[island]
pub fn Greets() -> impl IntoView {
    let greet = ServerAction::<Greet>::new();
    view! {
        <ActionForm action=greet>
            <label>"Name " <input name="name"/></label>
            <button>"Greet"</button>
        </ActionForm>
        <p id="greeted">{move || greet.value().get().and_then(Result::ok)}</p>
    }
}

/// Calls a server function of our protocol with all that an argument and a return value can hold.
#[island]
pub fn Orders() -> impl IntoView {
    let shown = RwSignal::new(String::new());
    let item = |name: &str, weight| Item { name: name.to_owned(), weight };
    let order = |items, delivery| Order { items, delivery, number: u64::MAX };
    let place = move |order: Order| {
        spawn_local(async move { shown.set(format!("{:?}", place_order(order).await)) });
    };
    let good = move |_| {
        let items = vec![item("a \"kettle\"\n", Some(1.25)), item("Grüße 🦀", None)];
        place(order(items, Delivery::Place { east: 13.4, north: -0.5 }));
    };
    let heavy = move |_| place(order(vec![item("a piano", Some(1e3))], Delivery::Town("Ulm".to_owned())));
    let empty = move |_| place(order(vec![], Delivery::Pickup));
    view! {
        <button id="good" on:click=good>"Order"</button>
        <button id="heavy" on:click=heavy>"Order a piano"</button>
        <button id="empty" on:click=empty>"Order nothing"</button>
        <p id="ordered">{shown}</p>
    }
}
