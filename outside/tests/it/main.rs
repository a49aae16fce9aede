//! What the shop, an application outside of the workspace, finds true of the crate.

mod at_once;
mod costs;
mod cross_site;
mod firestore;
mod kinds;
mod layers;
mod live;
mod own_store;
mod owner;
mod place;
mod reading;
mod refusing;
mod types;
