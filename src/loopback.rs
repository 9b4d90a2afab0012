//! Which hosts are this machine, to which settings let a connection go without encryption.

use std::net::IpAddr;

/// Whether a host, with or without an IPv6 address's brackets, is this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
