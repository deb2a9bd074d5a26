//! What the numbers of a measured result say about each other, in the order in which they are asked.

use std::time::Duration;

use super::reject::{RejectCode, Rejection};
use super::{DelayV1, IpdvV1, SlicesV1};
use crate::histogram::Histogram;
use crate::{Delay, IcmpErrorCount, IpdvSummary, Params, Rtt, Slices, Summary, UnixTime};

/// The numbers of a result, each of the right type and none of them believed.
pub(super) struct Numbers {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) late: u64,
    pub(super) duplicates: u64,
    pub(super) reordered: u64,
    pub(super) unsent: u64,
    pub(super) slices: SlicesV1,
    pub(super) slices_start: UnixTime,
    pub(super) loss_runs: Vec<(u64, u64)>,
    pub(super) icmp_errors: Vec<IcmpErrorCount>,
    pub(super) hop_limits: Vec<(u8, u64)>,
    pub(super) dscp_received: Vec<(u8, u64)>,
    pub(super) path_mtu: Option<u64>,
    pub(super) delay: Option<DelayV1>,
    pub(super) ipdv: Option<IpdvV1>,
}

impl Numbers {
    /// The summary, if its numbers can be those of one sample in a round that began at `round_start`
    /// and took `duration`.
    pub(super) fn into_summary(
        self,
        round_start: UnixTime,
        duration: Duration,
    ) -> Result<Summary, Rejection> {
        let lost = self.check_counts()?;
        self.check_sums(lost)?;
        self.check_slices(round_start, duration)?;
        self.check_delay()?;
        let hist = self.histogram()?;
        self.check_ipdv()?;
        Ok(self.believed(hist))
    }

    /// The number of lost packets.
    fn check_counts(&self) -> Result<u64, Rejection> {
        ensure(
            self.sent > 0,
            RejectCode::NothingSent,
            "measured, and nothing sent",
        )?;
        let counts = |holds, error| ensure(holds, RejectCode::BadCounts, error);
        counts(self.received <= self.sent, "received is above sent")?;
        let lost = self.sent - self.received;
        counts(self.late <= lost, "late is above sent - received")?;
        counts(
            is_counted(&self.hop_limits),
            "hop_limits do not ascend, or count nothing",
        )?;
        counts(
            total(self.hop_limits.iter().map(|(_, packets)| *packets)) <= u128::from(self.received),
            "hop_limits count more than received",
        )?;
        counts(
            is_counted(&self.dscp_received),
            "dscp_received do not ascend, or count nothing",
        )?;
        counts(
            self.dscp_received
                .iter()
                .all(|(dscp, _)| *dscp <= Params::MAX_DSCP),
            "a code point of dscp_received has more than six bits",
        )?;
        counts(
            total(self.dscp_received.iter().map(|(_, packets)| *packets)) <= u128::from(self.received),
            "dscp_received count more than received",
        )?;
        if self.icmp_errors.len() > Summary::MAX_ICMP_ERRORS {
            return Err(Rejection::new(
                RejectCode::BadCounts,
                &format_args!("more than {} icmp_errors", Summary::MAX_ICMP_ERRORS),
            ));
        }
        Ok(lost)
    }

    /// The sums come before the form of the lists, as everywhere in the interface.
    fn check_sums(&self, lost: u64) -> Result<(), Rejection> {
        ensure(
            sum(&self.slices.sent) == u128::from(self.sent),
            RejectCode::BadSlices,
            "slices.sent do not add up to sent",
        )?;
        ensure(
            sum(&self.slices.lost) == u128::from(lost),
            RejectCode::BadSlices,
            "slices.lost do not add up to sent - received",
        )?;
        let runs = |holds, error| ensure(holds, RejectCode::BadLossRuns, error);
        let in_runs = self.loss_runs.iter().fold(0_u128, |sum, (length, number)| {
            sum.saturating_add(u128::from(*length) * u128::from(*number))
        });
        runs(
            in_runs == u128::from(lost),
            "loss_runs do not add up to sent - received",
        )?;
        runs(
            is_counted(&self.loss_runs) && self.loss_runs.first().is_none_or(|(length, _)| *length > 0),
            "loss_runs do not ascend, or hold a zero",
        )
    }

    fn check_slices(&self, round_start: UnixTime, duration: Duration) -> Result<(), Rejection> {
        let check = |holds, error| ensure(holds, RejectCode::BadSlices, error);
        let SlicesV1 {
            length_ns,
            sent,
            lost,
            rtt_count,
            rtt_sum_ns,
            ..
        } = &self.slices;
        let number = sent.len();
        check(
            [lost.len(), rtt_count.len(), rtt_sum_ns.len()] == [number; 3],
            "the lists of slices have different lengths",
        )?;
        if number > Slices::MAX {
            return Err(Rejection::new(
                RejectCode::BadSlices,
                &format_args!("more than {} slices", Slices::MAX),
            ));
        }
        check(
            Duration::from_nanos(*length_ns) == Slices::LENGTH,
            "slices.length_ns is not 10 s",
        )?;
        check(
            self.slices_start == self.slices_start.floor(Slices::LENGTH),
            "slices.start is not on 10 s",
        )?;
        // There is at least one slice, because something was sent; there are at most 360.
        let steps = u32::try_from(number.saturating_sub(1)).unwrap_or(u32::MAX);
        let last = self
            .slices_start
            .saturating_add(Slices::LENGTH.saturating_mul(steps));
        check(
            self.slices_start >= round_start.floor(Slices::LENGTH),
            "slices begin before the round",
        )?;
        check(
            last <= round_start.saturating_add(duration),
            "slices end after the round",
        )?;
        let fits = |at: usize| lost[at] <= sent[at] && rtt_count[at] <= sent[at] - lost[at];
        check(
            (0..number).all(fits),
            "a slice has more packets lost or timed than sent",
        )
    }

