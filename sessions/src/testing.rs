//! For the tests of stores and of apps: the contract of a store, a store that fails, one that counts.

pub mod contract;
mod counting;
mod faulty;

pub use self::{
    contract::contract,
    counting::{Counting, Counts},
    faulty::{Fault, Faulty},
};
