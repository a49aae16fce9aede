//! The connections that are open: how many there may be, in all and of one address, and which one makes room.
//!
//! Where there is no room for one more, another one is closed that waits for its client: it's idle, its request does not
//! arrive, or its response is not read. Of an address that has as many as it may, and of the address that has most of
//! all, it's the one that has waited longest. So clients that take all connections and give nothing for them keep nobody
//! out, not even those who share their address. A connection whose request is being handled is left alone.

use std::{
    cmp::Reverse,
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::{Duration, Instant},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

use super::{Limits, client_wait::Waiting};
use crate::http::middleware::client_address::{PeerAddr, site_network};

const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// How long a connection that has to make room may take for it, before another one has to.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The connections that are open, and those that may be.
pub(super) struct Connections {
    /// A permit for each socket that may be open, also for one that is just being closed.
    room: Arc<Semaphore>,
    limit: usize,
    limit_per_address: Option<usize>,
    open: Arc<Mutex<Open>>,
    /// How often a connection has begun to wait for its client.
    waits: Arc<AtomicU64>,
    warned: Mutex<Option<Instant>>,
}

/// Those that don't have to make room, by address, each with a number of its own. There is no address without one.
#[derive(Default)]
struct Open {
    by_address: HashMap<IpAddr, HashMap<u64, Entry>>,
    last_number: u64,
}

struct Entry {
    waiting: Arc<Waiting>,
    /// Dropped to make room.
    _keep: oneshot::Sender<()>,
}

/// The place of an open connection. Dropping it makes room for another one.
pub(super) struct Place {
    /// Whether the connection waits for its client.
    pub(super) waiting: Arc<Waiting>,
    /// Completes when the connection has to make room for another one.
    pub(super) make_room: oneshot::Receiver<()>,
    pub(super) guard: PlaceGuard,
}

/// Dropped when the connection has ended.
pub(super) struct PlaceGuard {
    open: Arc<Mutex<Open>>,
    address: IpAddr,
    number: u64,
    _room: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            room: Arc::new(Semaphore::new(limits.connections)),
            limit: limits.connections,
            limit_per_address: limits.connections_per_address,
            open: Arc::default(),
            waits: Arc::default(),
            warned: Mutex::default(),
        }
    }

    /// Returns a place for a connection of this client, as soon as there's one. `None` if its address has as many
    /// connections as it may, and a request is being handled on each of them.
    pub(super) async fn enter(&self, PeerAddr(peer): PeerAddr) -> Option<Place> {
        let address = site_network(peer);
        let mut is_making_room = false;
        if let Some(limit) = self.limit_per_address
            && lock(&self.open).count(address) >= limit
        {
            self.warn(limit, "a client address, or IPv6 /48 network,", "; if it is a proxy, set TRUSTED_PROXIES");
            if !lock(&self.open).make_room_of(address) {
                return None;
            }
            is_making_room = true;
        }
        let room = loop {
            if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                break room;
            }
            if !is_making_room {
                self.warn(self.limit, "the server", "");
                lock(&self.open).make_room();
            }
            if let Ok(Ok(room)) = timeout(RETRY_INTERVAL, Arc::clone(&self.room).acquire_owned()).await {
                break room;
            }
            is_making_room = false;
        };
        Some(self.place(address, room))
    }

    fn place(&self, address: IpAddr, room: OwnedSemaphorePermit) -> Place {
        let waiting = Arc::new(Waiting::new(&self.waits));
        waiting.read.begin();
        let (keep, make_room) = oneshot::channel();
        let number = lock(&self.open).insert(address, Entry { waiting: Arc::clone(&waiting), _keep: keep });
        let guard = PlaceGuard { open: Arc::clone(&self.open), address, number, _room: room };
        Place { waiting, make_room, guard }
    }

    /// Logs that a limit is reached, at most once in `WARNING_INTERVAL`: there may be thousands of connections a second.
    fn warn(&self, limit: usize, who: &str, advice: &str) {
        let mut last = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= WARNING_INTERVAL) {
            *last = Some(Instant::now());
            tracing::warn!(
                limit,
                "{who} has as many connections as it may: for each further one, one that waits for its client is \
                 closed{advice}"
            );
        }
    }
}

