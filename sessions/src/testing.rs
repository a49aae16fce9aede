//! For the tests of stores and of apps: the contract of a store, a store that fails, one that counts; a clock that the
//! test moves, and a visitor with a cookie jar.

mod clock;
pub mod contract;
mod counting;
mod faulty;
#[cfg(feature = "axum")]
mod jar;
#[cfg(feature = "axum")]
mod visitor;

#[cfg(feature = "axum")]
pub use self::visitor::{Page, Visitor};
pub use self::{
    clock::Clock,
    contract::contract,
    counting::{Counting, Counts},
    faulty::{Fault, Faulty},
};
