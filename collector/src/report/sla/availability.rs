//! Availability over sliding windows of slices (MEF 10.2.1 §6.9.8).
//!
//! A pair becomes unavailable with the first of n consecutive high loss slices and available again with the first
//! of n consecutive others. Windows run over the slices that have packets, in their order; a hole longer than a
//! window ends the sequence, and what follows is judged afresh.

use std::cmp::Reverse;
use std::collections::VecDeque;

use ippm::UnixTime;
use ippm::cell::slices::Runs;
use ippm::interval::LossSums;
use ippm::limit::LossLimit;

use crate::report::sla::share::Share;

/// Slices of one hour: the cluster of every figure that is counted in slices.
const PER_HOUR: i64 = 360;

/// Length of a slice, ns.
const SLICE_NS: i64 = 10_000_000_000;

/// Unavailable times that a statement lists of one pair; the longest are kept, the rest is counted.
pub const MAX_OUTAGES: usize = 100;

/// Parameters of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Slices in it: the n.
    pub length: usize,
    /// A slice with more loss is a high loss slice: the C.
    pub threshold: LossLimit,
}

/// Counts of one slice with packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Its start ÷ 10 s, since 1970.
    pub number: i64,
    /// Packets sent, at least one.
    pub sent: u64,
    /// Of them lost.
    pub lost: u64,
    /// Whether announced work touched its round.
    pub in_maintenance: bool,
}

/// Availability of a pair over a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Availability {
    /// Unavailable slices of all slices judged; clusters are hours.
    pub unavailable: Share,
    /// Slices judged in announced work, and of them the unavailable ones.
    pub in_maintenance: (u64, u64),
    /// Slices with packets that no whole window covers.
    pub unjudged: u64,
    /// High loss slices, in and out of windows.
    pub high_loss: u64,
    /// Loss during available time only (MEF's frame loss ratio); clusters are hours.
    pub loss: Share,
    /// Unavailable times, in their order; the longest [`MAX_OUTAGES`] of them.
    pub outages: Vec<Outage>,
    /// How many there were.
    pub outages_total: u64,
}

impl Availability {
    /// Adds another pair; each of its hours is a cluster of its own.
    pub fn merge(&mut self, other: &Self) {
        self.unavailable = merged(self.unavailable, other.unavailable);
        self.loss = merged(self.loss, other.loss);
        self.in_maintenance.0 += other.in_maintenance.0;
        self.in_maintenance.1 += other.in_maintenance.1;
        self.unjudged += other.unjudged;
        self.high_loss += other.high_loss;
        self.outages_total += other.outages_total;
        self.outages.extend_from_slice(&other.outages);
        keep_longest(&mut self.outages);
    }

    /// Available ÷ judged slices, 0 to 1; `None` if nothing was judged.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        Some(1.0 - self.unavailable.ratio()?)
    }
}

/// A time of uninterrupted unavailability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// Start of the first unavailable slice.
    pub from: UnixTime,
    /// End of the last one.
    pub to: UnixTime,
    /// Unavailable slices with packets in it.
    pub slices: u64,
}

/// Counts of the slices of one hour that are judged.
#[derive(Debug, Clone, Copy)]
struct Hour {
    number: i64,
    judged: u64,
    unavailable: u64,
    sent: u64,
    lost: u64,
}

/// The sums of an hour of available time.
#[derive(Debug, Clone, Copy)]
struct Calm {
    /// The last slice with packets.
    last: i64,
    judged: u64,
    sent: u64,
    lost: u64,
    high_loss: u64,
}

/// The sliding window, fed slice by slice in the order of time.
#[derive(Debug, Clone)]
pub struct Machine {
    window: Window,
    is_available: bool,
    /// Slices of the present sequence.
    sequence: usize,
    /// Not yet judged: they wait for a whole window, and the last `contrary` of them would change the state.
    pending: VecDeque<Slice>,
    contrary: usize,
    last: Option<i64>,
    hour: Option<Hour>,
    unavailable: LossSums,
    loss: LossSums,
    in_maintenance: (u64, u64),
    unjudged: u64,
    high_loss: u64,
    outage: Option<Outage>,
    outages: Vec<Outage>,
    outages_total: u64,
}

