//! The tests of the crate from outside, as one program: it links once.

mod admin;
mod bench;
mod contract;
mod emulator;
mod engine;
mod exactly_once;
mod firestore;
mod fuzz;
mod layer;
mod metrics;
mod sign_in;
mod sqlite;
