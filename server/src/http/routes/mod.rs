//! The handlers of the server's own routes, one file each. The app brings its own: `app::routes`.

pub(super) mod health;
