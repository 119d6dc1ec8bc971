//! The address of a client behind proxies.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use axum::http::HeaderMap;
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, de};

/// The header in which each proxy appends the address that it received the request from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// An address or a network in CIDR notation, for example `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// The text isn't a [`Network`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network such as 10.0.0.0/8")]
pub struct InvalidNetwork;

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        let network = address.or_else(|_| text.parse::<IpNet>());
        network
            .map(|network| Self(canonical(network)))
            .map_err(|_| InvalidNetwork)
    }
}

impl Network {
    /// Returns whether an address is in the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Converts a network of IPv4-mapped addresses (`::ffff:10.0.0.0/104`) to the network of the IPv4
/// addresses, because addresses are compared in that form.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else {
        return network;
    };
    let converted = mapped
        .addr()
        .to_ipv4_mapped()
        .zip(mapped.prefix_len().checked_sub(96))
        .and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    converted.map_or(network, IpNet::V4)
}

/// Parses a hop. Some proxies append the port, as `192.0.2.7:51234` or `[2001:db8::5]:51234`.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let with_port = |text: &str| text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(|| with_port(text))
}

/// The networks of the operator's proxies (`TRUSTED_PROXIES`).
///
/// A proxy appends an address to the header `X-Forwarded-For`. Only what a trusted proxy appended
/// counts, because clients can send the header themselves.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Trusts the proxies in these networks.
    #[must_use]
    pub const fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Returns the address of the client that sent a request: the last hop that is not a trusted
    /// proxy. `peer` is the other end of the connection.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let lines: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .map(|line| line.to_str().unwrap_or_default())
            .collect();
        let mut client = peer;
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            // A hop that isn't an address was not appended by a proxy that this service knows.
            let Some(address) = parse_hop(hop.trim()) else {
                return client;
            };
            client = address.to_canonical();
            if !self.contains(client) {
                return client;
            }
        }
        client
    }

    /// Returns whether an address, which must be canonical, is that of a trusted proxy.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|Network(network)| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str]) -> String {
        let proxies = TrustedProxies::new(vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8:1::/48".parse().unwrap(),
        ]);
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_hop_that_is_not_a_trusted_proxy() {
        for (peer, lines, expected) in [
            ("10.0.0.1", &["192.0.2.7"][..], "192.0.2.7"),
            // The client sent an address itself. The proxies appended the others.
            ("10.0.0.1", &["203.0.113.1, 192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &["203.0.113.1, 192.0.2.7, 10.1.2.3"], "192.0.2.7"),
            ("10.0.0.1", &["203.0.113.1", "192.0.2.7,10.1.2.3"], "192.0.2.7"),
            ("10.0.0.1", &["2001:db8:2::5"], "2001:db8:2::5"),
            ("2001:db8:1::1", &["192.0.2.7"], "192.0.2.7"),
            ("::ffff:10.0.0.1", &["::ffff:192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &["10.0.0.9"], "10.0.0.9"),
            ("10.0.0.1", &["192.0.2.7:51234"], "192.0.2.7"),
            (
                "10.0.0.1",
                &["203.0.113.1, [2001:db8:2::5]:51234"],
                "2001:db8:2::5",
            ),
            ("10.0.0.1", &["192.0.2.7, 10.1.2.3:80"], "192.0.2.7"),
        ] {
            assert_eq!(client(peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_network_is_an_address_or_has_a_prefix_length() {
        for text in ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1", "::1"] {
            assert!(text.parse::<Network>().is_ok(), "{text}");
        }
        for text in ["", "10.0.0.0/33", "proxy", "10.0.0.0/", "10.0.0.0/8 "] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }

    #[test]
    fn a_network_of_ipv4_mapped_addresses_is_that_of_the_ipv4_addresses() {
        for text in ["::ffff:10.0.0.0/104", "::ffff:10.0.0.1"] {
            let proxies = TrustedProxies::new(vec![text.parse().unwrap()]);
            let headers = [(FORWARDED_FOR, "192.0.2.7")]
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .into_iter()
                .collect();
            for peer in ["10.0.0.1", "::ffff:10.0.0.1"] {
                let client = proxies.client(peer.parse().unwrap(), &headers);
                assert_eq!(client.to_string(), "192.0.2.7", "{text} {peer}");
            }
        }
    }

    #[test]
    fn the_header_of_a_client_that_is_not_a_proxy_is_ignored() {
        assert_eq!(client("192.0.2.7", &["203.0.113.1"]), "192.0.2.7");
        assert_eq!(client("192.0.2.7", &[]), "192.0.2.7");
    }

    #[test]
    fn what_stands_left_of_a_hop_that_is_not_an_address_is_not_believed() {
        for hop in [
            "unknown",
            "",
            "192.0.2.7:",
            "192.0.2.7:99999",
            "\"[2001:db8:2::5]\"",
        ] {
            assert_eq!(client("10.0.0.1", &[&format!("203.0.113.1, {hop}")]), "10.0.0.1");
            assert_eq!(
                client("10.0.0.1", &[&format!("203.0.113.1, {hop}, 10.1.2.3")]),
                "10.1.2.3"
            );
        }
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }
}
