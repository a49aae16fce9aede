//! A rate limit for each client address, in bounded memory.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::client_address::{provider_network, site_network, subscriber_network};

/// The period of the limit, and how much of it may be used at once.
const PERIOD: Duration = Duration::from_secs(60);

/// How many subscribers are remembered. A subscriber is forgotten as soon as its allowance is complete again, after a
/// minute at the latest, so only a flood reaches this.
const MAX_SUBSCRIBERS: usize = 10_000;

/// How many of their providers' networks are remembered.
const MAX_NETWORKS: usize = 10_000;

/// How many allowances the subscribers of one site have together, where a site has several: an IPv6 network of /48.
const ALLOWANCES_PER_SITE: u32 = 64;

/// How many allowances the subscribers of one provider share during a flood.
const ALLOWANCES_PER_NETWORK: u32 = 16;

/// At most so many events a minute for each subscriber: the generic cell rate algorithm, one time for each key. Who has many
/// subscribers' networks, such as an IPv6 /48, has the allowance of [`ALLOWANCES_PER_SITE`] of them.
///
/// During a flood from more than [`MAX_SUBSCRIBERS`] addresses, further addresses share the allowance of their
/// provider's network; if there are more than [`MAX_NETWORKS`] of those, addresses of further networks have none.
/// Subscribers that are remembered are not affected.
pub(super) struct RateLimiter {
    per_minute: NonZeroU32,
    buckets: Mutex<Buckets>,
}

/// For each key with an incomplete allowance, the time at which it's complete again.
#[derive(Default)]
struct Buckets {
    subscribers: HashMap<IpAddr, Instant>,
    networks: HashMap<IpAddr, Instant>,
    sites: HashMap<IpAddr, Instant>,
}

impl RateLimiter {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        Self { per_minute, buckets: Mutex::default() }
    }

    /// Counts an event of this client, and returns whether it's within the limit.
    pub(super) fn check(&self, client: IpAddr, now: Instant) -> bool {
        let buckets = &mut *self.buckets();
        let subscriber = subscriber_network(client);
        let known = check(&mut buckets.subscribers, MAX_SUBSCRIBERS, subscriber, self.per_minute, now);
        let allowed = known.unwrap_or_else(|| {
            let shared = self.times(ALLOWANCES_PER_NETWORK);
            check(&mut buckets.networks, MAX_NETWORKS, provider_network(client), shared, now).unwrap_or(false)
        });
        // What the subscriber may not does not count against the site. Sites for which there's no room are limited by the
        // above alone.
        allowed
            && (client.to_canonical().is_ipv4()
                || check(&mut buckets.sites, MAX_NETWORKS, site_network(client), self.times(ALLOWANCES_PER_SITE), now)
                    .unwrap_or(true))
    }

    /// So many allowances.
    fn times(&self, allowances: u32) -> NonZeroU32 {
        self.per_minute.saturating_mul(NonZeroU32::new(allowances).unwrap_or(NonZeroU32::MIN))
    }

    /// Forgets those whose allowance is complete again.
    pub(super) fn prune(&self, now: Instant) {
        let buckets = &mut *self.buckets();
        for bucket in [&mut buckets.subscribers, &mut buckets.networks, &mut buckets.sites] {
            bucket.retain(|_, complete| *complete > now);
            bucket.shrink_to(2 * bucket.len());
        }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        // Each change is one insertion, so the maps are right after a panic as well.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns `None` if the key is new and there's no room for it.
fn check(
    bucket: &mut HashMap<IpAddr, Instant>,
    capacity: usize,
    key: IpAddr,
    per_minute: NonZeroU32,
    now: Instant,
) -> Option<bool> {
    let complete = match bucket.get(&key) {
        Some(complete) => (*complete).max(now),
        None if bucket.len() >= capacity => return None,
        None => now,
    };
    let next = complete + PERIOD / per_minute.get();
    let allowed = next <= now + PERIOD;
    if allowed {
        bucket.insert(key, next);
    }
    Some(allowed)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn limiter(per_minute: u32) -> RateLimiter {
        RateLimiter::new(NonZeroU32::new(per_minute).expect("a limit"))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_subscriber_gets_so_many_a_minute() {
        let (limiter, begin) = (limiter(3), Instant::now());
        let at = |seconds| limiter.check(address("192.0.2.1"), begin + Duration::from_secs(seconds));
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(19), at(20), at(20)], [false, true, false], "one comes back every 20 seconds");
        assert_eq!([at(200), at(200), at(200), at(200)], [true, true, true, false], "no more than three at once");
        assert!(limiter.check(address("192.0.2.2"), begin), "another one is not affected");
    }

    #[test]
    fn a_flood_takes_bounded_memory_and_leaves_others_alone() {
        let (limiter, begin) = (limiter(2), Instant::now());
        let (known, late) = (address("192.0.2.1"), address("198.51.100.1"));
        assert!(limiter.check(known, begin));
        let mut allowed = 0;
        for n in 0..100_000_u32 {
            // The /64 networks of one site's /48, and IPv4 addresses.
            let v6 = Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (u128::from(n) << 64));
            allowed += u32::from(limiter.check(v6.into(), begin));
            limiter.check(Ipv4Addr::from_bits(0x0a00_0000 | n).into(), begin);
        }
        let entries = |limiter: &RateLimiter| {
            let buckets = limiter.buckets();
            buckets.subscribers.len() + buckets.networks.len() + buckets.sites.len()
        };
        assert!(entries(&limiter) <= MAX_SUBSCRIBERS + 4, "{} entries", entries(&limiter));
        assert_eq!(allowed, 2 * ALLOWANCES_PER_SITE, "of one site");
        assert_eq!([known, known].map(|client| limiter.check(client, begin)), [true, false], "its own allowance");
        assert!(limiter.check(late, begin), "another network's allowance");

        limiter.prune(begin + PERIOD);
        assert_eq!(entries(&limiter), 0);
        assert!(limiter.buckets().subscribers.capacity() < 100, "the memory is given back");
    }

    #[test]
    fn a_subscriber_does_not_use_up_what_is_its_sites() {
        let (limiter, begin) = (limiter(2), Instant::now());
        let allowed = (0..1000).filter(|_| limiter.check(address("2001:db8::1"), begin)).count();
        assert_eq!(allowed, 2);
        assert!(limiter.check(address("2001:db8:0:1::1"), begin), "a neighbour");
    }

    #[test]
    fn more_networks_than_any_flood_has_are_refused() {
        let (limiter, begin) = (limiter(1), Instant::now());
        let wide = |n: u32| IpAddr::from(Ipv6Addr::from_bits((0x2000_0000_u128 << 96) + (u128::from(n) << 96)));
        let allowed = (0..100_000).filter(|n| limiter.check(wide(*n), begin)).count();
        assert_eq!(allowed, MAX_SUBSCRIBERS + MAX_NETWORKS);
    }
}
