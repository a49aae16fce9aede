//! What a view costs in round trips to the store, and how long it waits if each takes 10 ms.
//! Run it with `cargo bench -p exact-sessions --bench round_trips`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use exact_sessions::{
    SessionId, Sessions,
    store::memory::MemoryStore,
    testing::{Counting, Counts, Fault, Faulty},
};
use serde::{Deserialize, Serialize};

const VIEWS: usize = 101;
const WARM_UP: usize = 5;
const ROUND_TRIP: Duration = Duration::from_millis(10);

#[derive(Default, Serialize, Deserialize)]
struct Counter {
    views: u64,
}

fn count(counter: &mut Counter) {
    counter.views += 1;
}

/// Instances on one store that takes 10 ms for everything, and a count of what they ask of it.
fn instances(number: usize) -> (Vec<Sessions<Counter>>, Arc<Counts>) {
    let slow = Faulty::new(Arc::new(MemoryStore::default()), || Fault::Delay(ROUND_TRIP));
    let (store, counts) = Counting::new(slow);
    let store = Arc::new(store);
    let instance = |_| Sessions::<Counter>::new(Arc::clone(&store));
    ((0..number).map(instance).collect(), counts)
}

#[derive(Clone, Copy)]
enum Routing {
    /// Each view is a new visitor's.
    New,
    /// One visitor, always the same instance.
    Sticky,
    /// One visitor, an instance that has not seen the session.
    Cold,
    /// One visitor, any of the instances.
    Random,
}

async fn measure(name: &str, number: usize, routing: Routing) {
    let (instances, counts) = instances(number);
    let first = instances[0].upsert(None, count).await.expect("a view");
    let id: Option<SessionId> = first.new_id;
    // So that what is measured is the steady state: each instance has learned whether guessing pays.
    for n in 0..4 * WARM_UP {
        instances[n % number.min(4)].upsert(id, count).await.expect("a view");
    }
    let (before, mut waits) = (counts.round_trips(), Vec::new());
    for n in 0..VIEWS {
        let begun = Instant::now();
        let (instance, id) = match routing {
            Routing::New => (&instances[0], None),
            Routing::Sticky => (&instances[0], id),
            Routing::Cold => (&instances[4 + n], id),
            Routing::Random => (&instances[rand::random_range(0..number)], id),
        };
        instance.upsert(id, count).await.expect("a view");
        waits.push(begun.elapsed().as_secs_f64() / ROUND_TRIP.as_secs_f64());
    }
    waits.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let round_trips = (counts.round_trips() - before) as f64 / VIEWS as f64;
    let (median, slowest) = (waits[VIEWS / 2], waits[VIEWS * 95 / 100]);
    println!("| {name:<37} | {round_trips:>11.2} | {median:>6.2} | {slowest:>6.2} |");
}

#[tokio::main]
async fn main() {
    // A mutex of Tokio's and a timer cost microseconds; what is left is the round trips.
    println!("{VIEWS} views each; the waits are in units of a round trip of {ROUND_TRIP:?}, median and 95 of 100\n");
    println!("| a view of                             | round trips | median |    p95 |");
    println!("|---------------------------------------|-------------|--------|--------|");
    measure("a new session", 1, Routing::New).await;
    measure("a session this instance wrote last", 1, Routing::Sticky).await;
    measure("a session another instance wrote last", 4 + VIEWS, Routing::Cold).await;
    measure("2 instances, random routing", 2, Routing::Random).await;
    measure("4 instances, random routing", 4, Routing::Random).await;
}
