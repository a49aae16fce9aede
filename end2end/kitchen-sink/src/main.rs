//! Serves the page: `kitchen-sink PORT FOLDER`, where the folder holds the built JavaScript and WASM.

use std::{env, path::PathBuf, sync::Arc};

use app::shell::{Assets, Meta, Page, Site};
use axum::{Router, response::Response, routing::get};
use kitchen_sink::{
    islands::{Failing, Greets, Inner, Loads, LoadsInBrowser, LoadsLater, Orders, Outer, WithProps},
    server_fns::{Numbers, walk},
};
use leptos::prelude::*;
use tower_http::services::ServeDir;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = env::args().skip(1);
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let folder = PathBuf::from(arguments.next().unwrap_or_default());
    let assets = Assets::new("/pkg/none.css", "/pkg/kitchen_sink.js", "/pkg/kitchen_sink_bg.wasm");
    let site = Arc::new(Site { assets, https_only: false, watched: false, store: "" });
    let routes = Router::new().route("/", get(page)).merge(app::server_functions()).with_state(site);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, routes.nest_service("/pkg", ServeDir::new(folder))).await
}

async fn page(page: Page) -> Response {
    let view = || {
        // Loaded on the server alone: it is in no island.
        let rendered = Resource::new(|| (), |()| walk(Numbers { start: 0, steps: vec![5, 5] }));
        let rendered = move || Suspend::new(async move { format!("{:?}", rendered.await.unwrap_or_default()) });
        view! {
            <h1>"Kitchen sink"</h1>
            <WithProps label="Count".to_owned() start=40 steps=vec![1, 1]/>
            <Outer><section><Inner/></section></Outer>
            <Loads/>
            <LoadsInBrowser/>
            <Failing/>
            <LoadsLater/>
            <Greets/>
            <Orders/>
            <Suspense fallback=|| "Loading"><p id="rendered">{rendered}</p></Suspense>
        }
    };
    page.render(Meta::new("Kitchen sink"), view).await
}
