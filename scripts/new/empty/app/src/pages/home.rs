//! `/`: counts the view.

use axum::{
    http::{HeaderMap, Method},
    response::Response,
};
use leptos::prelude::*;
use sessions::axum::SessionHandle;

use super::{is_view::is_view, notice};
use crate::{
    counter::{self, Counter},
    island_state,
    server_fns::{CounterView, session},
    shell::{Meta, Page},
    visitor::Visitor,
};

const TITLE: &str = "@TITLE@";

const META: Meta = Meta::new(TITLE).described("A page that counts your visits.");

/// Looking at the page counts a view. Asking whether it is there, or loading it ahead of time, does not.
pub async fn page(page: Page, session: SessionHandle<Visitor>, method: Method, headers: HeaderMap) -> Response {
    let counted = if is_view(&method, &headers) {
        session::count_view(&session).await.map(|session| Some(CounterView { views: session.data.views }))
    } else {
        Ok(None)
    };
    let counted = match counted {
        Ok(counted) => counted,
        Err(error) => return notice::failed(page, error).await,
    };
    let view = move || {
        view! {
            <h1>{TITLE}</h1>
            {island_state::provide(counter::STATE, counted)}
            <Counter/>
        }
    };
    page.render(META, view).await
}
