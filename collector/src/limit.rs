//! How often something may happen: requests of one key, failures of one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ippm::UnixTime;

use crate::config::unit::Rate;

/// Limits the requests of each key.
#[derive(Debug)]
pub struct KeyLimiter {
    limiter: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl KeyLimiter {
    /// Each key may do `burst` requests at once and `rate` in the long run.
    #[must_use]
    pub fn new(rate: Rate, burst: u32) -> Self {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(rate.interval())
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        Self {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
        }
    }

    /// Takes one request of the key `id`.
    ///
    /// # Errors
    ///
    /// The time until the next one is allowed.
    pub fn take(&self, id: &str) -> Result<(), Duration> {
        self.limiter
            .check_key(&id.to_owned())
            .map_err(|denied| denied.wait_time_from(self.clock.now()))
    }

    /// Forgets keys that were not used lately, revoked ones among them.
    pub fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// Limits failed authentications of each address, in a table that does not grow.
///
/// An IPv6 host has a whole /64 to choose from, so that is what counts as one address. A valid key
/// is never refused here: behind one address there may be many probes.
#[derive(Debug)]
pub struct FailureLimiter {
    rate: Rate,
    burst: u32,
    capacity: usize,
    table: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Failures left, in thousandths.
    left: u64,
    at: UnixTime,
}

impl FailureLimiter {
    /// Each address may fail `burst` times at once and `rate` in the long run; `capacity` addresses
    /// are remembered.
    #[must_use]
    pub fn new(rate: Rate, burst: u32, capacity: usize) -> Self {
        Self {
            rate,
            burst,
            capacity,
            table: Mutex::new(HashMap::new()),
        }
    }

    /// Notes a failure of `address` at `now`.
    ///
    /// # Errors
    ///
    /// The address failed too often: the time until it may fail again.
    pub fn fail(&self, address: IpAddr, now: UnixTime) -> Result<(), Duration> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let address = aggregate(address);
        if !table.contains_key(&address) && table.len() >= self.capacity {
            self.make_room(&mut table, now);
        }
        let full = u64::from(self.burst) * 1000;
        let bucket = table.entry(address).or_insert(Bucket { left: full, at: now });
        bucket.left = self.refilled(*bucket, now);
        bucket.at = now;
        if bucket.left < 1000 {
            return Err(self.rate.interval());
        }
        bucket.left -= 1000;
        Ok(())
    }

    /// Whether a further failure of `address` would be too many; counts nothing.
    #[must_use]
    pub fn is_spent(&self, address: IpAddr, now: UnixTime) -> bool {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = table.get(&aggregate(address));
        bucket.is_some_and(|bucket| self.refilled(*bucket, now) < 1000)
    }

    /// Addresses that are remembered.
    #[must_use]
    pub fn addresses(&self) -> usize {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn refilled(&self, bucket: Bucket, now: UnixTime) -> u64 {
        let elapsed = now.since(bucket.at).unwrap_or_default().as_nanos();
        let interval = self.rate.interval().as_nanos().max(1);
        let gained = u64::try_from(elapsed.saturating_mul(1000) / interval).unwrap_or(u64::MAX);
        bucket
            .left
            .saturating_add(gained)
            .min(u64::from(self.burst) * 1000)
    }

    /// Forgets who has not failed lately; if that is nobody, the older half.
    fn make_room(&self, table: &mut HashMap<IpAddr, Bucket>, now: UnixTime) {
        let full = u64::from(self.burst) * 1000;
        table.retain(|_, bucket| self.refilled(*bucket, now) < full);
        if table.len() >= self.capacity {
            let mut times: Vec<UnixTime> = table.values().map(|bucket| bucket.at).collect();
            times.sort_unstable();
            let median = times.get(times.len() / 2).copied().unwrap_or(now);
            table.retain(|_, bucket| bucket.at > median);
        }
    }
}

/// One client: an IPv4 address, or a network of 64 bits of IPv6.
#[must_use]
pub(crate) fn aggregate(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_ns(seconds * 1_000_000_000)
    }

    #[test]
    fn an_address_may_fail_a_few_times_and_then_at_the_rate() {
        let limiter = FailureLimiter::new("1/s".parse().unwrap(), 2, 10);
        let address = "192.0.2.1".parse().unwrap();
        assert!(limiter.fail(address, at(0)).is_ok());
        assert!(limiter.fail(address, at(0)).is_ok());
        assert_eq!(limiter.fail(address, at(0)), Err(Duration::from_secs(1)));
        assert!(limiter.fail("192.0.2.2".parse().unwrap(), at(0)).is_ok());
        assert!(limiter.fail(address, at(1)).is_ok());
        assert!(limiter.fail(address, at(1)).is_err());
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let limiter = FailureLimiter::new("1/h".parse().unwrap(), 1, 10);
        assert!(limiter.fail("2001:db8::1".parse().unwrap(), at(0)).is_ok());
        assert!(limiter.fail("2001:db8::2".parse().unwrap(), at(0)).is_err());
        assert!(limiter.fail("2001:db8:0:1::1".parse().unwrap(), at(0)).is_ok());
    }

    #[test]
    fn the_table_does_not_grow() {
        let limiter = FailureLimiter::new("1/h".parse().unwrap(), 1, 100);
        for host in 0..10_000_u32 {
            let _ = limiter.fail(IpAddr::V4((0x0a00_0000 + host).into()), at(i64::from(host)));
            assert!(limiter.addresses() <= 100);
        }
    }
}
