//! What a statement was computed from, and how, as two hashes: equal hashes mean that it can be recomputed.

use std::fmt::Write as _;

use ippm::UnixTime;
use ippm::cell::slices::CellSlices;
use sha2::{Digest as _, Sha256};

use crate::report::sla::account::Accounting;
use crate::report::sla::minute;
use crate::report::sla::opened::Opened;
use crate::report::sla::profile::Profile;
use crate::report::sla::statement::Period;

/// Version of the formulas: a change of any figure for the same inputs raises it.
pub const METHOD_VERSION: u32 = 1;

/// The hash of everything that decides how figures follow from inputs.
#[must_use]
pub fn method(profile: &Profile, period: &Period) -> String {
    let targets = &profile.targets;
    let delay = |target: Option<crate::report::sla::profile::DelayTarget>| {
        target.map(|target| (target.quantile.as_str(), target.limit.as_nanos()))
    };
    let text = format!(
        "version={METHOD_VERSION}\nfrom={}\nto={}\nzone={}\nwindow={}\nthreshold_ppm={}\nform={}\nleast_coverage_ppm={}\n\
         unavailability_ppm={:?}\nloss_ppm={:?}\ndelay={:?}\npdv={:?}\nminute_loss_ppm={:?}\nminute_delay_ns={:?}\n",
        period.from.as_ns(),
        period.to.as_ns(),
        period.zone,
        profile.window,
        profile.threshold.as_ppm(),
        profile.form.as_str(),
        profile.least_coverage.as_ppm(),
        targets.unavailability.map(ippm::limit::LossLimit::as_ppm),
        targets.loss.map(ippm::limit::LossLimit::as_ppm),
        delay(targets.delay),
        delay(targets.pdv),
        targets.minute_loss.map(ippm::limit::LossLimit::as_ppm),
        targets.minute_delay.map(|limit| limit.as_nanos()),
    );
    hexadecimal(&Sha256::digest(text))
}

/// The hash of inputs, fed in the order of the statement.
///
/// Numbers are unsigned LEB128, texts their length and bytes. Of a cell all that the method takes: its counts, the
/// histogram, and the slices, of which the sums of delays are hashed per minute.
#[derive(Debug, Clone)]
pub struct Inputs {
    hash: Sha256,
    bytes: Vec<u8>,
}

impl Inputs {
    /// Of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hash: Sha256::new(),
            bytes: Vec::new(),
        }
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) {
        self.number(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.bytes.extend_from_slice(text.as_bytes());
        self.flush();
    }

    /// Adds a number.
    #[expect(clippy::cast_possible_truncation, reason = "seven bits fit a byte")]
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Adds a time.
    pub fn time(&mut self, time: UnixTime) {
        self.number(time.as_ns().cast_unsigned());
    }

    /// Adds the hash of other inputs.
    pub fn nested(&mut self, other: Self) {
        let digest = other.digest();
        self.bytes.extend_from_slice(&digest);
        self.flush();
    }

    /// Adds a cell: its hour, and whether its rounds lie in announced work.
    pub fn cell(&mut self, hour: UnixTime, in_maintenance: bool, opened: &Opened<'_>) {
        let cell = opened.cell;
        self.time(hour);
        for number in [
            u64::from(in_maintenance),
            cell.rounds,
            cell.rounds_lossy,
            cell.rounds_down,
            cell.rounds_suspect,
            cell.rounds_error,
            cell.rounds_legacy,
            cell.sent,
            cell.received,
            cell.lost_sq_sum,
            cell.ipdv_pairs,
            cell.ipdv_abs_sum_ns,
        ] {
            self.number(number);
        }
        if let Some(delay) = &cell.delay {
            for number in [
                delay.moments.count,
                delay.moments.sum_ns,
                delay.min_ns,
                delay.max_ns,
            ] {
                self.number(number);
            }
        }
        if let Some(hist) = &cell.hist {
            let buckets = hist.buckets();
            self.number(u64::try_from(buckets.len()).unwrap_or(u64::MAX));
            for (index, count) in buckets {
                self.number(u64::from(index));
                self.number(count);
            }
        }
        if let Some(slices) = &opened.slices {
            self.slices(slices);
        }
        self.flush();
    }

    /// Adds what became of the expected rounds.
    pub fn rounds(&mut self, accounting: &Accounting) {
        for rounds in [&accounting.all, &accounting.in_maintenance] {
            for count in rounds.counts() {
                self.number(count);
            }
        }
        self.flush();
    }

    fn slices(&mut self, slices: &CellSlices) {
        self.time(slices.start());
        for list in [slices.sent(), slices.lost(), slices.rtt_count()] {
            for run in list.as_slice() {
                self.number(run.value);
                self.number(u64::try_from(run.times).unwrap_or(u64::MAX));
            }
        }
        let minute = usize::try_from(minute::SLICES).unwrap_or(usize::MAX);
        for sums in slices.rtt_sum_ns().chunks(minute) {
            self.number(minute::sum(sums));
        }
    }

    /// The hash, hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        hexadecimal(&self.digest())
    }

    fn digest(mut self) -> Vec<u8> {
        self.flush();
        self.hash.finalize().to_vec()
    }

    fn flush(&mut self) {
        self.hash.update(&self.bytes);
        self.bytes.clear();
    }
}

impl Default for Inputs {
    fn default() -> Self {
        Self::new()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
