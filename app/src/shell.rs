//! The HTML around a page, and how a page becomes a response.

mod assets;
mod boot;
mod document;
mod render;
mod site;

pub use crate::components::open_graph::Picture;

pub use self::{assets::Assets, document::Meta, render::Page, site::Site};
