//! The sums of one pair over a period, and the figures that follow from them.

use ippm::cell::Cell;
use ippm::cell::slices::CellSlices;
use ippm::histogram::Histogram;
use ippm::interval::{Interval, LossSums, Sides};
use ippm::{Slices, UnixTime};

use crate::report::sla::availability::{Availability, Machine, Slice, Window};
use crate::report::sla::minute::{self, Minute};
use crate::report::sla::opened::Opened;
use crate::report::sla::profile::Quantile;
use crate::report::sla::share::Share;
use crate::report::sla::statement::{Delay, Downtime, Figures};

/// What came in one hour, apart for rounds in announced work and the rest.
#[derive(Debug, Clone, Copy)]
pub struct Hour<'a> {
    /// Rounds outside announced work.
    pub outside: Option<&'a Opened<'a>>,
    /// Rounds in it.
    pub in_maintenance: Option<&'a Opened<'a>>,
}

/// Sums of one pair, fed hour by hour in the order of time.
#[derive(Debug, Clone)]
pub struct Tally {
    including: Sums,
    /// `None` as long as no announced work touched the pair: then both are the same.
    excluding: Option<Sums>,
}

impl Tally {
    /// Sums of nothing.
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self {
            including: Sums::new(window),
            excluding: None,
        }
    }

    /// Adds the next hour.
    pub fn add(&mut self, hour: Hour<'_>) {
        if hour.in_maintenance.is_some() && self.excluding.is_none() {
            self.excluding = Some(self.including.clone());
        }
        if let Some(excluding) = &mut self.excluding {
            excluding.add(Hour {
                in_maintenance: None,
                ..hour
            });
        }
        self.including.add(hour);
    }

    /// The totals.
    #[must_use]
    pub fn finish(self) -> Totals {
        let including = self.including.finish();
        let excluding = match self.excluding {
            Some(sums) => sums.finish(),
            None => including.clone(),
        };
        Totals { including, excluding }
    }
}

/// The totals of a pair, or of several, with and without announced work.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    /// Everything.
    pub including: Total,
    /// Without the rounds in announced work.
    pub excluding: Total,
}

impl Totals {
    /// Adds another pair.
    pub fn merge(&mut self, other: &Self) {
        self.including.merge(&other.including);
        self.excluding.merge(&other.excluding);
    }

    /// Availability in the form `downtime`: what was unavailable in announced work is taken out of the time.
    #[must_use]
    pub fn downtime(&self) -> Downtime {
        let availability = &self.including.availability;
        let (_, in_maintenance) = availability.in_maintenance;
        let sums = availability.unavailable.sums();
        Downtime {
            share: Share::of(LossSums {
                sent: sums.sent.saturating_sub(in_maintenance),
                lost: sums.lost.saturating_sub(in_maintenance),
                ..*sums
            }),
            in_maintenance,
        }
    }
}

/// The sums of a set of rounds, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    /// Packets, with rounds as clusters.
    pub loss: LossSums,
    /// Rounds in which nothing came back.
    pub rounds_down: u64,
    /// Slices with packets.
    pub slices: u64,
    /// Availability.
    pub availability: Availability,
    minutes: minute::Sums,
    delay: Option<DelaySums>,
    hist: Histogram,
    ipdv_pairs: u64,
    ipdv_abs_sum_ns: u64,
}

impl Total {
    /// Adds the sums of another pair.
    fn merge(&mut self, other: &Self) {
        self.loss.merge(&other.loss);
        self.rounds_down += other.rounds_down;
        self.slices += other.slices;
        self.availability.merge(&other.availability);
        self.minutes.merge(&other.minutes);
        if let Some(delay) = &other.delay {
            add_delay(&mut self.delay, delay);
        }
        self.hist.merge(&other.hist);
        self.ipdv_pairs += other.ipdv_pairs;
        self.ipdv_abs_sum_ns = self.ipdv_abs_sum_ns.saturating_add(other.ipdv_abs_sum_ns);
    }

