//! Who may have a connection: a limit for all clients, and one for each address.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use crate::http::middleware::client_address::{PeerAddr, site_network};

const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// The connections that are open, and those that may be.
pub(super) struct Permits {
    all: Arc<Semaphore>,
    per_address: Option<PerAddress>,
    warned: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct PerAddress {
    limit: usize,
    /// Addresses without a connection are not in it, so it's never larger than the number of connections.
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection that is open. Dropping it makes room for another one.
pub(super) struct Permit {
    _all: OwnedSemaphorePermit,
    _address: Option<AddressPermit>,
}

struct AddressPermit {
    counts: PerAddress,
    address: IpAddr,
}

impl Permits {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections)),
            per_address: limits.connections_per_address.map(|limit| PerAddress { limit, open: Arc::default() }),
            warned: Mutex::default(),
        }
    }

    /// Waits until one more connection may be open.
    pub(super) async fn any(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.all).acquire_owned().await {
            Ok(permit) => permit,
            // The semaphore is never closed.
            Err(_closed) => std::future::pending().await,
        }
    }

    /// Returns the permit for a connection of this client; or `all`, unused, if its address has as many as it may.
    pub(super) fn of(
        &self,
        PeerAddr(peer): PeerAddr,
        all: OwnedSemaphorePermit,
    ) -> Result<Permit, OwnedSemaphorePermit> {
        let Some(counts) = &self.per_address else { return Ok(Permit { _all: all, _address: None }) };
        match counts.take(site_network(peer)) {
            Some(address) => Ok(Permit { _all: all, _address: Some(address) }),
            None => {
                self.warn(counts.limit);
                Err(all)
            }
        }
    }

    /// Logs the refusal, at most once in `WARNING_INTERVAL`: there may be thousands a second.
    fn warn(&self, limit: usize) {
        let mut last = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= WARNING_INTERVAL) {
            *last = Some(Instant::now());
            tracing::warn!(
                limit,
                "closing connections of a client address, or of an IPv6 /48 network, that has {limit} already; if it is a \
                 proxy, set TRUSTED_PROXIES"
            );
        }
    }
}

impl PerAddress {
    fn take(&self, address: IpAddr) -> Option<AddressPermit> {
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(AddressPermit { counts: self.clone(), address })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // A count is changed in one step, so it's right after a panic as well.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.counts.open().entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten_and_two_for_each() -> Permits {
        Permits::new(&Limits { connections: 10, connections_per_address: Some(2), ..Limits::default() })
    }

    /// The permit of a connection from this address, if it gets one.
    async fn connect(permits: &Permits, address: &str) -> Option<Permit> {
        permits.of(PeerAddr(address.parse().expect("an address")), permits.any().await).ok()
    }

    #[tokio::test]
    async fn an_address_has_so_many_connections_and_no_more() {
        let permits = ten_and_two_for_each();
        let connect = async |address: &str| connect(&permits, address).await;
        let first = connect("192.0.2.1").await.expect("a permit");
        let second = connect("::ffff:192.0.2.1").await.expect("a permit");
        assert!(connect("192.0.2.1").await.is_none());
        let other = connect("192.0.2.2").await.expect("a permit");
        drop(first);
        let third = connect("192.0.2.1").await.expect("a permit");
        drop((second, third, other));
        assert_eq!(permits.all.available_permits(), 10);
        assert!(permits.per_address.as_ref().expect("a limit").open().is_empty(), "nothing is left behind");
    }

    #[tokio::test]
    async fn the_addresses_of_an_ipv6_site_share_the_limit() {
        let permits = ten_and_two_for_each();
        let connect = async |address: &str| connect(&permits, address).await;
        let _first = connect("2001:db8:1:1::1").await.expect("a permit");
        let _second = connect("2001:db8:1:2::1").await.expect("a permit");
        assert!(connect("2001:db8:1:3::1").await.is_none(), "the same /48");
        assert!(connect("2001:db8:2::1").await.is_some(), "another one");
    }
}
