//! How many new sessions one address gets: enough for people, too few to fill the store.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
};

use axum::http::{HeaderMap, Request};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sessions::Admission;

use crate::listen::Peer;

/// After so many addresses the ones that have been quiet are forgotten.
const REMEMBERED: usize = 10_000;

/// The limit on new sessions for each client address.
#[derive(Clone)]
pub(crate) struct Newcomers {
    limiter: Option<Arc<DefaultKeyedRateLimiter<IpAddr>>>,
    trusted_proxies: usize,
}

impl Newcomers {
    /// At most so many a minute; 0 is no limit. The last `trusted_proxies` entries of `X-Forwarded-For` were
    /// added by proxies of ours.
    pub(crate) fn new(per_minute: u32, trusted_proxies: usize) -> Self {
        let limiter = NonZeroU32::new(per_minute).map(|most| Arc::new(RateLimiter::keyed(Quota::per_minute(most))));
        Self { limiter, trusted_proxies }
    }

    /// Lets a request make a new session only within the limit of the address that it comes from.
    pub(crate) fn limit<B>(&self, mut request: Request<B>) -> Request<B> {
        if let Some(limiter) = &self.limiter
            && let Some(Peer(peer)) = request.extensions().get().copied()
        {
            let client = client(peer, request.headers(), self.trusted_proxies);
            request.extensions_mut().insert(admission(Arc::clone(limiter), network(client)));
        }
        request
    }
}

fn admission(limiter: Arc<DefaultKeyedRateLimiter<IpAddr>>, client: IpAddr) -> Admission {
    Admission::new(move || {
        if limiter.len() > REMEMBERED {
            limiter.retain_recent();
        }
        limiter.check_key(&client).is_ok()
    })
}

/// The address of the client: what the outermost of our proxies saw. Whatever the client itself wrote into
/// the field comes before that. If there are fewer entries than proxies, the request came past them.
fn client(peer: IpAddr, headers: &HeaderMap, trusted_proxies: usize) -> IpAddr {
    let fields = headers.get_all("x-forwarded-for").iter().filter_map(|field| field.to_str().ok());
    let entries: Vec<_> = fields.flat_map(|field| field.split(',')).map(str::trim).collect();
    let seen = entries.len().checked_sub(trusted_proxies).and_then(|first_of_ours| entries.get(first_of_ours));
    seen.and_then(|address| address_of(address)).unwrap_or(peer)
}

/// Some proxies write the port, too.
fn address_of(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// What one subscriber gets: an IPv4 address, or the /64 of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_our_proxies_are_believed() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        for (fields, proxies, expected) in [
            (&[][..], 0, "10.0.0.1"),
            (&["1.1.1.1"], 0, "10.0.0.1"),
            (&["1.1.1.1"], 1, "1.1.1.1"),
            (&["6.6.6.6, 1.1.1.1"], 1, "1.1.1.1"),
            (&["6.6.6.6, 1.1.1.1, 10.9.9.9"], 2, "1.1.1.1"),
            (&["6.6.6.6", "1.1.1.1,10.9.9.9"], 2, "1.1.1.1"),
            (&["1.1.1.1"], 2, "10.0.0.1"),
            (&["unknown"], 1, "10.0.0.1"),
            (&["2001:db8::1"], 1, "2001:db8::1"),
            (&["1.1.1.1:4711"], 1, "1.1.1.1"),
            (&["[2001:db8::1]:4711"], 1, "2001:db8::1"),
        ] {
            let headers =
                fields.iter().map(|field| ("x-forwarded-for".parse().unwrap(), HeaderValue::from_static(field)));
            let client = client(address("10.0.0.1"), &headers.collect(), proxies);
            assert_eq!(client, address(expected), "{fields:?} {proxies}");
        }
    }

    #[test]
    fn a_subscriber_is_an_ipv4_address_or_an_ipv6_network() {
        let network = |text: &str| network(text.parse().expect("an address")).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
