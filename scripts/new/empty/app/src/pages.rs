//! The pages: each is one file here, a line in this list, and a line in `routes.rs`.

pub mod home;
mod is_view;
pub mod notice;
