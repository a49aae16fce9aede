//! Parts of pages that the server renders and nothing moves.

pub(crate) mod open_graph;
