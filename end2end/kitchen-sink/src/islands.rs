//! The islands.

use leptos::prelude::*;

use crate::server_fns::{Greet, Numbers, walk};

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
    #[cfg(feature = "hydrate")]
    panic!("this island fails");
    #[cfg(not(feature = "hydrate"))]
    view! { <p id="failing">"As the server rendered it"</p> }
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
