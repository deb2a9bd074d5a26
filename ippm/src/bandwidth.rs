//! How many bits pass in a second.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A rate in bits per second, never zero; k is 1000 and never 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bandwidth(u64);

/// Why a text is not a bandwidth.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{found:?} is not a bandwidth: a number from 1bit/s to {} and bit/s, kbit/s, Mbit/s, Gbit/s or Tbit/s (\"2.5Gbit/s\")",
    Bandwidth::MAX
)]
pub struct BandwidthError {
    found: String,
}

/// The units, largest first, with their length in bits per second.
const UNITS: [(u64, &str); 5] = [
    (1_000_000_000_000, "Tbit/s"),
    (1_000_000_000, "Gbit/s"),
    (1_000_000, "Mbit/s"),
    (1_000, "kbit/s"),
    (1, "bit/s"),
];

impl Bandwidth {
    /// The largest: beyond every port of an exchange, and small enough that sums over a mesh stay exact.
    pub const MAX: Self = Self(100_000_000_000_000);

    /// A bandwidth of so many bits per second; `None` for zero and above [`Bandwidth::MAX`].
    #[must_use]
    pub const fn from_bits(bits_per_second: u64) -> Option<Self> {
        if bits_per_second == 0 || bits_per_second > Self::MAX.0 {
            None
        } else {
            Some(Self(bits_per_second))
        }
    }

    /// Bits per second.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl FromStr for Bandwidth {
    type Err = BandwidthError;

    fn from_str(text: &str) -> Result<Self, BandwidthError> {
        let read = || {
            let unit_at = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
            let (number, unit) = text.split_at(unit_at);
            let (factor, _) = UNITS.into_iter().find(|(_, name)| *name == unit)?;
            let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
            let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if !is_number(whole) || !is_number(decimals) || decimals.len() > 12 {
                return None;
            }
            let scale = 10_u64.checked_pow(u32::try_from(decimals.len()).ok()?)?;
            let part = decimals.parse::<u64>().ok()?.checked_mul(factor)?;
            if !part.is_multiple_of(scale) {
                return None;
            }
            Self::from_bits(
                whole
                    .parse::<u64>()
                    .ok()?
                    .checked_mul(factor)?
                    .checked_add(part / scale)?,
            )
        };
        read().ok_or_else(|| BandwidthError {
            found: text.chars().take(64).collect(),
        })
    }
}

impl fmt::Display for Bandwidth {
    /// A whole number and the largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (factor, name) = UNITS
            .into_iter()
            .find(|(factor, _)| self.0.is_multiple_of(*factor))
            .unwrap_or((1, "bit/s"));
        write!(f, "{}{name}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_is_a_thousand_and_decimals_are_exact() {
        for (text, bits) in [
            ("87200bit/s", 87_200),
            ("87.2kbit/s", 87_200),
            ("2.5Gbit/s", 2_500_000_000),
            ("100Tbit/s", 100_000_000_000_000),
            ("1bit/s", 1),
        ] {
            assert_eq!(text.parse::<Bandwidth>().map(Bandwidth::bits), Ok(bits), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_number_of_bits_or_has_no_unit_is_refused() {
        for text in [
            "",
            "0bit/s",
            "0.5bit/s",
            "1.2345kbit/s",
            "100",
            "1k",
            "1Kbit/s",
            "-1bit/s",
            ".5Gbit/s",
            "1.Gbit/s",
            "1e3bit/s",
            "101Tbit/s",
            "18446744073709551616bit/s",
            "99999999999999999999Gbit/s",
            "1 Gbit/s",
            "1.0000000000000Tbit/s",
            "١Gbit/s",
        ] {
            assert!(text.parse::<Bandwidth>().is_err(), "{text:?}");
        }
        let message = "1G".parse::<Bandwidth>().unwrap_err().to_string();
        assert!(message.contains("100Tbit/s"), "{message}");
    }

    #[test]
    fn a_bandwidth_is_read_as_it_is_written() {
        for bits in [
            1,
            999,
            1_000,
            87_200,
            1_500_000,
            2_500_000_000,
            100_000_000_000_000,
        ] {
            let bandwidth = Bandwidth::from_bits(bits).unwrap();
            assert_eq!(bandwidth.to_string().parse(), Ok(bandwidth), "{bandwidth}");
        }
        assert_eq!(
            Bandwidth::from_bits(2_500_000_000).unwrap().to_string(),
            "2500Mbit/s"
        );
    }
}
