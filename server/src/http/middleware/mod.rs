//! The layers that requests and responses pass, one file each; `router` puts them in order.

pub(super) mod client_address;
pub(super) mod compression;
pub(super) mod duplicate_cookie;
pub(super) mod https_redirect;
pub(super) mod new_session_limit;
pub(super) mod other_builds;
mod rate_limit;
pub(super) mod reject_unservable_path;
pub(super) mod request_log;
pub(super) mod security_headers;