impl Machine {
    /// A machine that has seen nothing.
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self {
            window,
            is_available: true,
            sequence: 0,
            pending: VecDeque::new(),
            contrary: 0,
            last: None,
            hour: None,
            unavailable: LossSums::NONE,
            loss: LossSums::NONE,
            in_maintenance: (0, 0),
            unjudged: 0,
            high_loss: 0,
            outage: None,
            outages: Vec::new(),
            outages_total: 0,
        }
    }

    /// Takes the next slice; one that is not later than the last belongs to no sequence and is left unjudged.
    pub fn push(&mut self, slice: Slice) {
        match self.last {
            Some(last) if slice.number <= last => {
                self.unjudged += 1;
                return;
            }
            Some(last) if self.is_hole(last, slice.number) => self.end_sequence(),
            _ => {}
        }
        self.last = Some(slice.number);
        self.sequence += 1;
        let is_high = self.window.threshold.is_exceeded_by(slice.lost, slice.sent);
        self.high_loss += u64::from(is_high);
        self.pending.push_back(slice);
        if is_high == self.is_available {
            self.contrary += 1;
            if self.contrary >= self.window.length {
                self.resolve_all_but(self.contrary);
                self.is_available = !self.is_available;
                self.contrary = 0;
                self.resolve_all_but(0);
            }
        } else {
            self.contrary = 0;
            if self.sequence >= self.window.length {
                self.resolve_all_but(0);
            }
        }
    }

    /// Takes the slices of an hour at once: the number of its first slice, and the packets sent and lost of each.
    ///
    /// The same as [`Machine::push`] of each. Almost every hour changes nothing but counts, and is taken run by run.
    pub fn push_hour(&mut self, first: i64, sent: &Runs, lost: &Runs, in_maintenance: bool) {
        let Some(calm) = self.calm(first, sent, lost) else {
            let counts = sent.values().zip(lost.values());
            for (number, (sent, lost)) in (first..).zip(counts).filter(|(_, (sent, _))| *sent > 0) {
                self.push(Slice {
                    number,
                    sent,
                    lost,
                    in_maintenance,
                });
            }
            return;
        };
        self.last = Some(calm.last);
        self.high_loss += calm.high_loss;
        if in_maintenance {
            self.in_maintenance.0 += calm.judged;
        }
        let hour = self.hour(first);
        hour.judged += calm.judged;
        hour.sent += calm.sent;
        hour.lost += calm.lost;
    }

    /// The availability of everything pushed.
    #[must_use]
    pub fn finish(mut self) -> Availability {
        self.end_sequence();
        self.close_hour();
        let mut outages = self.outages;
        keep_longest(&mut outages);
        Availability {
            unavailable: Share::of(self.unavailable),
            in_maintenance: self.in_maintenance,
            unjudged: self.unjudged,
            high_loss: self.high_loss,
            loss: Share::of(self.loss),
            outages,
            outages_total: self.outages_total,
        }
    }

    /// The sums of an hour in which no slice can change anything but counts; `None` if one may.
    fn calm(&self, first: i64, sent: &Runs, lost: &Runs) -> Option<Calm> {
        let is_settled = self.is_available && self.pending.is_empty() && self.sequence >= self.window.length;
        let is_hour = first.rem_euclid(PER_HOUR) == 0 && i64::try_from(sent.len()).ok()? <= PER_HOUR;
        let mut calm = Calm {
            last: self.last.filter(|last| is_settled && is_hour && *last < first)?,
            judged: 0,
            sent: 0,
            lost: 0,
            high_loss: 0,
        };
        let mut contrary = 0;
        let mut next = first;
        for (sent, lost, times) in sent.zip(lost) {
            let (from, slices) = (next, u64::try_from(times).ok()?);
            next += i64::try_from(times).ok()?;
            if sent == 0 {
                continue;
            }
            if self.is_hole(calm.last, from) {
                return None;
            }
            if self.window.threshold.is_exceeded_by(lost, sent) {
                contrary += times;
                calm.high_loss += slices;
                if contrary >= self.window.length {
                    return None;
                }
            } else {
                contrary = 0;
            }
            calm.last = next - 1;
            calm.judged += slices;
            calm.sent += sent.saturating_mul(slices);
            calm.lost += lost.saturating_mul(slices);
        }
        // A slice of high loss at the end waits for what comes after the hour.
        (contrary == 0 && calm.judged > 0).then_some(calm)
    }

    /// Whether between two slices more is missing than a window holds.
    fn is_hole(&self, last: i64, next: i64) -> bool {
        let missing = next.saturating_sub(last).saturating_sub(1);
        usize::try_from(missing).is_ok_and(|missing| missing > self.window.length)
    }

    /// What waits for a window that will not come stays in the present state; a sequence without any is unjudged.
    fn end_sequence(&mut self) {
        if self.sequence >= self.window.length {
            self.resolve_all_but(0);
        } else {
            self.unjudged += u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
            self.pending.clear();
        }
        self.is_available = true;
        self.sequence = 0;
        self.contrary = 0;
        self.outage = None;
    }

    /// Judges the pending slices by the present state, except the last `kept`.
    fn resolve_all_but(&mut self, kept: usize) {
        while self.pending.len() > kept {
            let Some(slice) = self.pending.pop_front() else {
                return;
            };
            self.judge(slice);
        }
    }

    fn judge(&mut self, slice: Slice) {
        let is_available = self.is_available;
        let hour = self.hour(slice.number);
        hour.judged += 1;
        if is_available {
            hour.sent += slice.sent;
            hour.lost += slice.lost;
            self.outage = None;
        } else {
            hour.unavailable += 1;
            self.extend_outage(slice.number);
        }
        if slice.in_maintenance {
            self.in_maintenance.0 += 1;
            self.in_maintenance.1 += u64::from(!is_available);
        }
    }

    fn extend_outage(&mut self, number: i64) {
        let from = UnixTime::from_ns(number.saturating_mul(SLICE_NS));
        let to = UnixTime::from_ns(number.saturating_add(1).saturating_mul(SLICE_NS));
        let extended = self.outage.map(|outage| Outage {
            to,
            slices: outage.slices + 1,
            ..outage
        });
        if let (Some(extended), Some(last)) = (extended, self.outages.last_mut()) {
            *last = extended;
            self.outage = Some(extended);
        } else {
            let outage = Outage { from, to, slices: 1 };
            self.outages_total += 1;
            self.outages.push(outage);
            self.outage = Some(outage);
        }
    }

    /// The counts of the hour of the slice `number`; the hour before it is closed, because slices come in order.
    fn hour(&mut self, number: i64) -> &mut Hour {
        let number = number.div_euclid(PER_HOUR);
        if self.hour.is_some_and(|hour| hour.number != number) {
            self.close_hour();
        }
        self.hour.get_or_insert(Hour {
            number,
            judged: 0,
            unavailable: 0,
            sent: 0,
            lost: 0,
        })
    }

    fn close_hour(&mut self) {
        let Some(hour) = self.hour.take() else { return };
        self.unavailable.add_round(hour.judged, hour.unavailable);
        if hour.sent > 0 {
            self.loss.add_round(hour.sent, hour.lost);
        }
    }
}

fn merged(one: Share, other: Share) -> Share {
    let mut sums = *one.sums();
    sums.merge(other.sums());
    Share::of(sums)
}

fn keep_longest(outages: &mut Vec<Outage>) {
    if outages.len() > MAX_OUTAGES {
        outages.sort_by_key(|outage| (Reverse(outage.slices), outage.from));
        outages.truncate(MAX_OUTAGES);
    }
    outages.sort_by_key(|outage| (outage.from, outage.to));
}

#[cfg(test)]
mod tests;
