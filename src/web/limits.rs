//! How often one network may do what costs the service most (ASVS 5.0, 2.4.1). A whole school sits behind
//! one address, so the limits stop floods, not Monday mornings.

use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::extract::{FromRef, FromRequestParts};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use http::request::Parts;

use super::{Network, Problem, Site};

/// Sign-ins begun or finished, each counting one: as many at once, then as many a minute.
const SIGN_INS: NonZeroU32 = NonZeroU32::new(120).unwrap();

/// Other requests: as many at once, then as many a second.
const REQUESTS: NonZeroU32 = NonZeroU32::new(300).unwrap();

/// How many networks are remembered before those that have been quiet are forgotten.
const MOST_NETWORKS: usize = 50_000;

/// The limits, by network.
pub struct Limits {
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    requests: DefaultKeyedRateLimiter<IpAddr>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sign_ins: DefaultKeyedRateLimiter::keyed(Quota::per_minute(SIGN_INS)),
            requests: DefaultKeyedRateLimiter::keyed(Quota::per_second(REQUESTS)),
        }
    }
}

/// An IPv6 customer has a whole /64: that counts as one network.
fn key(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes()),
    }
}

fn check(limiter: &DefaultKeyedRateLimiter<IpAddr>, Network(address): Network) -> Result<(), Problem> {
    if limiter.len() > MOST_NETWORKS {
        limiter.retain_recent();
    }
    limiter.check_key(&key(address)).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Problem::TooMany { retry_after: wait.as_secs() + 1 }
    })
}

impl Limits {
    /// Counts a request.
    pub(super) fn request(&self, network: Network) -> Result<(), Problem> {
        check(&self.requests, network)
    }
}

/// Lets through what begins or finishes a sign-in, within the limit.
pub(super) struct SignInLimit;

impl<S: Send + Sync> FromRequestParts<S> for SignInLimit
where
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let site = Site::from_ref(state);
        check(&site.limits.sign_ins, Network::of(&site, parts)).map(|()| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_its_first_64_bits() {
        let address: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        assert_eq!(key(address), "2001:db8:1:2::".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn one_network_is_limited_and_another_is_not() {
        let limits = Limits::default();
        let flood = Network("203.0.113.7".parse().unwrap());
        let refused = (0..2000).filter(|_| limits.request(flood).is_err()).count();
        assert!(refused > 1000, "{refused}");
        assert!(limits.request(Network("203.0.113.8".parse().unwrap())).is_ok());
    }
}
