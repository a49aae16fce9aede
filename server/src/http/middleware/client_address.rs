//! The address of the client that a request comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

/// The address at the other end of the connection: the client, or the last proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAddr(pub(crate) IpAddr);

/// Returns the address of the client as the outermost of our proxies saw it. The entries of `X-Forwarded-For` before
/// that one were written by the client itself. With fewer entries than proxies the request did not pass them all, and
/// the peer is the client.
pub(crate) fn client_address(PeerAddr(peer): PeerAddr, headers: &HeaderMap, trusted_proxies: usize) -> IpAddr {
    let fields = headers.get_all("x-forwarded-for").iter().filter_map(|field| field.to_str().ok());
    let entries: Vec<_> = fields.flat_map(|field| field.split(',')).map(str::trim).collect();
    let seen = entries.len().checked_sub(trusted_proxies).and_then(|first_of_ours| entries.get(first_of_ours));
    seen.and_then(|entry| parse_entry(entry)).unwrap_or(peer)
}

/// Some proxies write the port, too.
fn parse_entry(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// Returns what one subscriber gets: an IPv4 address, or the /64 network of an IPv6 address.
pub(crate) fn subscriber_network(address: IpAddr) -> IpAddr {
    network(address, 32, 64)
}

/// Returns what one site may get, such as a company or a tunnel's user: an IPv4 address, or the /48 network of an IPv6
/// address, which has 65,536 of the networks that a subscriber gets.
pub(crate) fn site_network(address: IpAddr) -> IpAddr {
    network(address, 32, 48)
}

/// Returns the network that a subscriber shares with thousands of others: the /16 of an IPv4 address, or the /32 of an
/// IPv6 address, which is what a provider gets.
pub(crate) fn provider_network(address: IpAddr) -> IpAddr {
    network(address, 16, 32)
}

/// The first bits of the address; so many of an IPv4 or an IPv6 address.
fn network(address: IpAddr, v4: u32, v6: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << (u32::BITS - v4))).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (u128::BITS - v6))).into(),
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
            let client = client_address(PeerAddr(address("10.0.0.1")), &headers.collect(), proxies);
            assert_eq!(client, address(expected), "{fields:?} {proxies}");
        }
    }

    #[test]
    fn a_network_is_a_part_of_the_address() {
        let network = |text: &str| subscriber_network(text.parse().expect("an address")).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        let network = |text: &str| site_network(text.parse().expect("an address")).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
        let network = |text: &str| provider_network(text.parse().expect("an address")).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.0.0");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8::");
    }
}
