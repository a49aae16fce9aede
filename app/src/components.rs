//! Parts of pages that the server renders, without islands.

pub(crate) mod open_graph;
pub(crate) mod session_forms;
pub(crate) mod session_info;
