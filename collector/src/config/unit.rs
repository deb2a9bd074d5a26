//! Texts with a unit: durations, sizes, rates, networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// Why a text is not a quantity of the configuration; the message shows the accepted form.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnitError {
    /// Not a duration.
    #[error("{0:?} is not a duration: a whole number and ns, us, ms, s, m, h or d (\"90s\")")]
    Duration(String),
    /// Not a size.
    #[error("{0:?} is not a size: a whole number and B, KiB, MiB or GiB (\"16MiB\")")]
    Size(String),
    /// Not a rate.
    #[error("{0:?} is not a rate: a whole number from 1 on and /s, /m or /h (\"10/s\")")]
    Rate(String),
    /// Not a share.
    #[error("{0:?} is not a share: a number from 0 to 100 with at most four decimals, and % (\"99.95%\")")]
    Share(String),
    /// Not a network.
    #[error("{0:?} is not an address or a network (\"192.0.2.1\", \"2001:db8::/64\")")]
    Network(String),
}

const DURATIONS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
const RATES: [(&str, u64); 3] = [("/s", 1), ("/m", 60), ("/h", 3600)];

fn quantity(text: &str, units: &[(&str, u64)]) -> Option<(u64, u64)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number = number.parse().ok()?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    Some((number, *factor))
}

/// Reads a duration: `"90s"`, `"5m"`, `"250ms"`.
///
/// # Errors
///
/// [`UnitError::Duration`], also for more than 584 years.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    quantity(text, &DURATIONS)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .map(Duration::from_nanos)
        .ok_or_else(|| UnitError::Duration(text.to_owned()))
}

/// Reads a size in bytes: `"16MiB"`.
///
/// # Errors
///
/// [`UnitError::Size`].
pub fn size(text: &str) -> Result<usize, UnitError> {
    quantity(text, &SIZES)
        .and_then(|(number, factor)| usize::try_from(number.checked_mul(factor)?).ok())
        .ok_or_else(|| UnitError::Size(text.to_owned()))
}

/// Reads a share in parts per million: `"0.05%"` is 500.
///
/// # Errors
///
/// [`UnitError::Share`], also above 100 % and with more than four decimals.
pub fn share(text: &str) -> Result<u32, UnitError> {
    let read = || {
        let number = text.strip_suffix('%')?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain(whole) || !is_plain(decimals) || decimals.len() > 4 {
            return None;
        }
        let ppm: u32 = format!("{whole}{decimals:0<4}").parse().ok()?;
        (ppm <= 1_000_000).then_some(ppm)
    };
    read().ok_or_else(|| UnitError::Share(text.to_owned()))
}

/// `duration` with the largest unit that divides it.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let ns = duration.as_nanos();
    let (unit, factor) = DURATIONS
        .iter()
        .rev()
        .find(|(_, factor)| ns.is_multiple_of(u128::from(*factor)) && ns > 0)
        .unwrap_or(&("s", 1));
    format!("{}{unit}", ns / u128::from(*factor))
}

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How often, at least once.
    pub number: u32,
    /// In which time.
    pub per: Duration,
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        quantity(text, &RATES)
            .and_then(|(number, seconds)| {
                let number = u32::try_from(number).ok().filter(|number| *number > 0)?;
                Some(Self {
                    number,
                    per: Duration::from_secs(seconds),
                })
            })
            .ok_or_else(|| UnitError::Rate(text.to_owned()))
    }
}

impl Rate {
    /// The mean time between two of them.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.per / self.number.max(1)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.per.as_secs();
        let unit = RATES
            .iter()
            .find(|(_, factor)| *factor == seconds)
            .map_or("/s", |(unit, _)| unit);
        write!(f, "{}{unit}", self.number)
    }
}

/// An address, or all addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether `address` lies in the network; an IPv4 address in IPv6 form is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - self.bits;
                network.to_bits().checked_shr(shift).unwrap_or(0)
                    == address.to_bits().checked_shr(shift).unwrap_or(0)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - self.bits;
                network.to_bits().checked_shr(shift).unwrap_or(0)
                    == address.to_bits().checked_shr(shift).unwrap_or(0)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let read = || {
            let (address, bits) = match text.split_once('/') {
                Some((address, bits)) => (address, Some(bits.parse().ok()?)),
                None => (text, None),
            };
            let address: IpAddr = address.parse().ok()?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(most);
            (bits <= most).then_some(Self { address, bits })
        };
        read().ok_or_else(|| UnitError::Network(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_needs_its_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(size("16MiB"), Ok(16 << 20));
        assert_eq!(
            "600/m".parse::<Rate>().unwrap().interval(),
            Duration::from_millis(100)
        );
        for text in ["", "90", "s", "-1s", "1.5s", "1 fortnight", "99999999999d"] {
            assert!(duration(text).is_err(), "{text:?}");
        }
        for text in ["0/s", "10", "10/d"] {
            assert!(text.parse::<Rate>().is_err(), "{text:?}");
        }
        assert!(size("16MB").is_err());
    }

    #[test]
    fn a_share_is_a_percentage_to_four_decimals() {
        for (text, ppm) in [
            ("0%", 0),
            ("0.0001%", 1),
            ("0.05 %", 500),
            ("99.95%", 999_500),
            ("100%", 1_000_000),
        ] {
            assert_eq!(share(text), Ok(ppm), "{text}");
        }
        for text in ["", "%", "5", ".5%", "5.%", "-1%", "0.00001%", "100.0001%", "1e1%"] {
            assert!(share(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_duration_is_written_in_its_largest_unit() {
        for (text, written) in [
            ("90s", "90s"),
            ("60s", "1m"),
            ("300s", "5m"),
            ("48h", "2d"),
            ("0s", "0s"),
        ] {
            assert_eq!(duration_text(duration(text).unwrap()), written);
        }
    }

    #[test]
    fn a_network_contains_what_begins_with_its_bits() {
        let contains = |network: &str, address: &str| {
            network
                .parse::<Network>()
                .unwrap()
                .contains(address.parse().unwrap())
        };
        assert!(contains("192.0.2.0/24", "192.0.2.200"));
        assert!(contains("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(!contains("192.0.2.0/24", "192.0.3.1"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!("192.0.2.0/33".parse::<Network>().is_err());
    }
}
