//! Where a request comes from: the connection, or what a proxy that is believed says.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::HeaderMap;
use http::request::Parts;
use ipnet::IpNet;
use serde::Deserialize;

use super::Site;

/// The proxies that are believed: single addresses, and ranges such as `10.0.0.0/8`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Proxies(Vec<Proxy>);

/// One address or range of them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Proxy(IpNet);

impl TryFrom<String> for Proxy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let single = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        let range = single.or_else(|_| text.parse::<IpNet>());
        range.map(Self).map_err(|_| format!("`{text}` is neither an address nor a range such as 10.0.0.0/8"))
    }
}

impl Proxies {
    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|Proxy(range)| range.contains(&address))
    }
}

/// The network address that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpAddr);

impl Network {
    /// The address of the connection, or what a trusted proxy says (`X-Forwarded-For`, read from the right
    /// past all trusted ones). Anybody else's header is passed over (ASVS 5.0, 4.1.3).
    pub(super) fn of(site: &Site, parts: &Parts) -> Self {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer =
            connection.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(address)| address.ip().to_canonical());
        Self(forwarded(peer, &parts.headers, &site.settings.trusted_proxies))
    }
}

/// Whether a request comes by way of a proxy that is trusted.
pub(super) fn by_trusted_proxy(site: &Site, parts: &Parts) -> bool {
    let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    connection
        .is_some_and(|ConnectInfo(address)| site.settings.trusted_proxies.trust(address.ip().to_canonical()))
}

/// An address as proxies write it: alone, in brackets, or with a port behind it.
fn hop(text: &str) -> Option<IpAddr> {
    let alone = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    alone().or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

fn forwarded(peer: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> IpAddr {
    if !proxies.trust(peer) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").into_iter().filter_map(|line| line.to_str().ok());
    let mut hops: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    while let Some(next) = hops.pop() {
        match hop(next) {
            Some(address) if proxies.trust(address) => {}
            Some(address) => return address,
            None => break,
        }
    }
    peer
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn proxies(these: &[&str]) -> Proxies {
        serde_json::from_value(serde_json::json!(these)).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Where a request from `peer` comes from by this header, if these are trusted.
    fn from(peer: &str, header: &'static str, trusted: &[&str]) -> IpAddr {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static(header));
        forwarded(ip(peer), &headers, &proxies(trusted))
    }

    #[test]
    fn only_a_trusted_proxy_says_where_a_request_comes_from() {
        let header = "198.51.100.1, 203.0.113.7, 10.0.0.1";
        assert_eq!(
            from("203.0.113.7", header, &["10.0.0.1"]),
            ip("203.0.113.7"),
            "no proxy, so not believed"
        );
        assert_eq!(
            from("10.0.0.1", header, &["10.0.0.1"]),
            ip("203.0.113.7"),
            "the nearest hop that is no proxy of ours"
        );
        assert_eq!(from("10.0.0.1", "203.0.113.7, nonsense", &["10.0.0.1"]), ip("10.0.0.1"));
    }

    #[test]
    fn a_port_behind_the_address_is_read_over() {
        for (header, address) in [
            ("203.0.113.7:51234", "203.0.113.7"),
            ("[2001:db8::7]:51234", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("198.51.100.1, [::ffff:203.0.113.7]:443, 10.0.0.1:80", "203.0.113.7"),
        ] {
            assert_eq!(from("10.0.0.1", header, &["10.0.0.1"]), ip(address), "{header}");
        }
    }

    #[test]
    fn a_range_of_proxies_is_trusted_like_each_address_in_it() {
        let header = "198.51.100.1, 203.0.113.7, 10.9.8.7";
        assert_eq!(from("10.1.2.3", header, &["10.0.0.0/8"]), ip("203.0.113.7"));
        assert_eq!(from("11.1.2.3", header, &["10.0.0.0/8"]), ip("11.1.2.3"));
        assert_eq!(from("2001:db8::1", "203.0.113.7", &["2001:db8::/32"]), ip("203.0.113.7"));
        assert_eq!(from("10.1.2.3", "203.0.113.7", &["::ffff:10.1.2.3"]), ip("203.0.113.7"));
    }

    #[test]
    fn what_is_no_address_is_told() {
        for wrong in ["", "proxy", "10.0.0.0/33", "10.0.0/8"] {
            let read = serde_json::from_value::<Proxies>(serde_json::json!([wrong]));
            let told = read.unwrap_err().to_string();
            assert!(told.contains(&format!("`{wrong}` is neither an address nor a range")), "{told}");
        }
    }
}
