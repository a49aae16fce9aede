//! Many instances on a store that behaves as Firestore does under load, on a clock that is moved by hand: what a view
//! waits, what it costs in calls, and which limit it meets first. `docs/scale.md` explains the figures.
//! Run it with `cargo bench -p exact-sessions --bench scale`.
//!
//! The engine is the real one. The store is a model, and only as good as what is known of Firestore's answer times,
//! which `store.rs` names with their sources.

#[path = "scale/load.rs"]
mod load;
#[path = "scale/store.rs"]
mod store;

use std::time::Duration;

use self::{
    load::{Load, Routing},
    store::Limits,
};

/// Views a day are not spread evenly: at the busiest time there are three times as many as on average.
const PEAK: f64 = 3.0;

const SECONDS_A_DAY: f64 = 86_400.0;

/// Views a second at the busiest time of a day with that many views.
fn peak(views_a_day: f64) -> f64 {
    views_a_day / SECONDS_A_DAY * PEAK
}

fn main() {
    load::head("An ordinary day, at its busiest");
    for (name, views, instances, routing) in [
        ("1 million views a day, 2 instances, affinity", 1e6, 2, Routing::Affinity),
        ("the same, any instance", 1e6, 2, Routing::Random),
        ("100 million views a day, 8 instances, affinity", 1e8, 8, Routing::Affinity),
        ("the same, any instance", 1e8, 8, Routing::Random),
    ] {
        Load { rate: peak(views), instances, routing, ..Load::ordinary() }.run(name);
    }

    load::head("One session, viewed again and again");
    for (rate, instances) in [(1.0, 4), (10.0, 1), (10.0, 4), (50.0, 1), (50.0, 4), (200.0, 1), (200.0, 4)] {
        let load = Load { rate, instances, sessions: 1, new: 0.0, routing: Routing::Random, ..Load::ordinary() };
        load.run(&format!("{rate} a second, {instances} instance(s)"));
    }

    load::head("100 million views a day, all at once on a database that served nobody: the 500/50/5 rule");
    let crowd = Load { rate: peak(1e8), instances: 8, ..Load::ordinary() };
    for minutes in [0, 10, 20, 25, 30] {
        let limits = Limits { operations: Some(Limits::after(minutes)), ..Limits::default() };
        let name = format!("after {minutes} minutes of warming up, {:.0} operations/s", Limits::after(minutes));
        Load { limits, seconds: 5, ..crowd.clone() }.run(&name);
    }

    load::head("100 million views a day with an indexed time in the documents: 500 writes a second");
    let limits = Limits { writes: Some(500.0), ..Limits::default() };
    Load { limits, seconds: 5, ..crowd.clone() }.run("`expires_at` indexed");
    Load { seconds: 5, ..crowd.clone() }.run("`expires_at` exempt, as the set-up script does it");

    load::head("An instance with 1,500 views a second on a bad day, when Firestore takes 5 times as long");
    for channels in [1, 2, 4] {
        let limits = Limits { slower: 5.0, ..Limits::default() };
        let load = Load { rate: 1500.0, instances: 1, channels, limits, seconds: 10, ..Load::ordinary() };
        load.run(&format!("{channels} x 100 calls at once"));
    }

    load::head("100 million views a day while Firestore answers nothing for 5 seconds");
    let limits = Limits { silence: Some((Duration::from_secs(10), Duration::from_secs(5))), ..Limits::default() };
    Load { limits, ..crowd }.run("silent from second 10 to 15 of 20");
}