impl Open {
    fn count(&self, address: IpAddr) -> usize {
        self.by_address.get(&address).map_or(0, HashMap::len)
    }

    fn insert(&mut self, address: IpAddr, entry: Entry) -> u64 {
        self.last_number += 1;
        self.by_address.entry(address).or_default().insert(self.last_number, entry);
        self.last_number
    }

    fn remove(&mut self, address: IpAddr, number: u64) {
        if let Some(entries) = self.by_address.get_mut(&address) {
            entries.remove(&number);
            if entries.is_empty() {
                self.by_address.remove(&address);
            }
        }
    }

    /// Closes a connection that waits for its client, of the address that has most; `false` if none waits.
    fn make_room(&mut self) -> bool {
        let waiting = self.by_address.iter().filter_map(|(address, entries)| {
            let (since, _) = longest_waiting(entries)?;
            Some((entries.len(), Reverse(since), *address))
        });
        let Some((_, _, address)) = waiting.max() else { return false };
        self.make_room_of(address)
    }

    /// Closes the connection of this address that has waited longest for its client; `false` if none waits.
    fn make_room_of(&mut self, address: IpAddr) -> bool {
        // The client of one may send something just now: then it's the next one's turn.
        while let Some((since, number)) = self.by_address.get(&address).and_then(longest_waiting) {
            if self.by_address[&address][&number].waiting.end_by_force(since) {
                self.remove(address, number);
                return true;
            }
        }
        false
    }
}

/// Since when, and the number of the connection.
fn longest_waiting(entries: &HashMap<u64, Entry>) -> Option<(u64, u64)> {
    entries.iter().filter_map(|(number, entry)| Some((entry.waiting.since()?, *number))).min()
}

