//! The server's side: it knows the view that it has just counted, and nothing happens afterwards.

use leptos::prelude::use_context;

use super::State;
use crate::{shown::Shown, view::View};

/// The view that was counted for this page.
pub(super) fn initial() -> Shown {
    use_context::<Option<View>>().flatten().map_or(Shown::Ahead, Shown::View)
}

pub(super) fn mark(_: &Shown, _: bool) {}

pub(super) fn listen(_: State) {}

pub(super) fn tell(_: &Shown) {}
