//! Averages per minute, as exchanges publish them: first over each minute, then over the period.
//!
//! A minute of the wall clock counts if packets left in it, each minute alike however many there were. Delay
//! variation per minute is not offered: slices hold sums of delays and no differences of neighbors.

use std::cmp::Ordering;

use ippm::UnixTime;

/// Slices in a minute.
pub const SLICES: i64 = 6;

/// Length of a minute, ns.
const MINUTE_NS: i64 = 60_000_000_000;

/// Averages over the minutes of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Minutes {
    /// Minutes with packets.
    pub count: u64,
    /// Of them with loss.
    pub lossy: u64,
    /// Mean of their loss ratios, 0 to 1.
    pub mean_loss: f64,
    /// Minutes in which a packet came back with a delay.
    pub with_delay: u64,
    /// Mean of their mean delays, ns; `None` if there is none.
    pub mean_delay_ns: Option<f64>,
    /// The minute with the largest mean delay, the earliest of several: its start, and the mean in ns.
    pub worst_delay: Option<(UnixTime, f64)>,
    /// The minute with the largest loss ratio, the earliest of several: its start, and the ratio.
    pub worst_loss: Option<(UnixTime, f64)>,
}

/// Counts of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute {
    /// Its start ÷ 60 s, since 1970.
    pub number: i64,
    /// Packets sent.
    pub sent: u64,
    /// Packets lost.
    pub lost: u64,
    /// Packets with a delay.
    pub rtt_count: u64,
    /// Sum of their delays, ns.
    pub rtt_sum_ns: u64,
}

/// Sums of minutes. They are added in the order of time: sums of floating point depend on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sums {
    open: Option<Minute>,
    count: u64,
    lossy: u64,
    loss: f64,
    with_delay: u64,
    delay_ns: f64,
    worst_delay: Option<(i64, f64)>,
    worst_loss: Option<(i64, f64)>,
}

impl Sums {
    /// Of no minute.
    pub const NONE: Self = Self {
        open: None,
        count: 0,
        lossy: 0,
        loss: 0.0,
        with_delay: 0,
        delay_ns: 0.0,
        worst_delay: None,
        worst_loss: None,
    };

    /// Adds counts of a minute; the parts of one minute come one after the other.
    pub fn add(&mut self, part: Minute) {
        match &mut self.open {
            Some(open) if open.number == part.number => {
                open.sent += part.sent;
                open.lost += part.lost;
                open.rtt_count += part.rtt_count;
                open.rtt_sum_ns += part.rtt_sum_ns;
            }
            _ => {
                self.close();
                self.open = Some(part);
            }
        }
    }

    /// Adds the minutes of `other`, which are another pair's: each counts for itself.
    pub fn merge(&mut self, other: &Self) {
        let mut other = *other;
        other.close();
        self.close();
        self.count += other.count;
        self.lossy += other.lossy;
        self.loss += other.loss;
        self.with_delay += other.with_delay;
        self.delay_ns += other.delay_ns;
        for (own, theirs) in [
            (&mut self.worst_delay, other.worst_delay),
            (&mut self.worst_loss, other.worst_loss),
        ] {
            if let Some((number, value)) = theirs {
                keep_worst(own, number, value);
            }
        }
    }

    /// The averages; `None` without a minute with packets.
    #[must_use]
    pub fn finish(mut self) -> Option<Minutes> {
        self.close();
        let at = |(number, value): (i64, f64)| (UnixTime::from_ns(number.saturating_mul(MINUTE_NS)), value);
        (self.count > 0).then(|| Minutes {
            count: self.count,
            lossy: self.lossy,
            mean_loss: self.loss / as_f64(self.count),
            with_delay: self.with_delay,
            mean_delay_ns: (self.with_delay > 0).then(|| self.delay_ns / as_f64(self.with_delay)),
            worst_delay: self.worst_delay.map(at),
            worst_loss: self.worst_loss.map(at),
        })
    }

    fn close(&mut self) {
        let Some(minute) = self.open.take().filter(|minute| minute.sent > 0) else {
            return;
        };
        self.count += 1;
        if minute.lost > 0 {
            let loss = as_f64(minute.lost) / as_f64(minute.sent);
            self.lossy += 1;
            self.loss += loss;
            keep_worst(&mut self.worst_loss, minute.number, loss);
        }
        if minute.rtt_count > 0 {
            let delay = as_f64(minute.rtt_sum_ns) / as_f64(minute.rtt_count);
            self.with_delay += 1;
            self.delay_ns += delay;
            keep_worst(&mut self.worst_delay, minute.number, delay);
        }
    }
}

/// The sum of `numbers`; of one beyond 64 bits the largest number.
pub(super) fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0, |sum, number| sum.saturating_add(*number))
}

fn keep_worst(worst: &mut Option<(i64, f64)>, number: i64, value: f64) {
    let is_worse = worst.is_none_or(|(earlier, known)| match value.total_cmp(&known) {
        Ordering::Greater => true,
        Ordering::Equal => number < earlier,
        Ordering::Less => false,
    });
    if is_worse {
        *worst = Some((number, value));
    }
}

/// A count or a sum for a mean: exact up to 2^53, then rounded to nearest even, on every platform alike.
#[expect(
    clippy::cast_precision_loss,
    reason = "rounded to nearest even, 1e-16 relative"
)]
pub(super) const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(number: i64, sent: u64, lost: u64, rtt_count: u64, rtt_sum_ns: u64) -> Minute {
        Minute {
            number,
            sent,
            lost,
            rtt_count,
            rtt_sum_ns,
        }
    }

    #[test]
    fn each_minute_counts_alike_however_many_packets_it_holds() {
        let mut sums = Sums::NONE;
        // 1 of 4 and 0 of 40: the mean of minutes is 12.5 %, the loss ratio 1 of 44.
        sums.add(minute(1, 4, 1, 3, 3_000));
        sums.add(minute(2, 40, 0, 40, 120_000));
        let minutes = sums.finish().unwrap();
        assert_eq!((minutes.count, minutes.lossy, minutes.mean_loss), (2, 1, 0.125));
        // 1,000 ns and 3,000 ns.
        assert_eq!(minutes.mean_delay_ns, Some(2_000.0));
        assert_eq!(
            minutes.worst_delay,
            Some((UnixTime::from_ns(120_000_000_000), 3_000.0))
        );
        assert_eq!(
            minutes.worst_loss,
            Some((UnixTime::from_ns(60_000_000_000), 0.25))
        );
    }

    #[test]
    fn a_minute_that_is_cut_is_one_minute() {
        let mut sums = Sums::NONE;
        sums.add(minute(1, 2, 1, 1, 1_000));
        sums.add(minute(1, 2, 0, 2, 5_000));
        let minutes = sums.finish().unwrap();
        assert_eq!((minutes.count, minutes.mean_loss), (1, 0.25));
        assert_eq!(minutes.mean_delay_ns, Some(2_000.0));
    }

    #[test]
    fn a_minute_of_total_loss_has_no_delay_and_a_minute_without_packets_is_none() {
        let mut sums = Sums::NONE;
        sums.add(minute(1, 6, 6, 0, 0));
        sums.add(minute(2, 0, 0, 0, 0));
        let minutes = sums.finish().unwrap();
        assert_eq!(
            (minutes.count, minutes.mean_loss, minutes.with_delay),
            (1, 1.0, 0)
        );
        assert_eq!(minutes.mean_delay_ns, None);
        assert_eq!(Sums::NONE.finish(), None);
    }
}