impl Drop for PlaceGuard {
    fn drop(&mut self) {
        lock(&self.open).remove(self.address, self.number);
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    // Nothing in there panics half-way.
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    fn three_and_two_for_each() -> Connections {
        Connections::new(&Limits { connections: 3, connections_per_address: Some(2), ..Limits::default() })
    }

    async fn enter(connections: &Connections, address: &str) -> Option<Place> {
        connections.enter(PeerAddr(address.parse().expect("an address"))).await
    }

    impl Place {
        fn has_to_make_room(&mut self) -> bool {
            self.make_room.try_recv() == Err(TryRecvError::Closed)
        }
    }

    #[tokio::test]
    async fn of_an_address_the_one_that_waits_longest_makes_room() {
        let connections = three_and_two_for_each();
        let enter = async |address: &str| enter(&connections, address).await.expect("a place");
        let mut first = enter("192.0.2.1").await;
        let mut second = enter("::ffff:192.0.2.1").await;
        assert!(first.waiting.read.end());
        first.waiting.read.begin();
        let mut third = enter("192.0.2.1").await;
        let made_room = [&mut first, &mut second, &mut third].map(Place::has_to_make_room);
        assert_eq!(made_room, [false, true, false], "the first one was the last to hear of its client");
        assert!(!second.waiting.read.end(), "a request that comes now is not begun");
        second.waiting.read.begin();
        assert!(!second.waiting.read.end());
        // It has a socket until its task has seen that.
        drop(second);
        let mut other = enter("192.0.2.2").await;
        let made_room = [&mut first, &mut third, &mut other].map(Place::has_to_make_room);
        assert_eq!(made_room, [false; 3], "another address");
        drop((first, third, other));
        assert_eq!(connections.room.available_permits(), 3);
        assert!(lock(&connections.open).by_address.is_empty(), "nothing is left behind");
    }

    #[tokio::test]
    async fn the_addresses_of_an_ipv6_site_share_the_limit() {
        let connections = three_and_two_for_each();
        let enter = async |address: &str| enter(&connections, address).await.expect("a place");
        let mut first = enter("2001:db8:1:1::1").await;
        let second = enter("2001:db8:1:2::1").await;
        let mut other = enter("2001:db8:2::1").await;
        drop(second);
        let _third = enter("2001:db8:1:3::1").await;
        assert!(!first.has_to_make_room());
        drop(other);
        other = enter("2001:db8:1:4::1").await;
        assert!(first.has_to_make_room() && !other.has_to_make_room());
    }

    #[tokio::test]
    async fn the_address_that_has_most_makes_room_though_its_clients_are_busier() {
        let limits = Limits { connections: 3, connections_per_address: None, ..Limits::default() };
        let connections = Connections::new(&limits);
        let enter = async |address: &str| enter(&connections, address).await.expect("a place");
        let mut one = enter("192.0.2.1").await;
        let mut many = [enter("192.0.2.2").await, enter("192.0.2.2").await];
        for place in &many {
            assert!(place.waiting.read.end());
            place.waiting.read.begin();
        }
        let further = tokio::spawn(async move {
            connections.enter(PeerAddr("192.0.2.3".parse().expect("an address"))).await.is_some()
        });
        (&mut many[0].make_room).await.expect_err("it has to make room");
        assert!(!one.has_to_make_room() && !many[1].has_to_make_room());
        let [first, second] = many;
        drop(first);
        assert!(further.await.expect("no panic"));
        drop((one, second));
    }

    #[tokio::test]
    async fn one_further_connection_costs_one() {
        let connections =
            Connections::new(&Limits { connections: 3, connections_per_address: Some(2), ..Limits::default() });
        let enter = async |address: &str| enter(&connections, address).await.expect("a place");
        let mut places = [enter("192.0.2.1").await, enter("192.0.2.1").await, enter("192.0.2.2").await];
        let further = tokio::spawn(async move {
            connections.enter(PeerAddr("192.0.2.1".parse().expect("an address"))).await.is_some()
        });
        (&mut places[0].make_room).await.expect_err("it has to make room");
        tokio::task::yield_now().await;
        assert_eq!(places.each_mut().map(Place::has_to_make_room), [true, false, false]);
        let [first, second, third] = places;
        drop(first);
        assert!(further.await.expect("no panic"));
        drop((second, third));
    }

    #[tokio::test]
    async fn a_connection_that_is_served_does_not_make_room() {
        let connections = three_and_two_for_each();
        let enter = async |address: &str| enter(&connections, address).await;
        let mut places = [enter("192.0.2.1").await, enter("192.0.2.1").await].map(|place| place.expect("a place"));
        for place in &places {
            assert!(place.waiting.read.end());
        }
        assert!(enter("192.0.2.1").await.is_none(), "there is none that waits");
        assert_eq!(places.each_mut().map(Place::has_to_make_room), [false; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_is_no_room_at_all_a_client_waits_for_it() {
        let connections = three_and_two_for_each();
        let enter = async |address: &str| enter(&connections, address).await.expect("a place");
        let mut places = [enter("192.0.2.1").await, enter("192.0.2.2").await, enter("192.0.2.3").await];
        for place in &places {
            assert!(place.waiting.read.end());
        }
        let mut further = tokio::spawn({
            let address = PeerAddr("192.0.2.4".parse().expect("an address"));
            let connections = Arc::new(connections);
            async move { connections.enter(address).await.is_some() }
        });
        assert!(timeout(Duration::from_secs(60), &mut further).await.is_err(), "all are served");
        assert_eq!(places.each_mut().map(Place::has_to_make_room), [false; 3]);
        places[1].waiting.write.begin();
        let [first, mut second, third] = places;
        (&mut second.make_room).await.expect_err("it has to make room");
        drop(second);
        assert!(further.await.expect("no panic"));
        drop((first, third));
    }
}
