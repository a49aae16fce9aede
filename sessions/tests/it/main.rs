//! The tests of the crate from outside, as one program: it links once.

mod admin;
mod batch;
mod bench;
mod contract;
mod data;
mod emulator;
mod engine;
mod exactly_once;
mod firestore;
mod fuzz;
mod layer;
mod logged;
mod metrics;
mod places;
mod sign_in;
mod sqlite;
mod users;
mod versions;
