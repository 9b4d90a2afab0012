//! How often one network may do what costs the service most (ASVS 5.0, 2.4.1). A whole school sits behind
//! one address, so the limits stop floods, not Monday mornings.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota};
use http::request::Parts;

use super::{Network, Problem, Site};
use crate::metrics::{self, Limit};

/// Sign-ins begun or finished, each counting one: as many at once, then as many a minute.
const SIGN_INS: NonZeroU32 = NonZeroU32::new(120).unwrap();

/// Other requests: as many at once, then as many a second.
const REQUESTS: NonZeroU32 = NonZeroU32::new(300).unwrap();

/// One-time passwords asked for, and codes tried, each counting one: as many at once, then one every three seconds.
/// A school that has its training day behind one address gets by with it; whoever guesses gets nowhere with it.
const CODES: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// Addresses that nobody knows, for which a one-time password is asked for: from one network as many at once, then
/// one a minute.
const STRANGERS: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// The same from everywhere: as many at once, then as many a minute. Each gets one mail a day, and one record here.
const ALL_STRANGERS: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// How many networks are remembered before those that have been quiet are forgotten.
const MOST_NETWORKS: usize = 50_000;

/// The limits, by network.
pub struct Limits {
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    requests: DefaultKeyedRateLimiter<IpAddr>,
    codes: DefaultKeyedRateLimiter<IpAddr>,
    strangers: DefaultKeyedRateLimiter<IpAddr>,
    all_strangers: DefaultDirectRateLimiter,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sign_ins: DefaultKeyedRateLimiter::keyed(Quota::per_minute(SIGN_INS)),
            requests: DefaultKeyedRateLimiter::keyed(Quota::per_second(REQUESTS)),
            codes: DefaultKeyedRateLimiter::keyed(spaced(CODES, 3)),
            strangers: DefaultKeyedRateLimiter::keyed(spaced(STRANGERS, 60)),
            all_strangers: DefaultDirectRateLimiter::direct(Quota::per_minute(ALL_STRANGERS)),
        }
    }
}

/// So many at once, then one every so many seconds.
fn spaced(burst: NonZeroU32, seconds: u64) -> Quota {
    let quota = Quota::with_period(Duration::from_secs(seconds)).unwrap_or(Quota::per_minute(burst));
    quota.allow_burst(burst)
}

/// An IPv6 customer has a whole /64: that counts as one network.
fn key(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes()),
    }
}

fn check(
    limiter: &DefaultKeyedRateLimiter<IpAddr>,
    limit: Limit,
    Network(address): Network,
) -> Result<(), Problem> {
    if limiter.len() > MOST_NETWORKS {
        limiter.retain_recent();
    }
    limiter.check_key(&key(address)).map_err(|not_until| {
        metrics::rate_limited(limit);
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Problem::TooMany { retry_after: wait.as_secs() + 1 }
    })
}

impl Limits {
    /// Limits under which one network may do as much as it can: for measuring, and for tests of other limits.
    pub fn measuring() -> Self {
        let all = NonZeroU32::MAX;
        Self {
            sign_ins: DefaultKeyedRateLimiter::keyed(Quota::per_second(all)),
            requests: DefaultKeyedRateLimiter::keyed(Quota::per_second(all)),
            codes: DefaultKeyedRateLimiter::keyed(Quota::per_second(all)),
            strangers: DefaultKeyedRateLimiter::keyed(Quota::per_second(all)),
            all_strangers: DefaultDirectRateLimiter::direct(Quota::per_second(all)),
        }
    }

    /// Whether an address that nobody knows is taken note of when a one-time password is asked for.
    pub(super) fn admits_stranger(&self, network: Network) -> bool {
        let known = check(&self.strangers, Limit::Strangers, network).is_ok();
        let admitted = known && self.all_strangers.check().is_ok();
        if known && !admitted {
            metrics::rate_limited(Limit::Strangers);
        }
        admitted
    }

    /// Counts a request.
    pub(super) fn request(&self, network: Network) -> Result<(), Problem> {
        check(&self.requests, Limit::Requests, network)
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
        check(&site.limits.sign_ins, Limit::SignIns, Network::of(&site, parts)).map(|()| Self)
    }
}

/// Lets through what asks for a one-time password or tries one, within the limit.
pub(super) struct CodeLimit;

impl<S: Send + Sync> FromRequestParts<S> for CodeLimit
where
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let site = Site::from_ref(state);
        check(&site.limits.codes, Limit::Codes, Network::of(&site, parts)).map(|()| Self)
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