    /// The figures.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let minutes = self.minutes.finish();
        Figures {
            loss: Share::of(self.loss),
            rounds_down: self.rounds_down,
            availability: self.availability.clone(),
            minute_loss_interval: minutes.and_then(|minutes| self.minute_interval(minutes.mean_loss)),
            minutes,
            delay: self.delay.as_ref().and_then(|delay| delay.figures(&self.hist)),
            mean_ipdv_ns: mean(self.ipdv_abs_sum_ns, self.ipdv_pairs),
        }
    }

    /// The mean of minutes has the packets of the same rounds behind it, and is worth as many of them.
    fn minute_interval(&self, mean_loss: f64) -> Option<Interval> {
        (self.loss.rounds >= 2 && self.loss.lost > 0)
            .then(|| ippm::interval::score(mean_loss, self.loss.effective_sent(), Sides::Two))
            .flatten()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct DelaySums {
    count: u64,
    sum_ns: u64,
    min_ns: u64,
    max_ns: u64,
}

impl DelaySums {
    fn figures(&self, hist: &Histogram) -> Option<Delay> {
        let quantile = |quantile: Quantile| hist.quantile(quantile.permille(), self.min_ns, self.max_ns);
        let [p50, p95, p99, p999] = Quantile::ALL.map(quantile);
        Some(Delay {
            count: self.count,
            mean_ns: mean(self.sum_ns, self.count)?,
            min_ns: self.min_ns,
            max_ns: self.max_ns,
            quantiles_ns: [p50?, p95?, p99?, p999?],
        })
    }
}

fn add_delay(sums: &mut Option<DelaySums>, other: &DelaySums) {
    match sums {
        Some(sums) => {
            sums.count += other.count;
            sums.sum_ns = sums.sum_ns.saturating_add(other.sum_ns);
            sums.min_ns = sums.min_ns.min(other.min_ns);
            sums.max_ns = sums.max_ns.max(other.max_ns);
        }
        None => *sums = Some(*other),
    }
}

/// The mean, rounded half up; `None` of nothing.
fn mean(sum: u64, count: u64) -> Option<u64> {
    let doubled = 2 * u128::from(sum) + u128::from(count);
    u64::try_from(doubled.checked_div(2 * u128::from(count))?).ok()
}

/// Sums on their way through the period.
#[derive(Debug, Clone)]
struct Sums {
    loss: LossSums,
    rounds_down: u64,
    slices: u64,
    machine: Machine,
    minutes: minute::Sums,
    delay: Option<DelaySums>,
    hist: Histogram,
    ipdv_pairs: u64,
    ipdv_abs_sum_ns: u64,
}

impl Sums {
    fn new(window: Window) -> Self {
        Self {
            loss: LossSums::NONE,
            rounds_down: 0,
            slices: 0,
            machine: Machine::new(window),
            minutes: minute::Sums::NONE,
            delay: None,
            hist: Histogram::new(),
            ipdv_pairs: 0,
            ipdv_abs_sum_ns: 0,
        }
    }

    fn add(&mut self, hour: Hour<'_>) {
        for opened in [hour.outside, hour.in_maintenance].into_iter().flatten() {
            self.add_rounds(opened.cell);
        }
        let outside = hour.outside.and_then(|opened| opened.slices.as_ref());
        let inside = hour.in_maintenance.and_then(|opened| opened.slices.as_ref());
        match (outside, inside) {
            (Some(outside), None) => self.add_slices(outside, false),
            (None, Some(inside)) => self.add_slices(inside, true),
            (Some(outside), Some(inside)) => self.add_mixed(outside, inside),
            (None, None) => {}
        }
    }

    fn add_rounds(&mut self, cell: &Cell) {
        self.loss.merge(&LossSums {
            rounds: cell.rounds,
            sent: cell.sent,
            lost: cell.lost(),
            lost_sq_sum: cell.lost_sq_sum,
            rounds_lossy: cell.rounds_lossy,
        });
        self.rounds_down += cell.rounds_down;
        self.ipdv_pairs += cell.ipdv_pairs;
        self.ipdv_abs_sum_ns = self.ipdv_abs_sum_ns.saturating_add(cell.ipdv_abs_sum_ns);
        if let Some(delay) = &cell.delay {
            add_delay(
                &mut self.delay,
                &DelaySums {
                    count: delay.moments.count,
                    sum_ns: delay.moments.sum_ns,
                    min_ns: delay.min_ns,
                    max_ns: delay.max_ns,
                },
            );
        }
        if let Some(hist) = &cell.hist {
            self.hist.merge(hist);
        }
    }

    fn add_slices(&mut self, slices: &CellSlices, in_maintenance: bool) {
        let first = number(slices.start());
        self.machine
            .push_hour(first, slices.sent(), slices.lost(), in_maintenance);
        self.slices += count(slices.with_packets());
        self.add_minutes(slices);
    }

    /// An hour that is cut: of each slice what is outside and what is inside, and inside if any of it is.
    fn add_mixed(&mut self, outside: &CellSlices, inside: &CellSlices) {
        let (outside, inside) = (&outside.to_slices(), &inside.to_slices());
        let from = number(outside.start).min(number(inside.start));
        let to = end(outside).max(end(inside));
        let of = |slices: &Slices, list: &[u64], number_: i64| {
            let index = usize::try_from(number_ - number(slices.start)).ok();
            index.and_then(|index| list.get(index)).copied().unwrap_or(0)
        };
        for number in from..to {
            let within = of(inside, &inside.sent, number);
            let sent = within + of(outside, &outside.sent, number);
            let lost = of(inside, &inside.lost, number) + of(outside, &outside.lost, number);
            self.push(number, sent, lost, within > 0);
            self.slices += u64::from(sent > 0);
            self.minutes.add(Minute {
                number: number.div_euclid(minute::SLICES),
                sent,
                lost,
                rtt_count: of(inside, &inside.rtt_count, number) + of(outside, &outside.rtt_count, number),
                rtt_sum_ns: of(inside, &inside.rtt_sum_ns, number).saturating_add(of(
                    outside,
                    &outside.rtt_sum_ns,
                    number,
                )),
            });
        }
    }

    fn push(&mut self, number: i64, sent: u64, lost: u64, in_maintenance: bool) {
        if sent > 0 {
            self.machine.push(Slice {
                number,
                sent,
                lost,
                in_maintenance,
            });
        }
    }

    fn add_minutes(&mut self, slices: &CellSlices) {
        let first = number(slices.start());
        let left = minute::SLICES - first.rem_euclid(minute::SLICES);
        let [left, whole] = [left, minute::SLICES].map(|slices| usize::try_from(slices).unwrap_or(1));
        let [mut sent, mut lost, mut count] = slices.counts().map(|list| list.sums(left, whole));
        let (mut delays, mut wanted) = (slices.rtt_sum_ns(), left);
        for number in first.div_euclid(minute::SLICES).. {
            let (Some(sent), Some(lost), Some(rtt_count)) = (sent.next(), lost.next(), count.next()) else {
                return;
            };
            let of_minute;
            (of_minute, delays) = delays.split_at(wanted.min(delays.len()));
            wanted = whole;
            self.minutes.add(Minute {
                number,
                sent,
                lost,
                rtt_count,
                rtt_sum_ns: minute::sum(of_minute),
            });
        }
    }

    fn finish(self) -> Total {
        Total {
            loss: self.loss,
            rounds_down: self.rounds_down,
            slices: self.slices,
            availability: self.machine.finish(),
            minutes: self.minutes,
            delay: self.delay,
            hist: self.hist,
            ipdv_pairs: self.ipdv_pairs,
            ipdv_abs_sum_ns: self.ipdv_abs_sum_ns,
        }
    }
}

/// Start of a slice ÷ 10 s.
fn number(start: UnixTime) -> i64 {
    let length = i64::try_from(Slices::LENGTH.as_nanos()).unwrap_or(i64::MAX);
    start.as_ns().div_euclid(length)
}

/// The number behind the last slice.
fn end(slices: &Slices) -> i64 {
    number(slices.start).saturating_add(i64::try_from(slices.len()).unwrap_or(i64::MAX))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