    fn check_delay(&self) -> Result<(), Rejection> {
        let check = |holds, error| ensure(holds, RejectCode::BadDelay, error);
        if let Some(delay) = &self.delay {
            check(delay.count > 0, "delay.rtt.count is 0")?;
            check(delay.count <= self.received, "delay.rtt.count is above received")?;
            let ascending = [
                delay.min_ns,
                delay.p50_ns,
                delay.p95_ns,
                delay.p99_ns,
                delay.max_ns,
            ];
            check(
                ascending.is_sorted(),
                "delay.rtt is not min <= p50 <= p95 <= p99 <= max",
            )?;
            let times = |ns: u64| u128::from(delay.count) * u128::from(ns);
            check(
                (times(delay.min_ns)..=times(delay.max_ns)).contains(&u128::from(delay.sum_ns)),
                "delay.rtt.sum_ns is outside count * min to count * max",
            )?;
        }
        let (count, sum_ns) = self.delay.as_ref().map_or((0, 0), |d| (d.count, d.sum_ns));
        ensure(
            sum(&self.slices.rtt_count) == u128::from(count),
            RejectCode::BadSlices,
            "slices.rtt_count do not add up to delay.rtt.count",
        )?;
        ensure(
            sum(&self.slices.rtt_sum_ns) == u128::from(sum_ns),
            RejectCode::BadSlices,
            "slices.rtt_sum_ns do not add up to delay.rtt.sum_ns",
        )?;
        match &self.delay {
            Some(delay) => check(
                delay.m2_ns2 >= 0.0 && delay.m2_ns2.is_finite(),
                "delay.rtt.m2_ns2 is negative or not finite",
            ),
            None => Ok(()),
        }
    }

    fn histogram(&self) -> Result<Option<Histogram>, Rejection> {
        let Some(delay) = &self.delay else {
            return Ok(None);
        };
        let hist = Histogram::decode(&delay.hist)
            .map_err(|error| Rejection::new(RejectCode::BadHistogram, &error))?;
        let check = |holds, error| ensure(holds, RejectCode::BadHistogram, error);
        check(
            hist.total() == delay.count,
            "delay.rtt.hist does not add up to count",
        )?;
        check(
            hist.first() == Some(Histogram::bucket_of(delay.min_ns)),
            "delay.rtt.min_ns is not in the first bucket",
        )?;
        check(
            hist.last() == Some(Histogram::bucket_of(delay.max_ns)),
            "delay.rtt.max_ns is not in the last bucket",
        )?;
        Ok(Some(hist))
    }

    fn check_ipdv(&self) -> Result<(), Rejection> {
        let count = self.delay.as_ref().map_or(0, |delay| delay.count);
        ensure(
            self.ipdv.as_ref().is_none_or(|ipdv| ipdv.pairs < count),
            RejectCode::BadIpdv,
            "ipdv.pairs is not below delay.rtt.count",
        )
    }

    fn believed(self, hist: Option<Histogram>) -> Summary {
        Summary {
            sent: self.sent,
            received: self.received,
            late: self.late,
            duplicates: self.duplicates,
            reordered: self.reordered,
            unsent: self.unsent,
            slices: Slices {
                start: self.slices_start,
                sent: self.slices.sent,
                lost: self.slices.lost,
                rtt_count: self.slices.rtt_count,
                rtt_sum_ns: self.slices.rtt_sum_ns,
            },
            loss_runs: self.loss_runs,
            icmp_errors: self.icmp_errors,
            hop_limits: self.hop_limits,
            dscp_received: self.dscp_received,
            path_mtu: self.path_mtu,
            delay: self.delay.zip(hist).map(|(delay, hist)| Delay {
                count: delay.count,
                sum_ns: delay.sum_ns,
                m2_ns2: delay.m2_ns2,
                min: Rtt::from_ns(delay.min_ns),
                max: Rtt::from_ns(delay.max_ns),
                p50: Rtt::from_ns(delay.p50_ns),
                p95: Rtt::from_ns(delay.p95_ns),
                p99: Rtt::from_ns(delay.p99_ns),
                hist,
            }),
            ipdv: self.ipdv.map(|ipdv| IpdvSummary {
                pairs: ipdv.pairs,
                abs_sum_ns: ipdv.abs_sum_ns,
                smoothed_ns: ipdv.smoothed_ns,
            }),
        }
    }
}

fn ensure(holds: bool, code: RejectCode, error: &str) -> Result<(), Rejection> {
    if holds {
        Ok(())
    } else {
        Err(Rejection::new(code, &error))
    }
}

fn sum(list: &[u64]) -> u128 {
    total(list.iter().copied())
}

/// No list is long enough to make 128 bits overflow.
fn total(numbers: impl Iterator<Item = u64>) -> u128 {
    numbers.map(u128::from).sum()
}

/// Whether keys ascend strictly and none of them counts nothing.
fn is_counted<K: Ord>(pairs: &[(K, u64)]) -> bool {
    pairs.is_sorted_by(|earlier, later| earlier.0 < later.0) && pairs.iter().all(|(_, count)| *count > 0)
}
