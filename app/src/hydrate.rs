//! The start of Leptos in the browser.

use std::cell::RefCell;

use leptos::{mount::hydrate_islands, prelude::Owner};

thread_local! {
    static ROOT: RefCell<Option<Owner>> = const { RefCell::new(None) };
}

/// Starts Leptos, and at each later call goes back to the start: an island that has panicked half-way leaves Leptos
/// inside of it, where no other island comes alive.
pub fn hydrate() {
    ROOT.with_borrow_mut(|root| match root {
        Some(root) => root.set(),
        None => {
            hydrate_islands();
            *root = Owner::current();
        }
    });
}
