//! The handlers of routes, one file each.

pub(super) mod health;
pub(super) mod home;
pub(super) mod not_found;
