//! What a statement says.

use ippm::interval::{Interval, Verdict};
use ippm::{Family, ProbeName, TestName, UnixTime};

use crate::report::sla::account::Accounting;
use crate::report::sla::availability::Availability;
use crate::report::sla::minute::Minutes;
use crate::report::sla::profile::{AvailabilityForm, Profile, Quantile};
use crate::report::sla::share::Share;

/// A statement over a period: every figure with what is behind it, nothing rounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The period.
    pub period: Period,
    /// How it was computed, and what was promised.
    pub profile: Profile,
    /// Sites to which it is restricted; empty: all.
    pub sites: Vec<String>,
    /// The announced work that touches a pair of it, ordered by start and id.
    pub works: Vec<Work>,
    /// Every pair, family and test, ordered by (source, target, family, test).
    pub pairs: Vec<Pair>,
    /// Every two sites, ordered by name.
    pub site_pairs: Vec<SitePair>,
    /// SHA-256 of method (the version of the formulas, the profile, the period), hexadecimal.
    pub method: String,
    /// SHA-256 of the inputs, hexadecimal.
    pub inputs: String,
}

/// The time that a statement covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// First instant.
    pub from: UnixTime,
    /// First instant after it.
    pub to: UnixTime,
    /// Name of the time zone in which the period was asked for.
    pub zone: String,
    /// What was asked for: `2026-10`, or the two times.
    pub label: String,
    /// Whether the period asked for is not over: the statement ends at `to`, the last full hour.
    pub is_provisional: bool,
}

/// Announced work, in the version in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Its id.
    pub id: String,
    /// First instant.
    pub from: UnixTime,
    /// First instant after it.
    pub to: UnixTime,
    /// When this version was loaded: an announcement after the fact shows.
    pub loaded: UnixTime,
    /// Why, in words.
    pub reason: Option<String>,
    /// What it touches: conditions that all hold, as `site=ams`, sorted; empty: everything.
    pub scope: Vec<String>,
}

/// One end of a pair.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The probe, by its present name.
    pub probe: ProbeName,
    /// Where it stands, if the roster says so.
    pub site: Option<String>,
}

/// What one probe measured towards another.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The probe that measured.
    pub source: End,
    /// The probe that was measured.
    pub target: End,
    /// The family.
    pub family: Family,
    /// The test.
    pub test: TestName,
    /// The figures.
    pub figures: Both,
}

/// Two sites and everything between their probes.
#[derive(Debug, Clone, PartialEq)]
pub struct SitePair {
    /// The two sites, in the order of their names; the same twice for the inside of a site.
    pub sites: [String; 2],
    /// Each direction, family and test, its probes merged, ordered.
    pub directions: Vec<Direction>,
    /// The worst direction and family of each quantity, where there are figures.
    pub worst: Vec<Worst>,
}

/// One direction between two sites in one family.
#[derive(Debug, Clone, PartialEq)]
pub struct Direction {
    /// The site of the sources.
    pub from: String,
    /// The site of the targets.
    pub to: String,
    /// The family.
    pub family: Family,
    /// The test.
    pub test: TestName,
    /// How many pairs of probes are merged.
    pub pairs: u64,
    /// The figures.
    pub figures: Both,
}

/// Which direction and family of two sites is the worst in one quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    /// The quantity.
    pub metric: Metric,
    /// Index in [`SitePair::directions`].
    pub direction: usize,
    /// Its value, announced work taken out.
    pub measured: Measured,
}

/// The figures with and without announced work side by side, and what they say about the promises.
#[derive(Debug, Clone, PartialEq)]
pub struct Both {
    /// What was expected and what came.
    pub accounting: Accounting,
    /// Everything that was measured.
    pub including: Figures,
    /// Without the rounds in announced work.
    pub excluding: Figures,
    /// Availability in the form `downtime`, of all that was measured.
    pub downtime: Downtime,
    /// One for each promise of the profile, in the order of [`Metric::ALL`]; announced work taken out.
    pub findings: Vec<Finding>,
}

/// The figures of a set of rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Loss over all packets; clusters are rounds.
    pub loss: Share,
    /// Rounds in which nothing came back.
    pub rounds_down: u64,
    /// Availability over sliding windows; clusters are hours.
    pub availability: Availability,
    /// Averages per minute; `None` without a minute with packets.
    pub minutes: Option<Minutes>,
    /// Interval of 95 % around the mean loss per minute, from the rounds' design effect.
    pub minute_loss_interval: Option<Interval>,
    /// Delay; `None` if nothing came back.
    pub delay: Option<Delay>,
    /// Mean of |round-trip IPDV|, ns; `None` without two neighbors that both came back.
    pub mean_ipdv_ns: Option<u64>,
}

/// Delay over all packets that came back, ns; quantiles from the merged histogram, within 1.05 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// Packets with a delay.
    pub count: u64,
    /// Mean.
    pub mean_ns: u64,
    /// Smallest.
    pub min_ns: u64,
    /// Largest.
    pub max_ns: u64,
    /// In the order of [`Quantile::ALL`].
    pub quantiles_ns: [u64; Quantile::ALL.len()],
}

impl Delay {
    /// The quantile, ns.
    #[must_use]
    pub const fn quantile_ns(&self, quantile: Quantile) -> u64 {
        let [p50, p95, p99, p999] = self.quantiles_ns;
        match quantile {
            Quantile::P50 => p50,
            Quantile::P95 => p95,
            Quantile::P99 => p99,
            Quantile::P999 => p999,
        }
    }

    /// Packet delay variation (RFC 5481): the quantile less the smallest delay, ns.
    #[must_use]
    pub const fn pdv_ns(&self, quantile: Quantile) -> u64 {
        self.quantile_ns(quantile).saturating_sub(self.min_ns)
    }
}

/// Availability in the form (T − D − Dm) ÷ (T − Dm), in slices of the windows over everything measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Downtime {
    /// Unavailable outside announced work, of all that was judged except what was unavailable in it.
    pub share: Share,
    /// Dm: unavailable in announced work.
    pub in_maintenance: u64,
}

/// What a statement judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Share of available time.
    Availability,
    /// Loss ratio.
    Loss,
    /// Quantile of the delay.
    Delay,
    /// Quantile of the delay variation.
    Pdv,
    /// Mean of the loss ratios per minute.
    MinuteLoss,
    /// Mean of the mean delays per minute.
    MinuteDelay,
}

impl Metric {
    /// All, in the order of a statement.
    pub const ALL: [Self; 6] = [
        Self::Availability,
        Self::Loss,
        Self::Delay,
        Self::Pdv,
        Self::MinuteLoss,
        Self::MinuteDelay,
    ];

    /// The word that the interfaces use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Loss => "loss",
            Self::Delay => "delay",
            Self::Pdv => "pdv",
            Self::MinuteLoss => "minute-loss",
            Self::MinuteDelay => "minute-delay",
        }
    }
}

/// A measured or promised value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// A ratio, 0 to 1.
    Ratio(f64),
    /// A delay, ns.
    Delay(u64),
}

/// One promise, and what the period says about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// What was promised.
    pub metric: Metric,
    /// Of availability, the form that is judged.
    pub form: Option<AvailabilityForm>,
    /// Of delay and PDV, the quantile.
    pub quantile: Option<Quantile>,
    /// The promise: at least this availability, at most this loss or delay.
    pub target: Measured,
    /// What was measured; `None` without data.
    pub measured: Option<Measured>,
    /// What may be said.
    pub verdict: Verdict,
}
