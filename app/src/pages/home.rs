//! `/`: greets the visitor and counts the view.

use axum::{
    http::{HeaderMap, Method},
    response::Response,
};
use leptos::prelude::*;
use sessions::axum::SessionHandle;

use super::{is_view::is_view, notice};
use crate::{
    components::{session_forms::session_forms, session_info::SessionInfo},
    counter::{self, Counter},
    counter_state::CounterView,
    island_state,
    server_fns::session,
    shell::{Meta, Page, Picture},
    visitor::Visitor,
};

/// `make shots` takes the picture.
pub(super) const CARD: Picture =
    Picture { path: "/card.png", text: "Hello World, Hallo Welt, Ciao Mondo, Salut le Monde, Hola Mundo" };

const META: Meta = Meta::new("Hello, again")
    .described(
        "A greeting in one of five languages and a count of your visits, kept by a session that is right on any number \
         of servers.",
    )
    .pictured(CARD);

/// Looking at the page counts a view. Asking whether it is there, or loading it ahead of time, does not: that page counts
/// when it is looked at, by its script where there is one, by its link elsewhere.
pub async fn page(page: Page, session: SessionHandle<Visitor>, method: Method, headers: HeaderMap) -> Response {
    if !is_view(&method, &headers) {
        return render(page, None, None).await;
    }
    match session::count_view(&session).await {
        Ok(session) => {
            let info = SessionInfo::new(page.site().store, session.created_at, session.expires_at, session.ends_at);
            render(page, Some(session.data.clone().into()), Some(info)).await
        }
        Err(error) => notice::failed(page, error).await,
    }
}

/// Renders the page of a view, if one was counted, with what it says of the session.
pub async fn render(page: Page, counted: Option<CounterView>, info: Option<SessionInfo>) -> Response {
    let view = move || {
        let forms = session_forms(counted.as_ref().map(|view| view.greeting.text()), info);
        view! {
            {island_state::provide(counter::STATE, counted)}
            <Counter/>
            {forms}
        }
    };
    page.render(META, view).await
}
