//! The statement as JSON: keys are part of the API, delays are whole nanoseconds, ratios 0 to 1, times RFC 3339.
//!
//! What is not known is `null`, never 0. Keys come in a fixed order, numbers in their shortest form.

mod of;

use serde::Serialize;
use utoipa::ToSchema;

/// A statement.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = SlaStatement)]
pub struct Document {
    /// Version of these keys: 1.
    pub schema: u8,
    /// What was asked for: a month, or two times.
    pub label: String,
    /// First instant.
    pub from: String,
    /// First instant after it.
    pub to: String,
    /// The time zone in which the period was asked for.
    pub zone: String,
    /// Whether the period asked for is not over.
    pub provisional: bool,
    /// How it was computed, and what was promised.
    pub profile: ProfileObject,
    /// What has to be said with the figures.
    pub notes: Vec<String>,
    /// Sites to which it is restricted; empty: all.
    pub sites: Vec<String>,
    /// Announced work.
    pub maintenance: Vec<WorkObject>,
    /// Pairs of probes.
    pub pairs: Vec<PairObject>,
    /// Pairs of sites.
    pub site_pairs: Vec<SitePairObject>,
    /// SHA-256 of the method.
    pub method_sha256: String,
    /// SHA-256 of the inputs.
    pub inputs_sha256: String,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ProfileObject {
    /// Its name.
    pub name: String,
    /// Words for people.
    pub title: String,
    /// Length of a slice, ns.
    pub slice_ns: u64,
    /// Slices in the sliding window.
    pub window: u64,
    /// A slice with more loss is a high loss slice.
    pub threshold: f64,
    /// `announced` or `downtime`.
    pub availability_form: &'static str,
    /// Below this coverage nothing is judged.
    pub least_coverage: f64,
    /// What was promised.
    pub targets: TargetsObject,
}

/// Promises; `null`: none.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TargetsObject {
    /// Least availability.
    pub availability: Option<f64>,
    /// Largest loss ratio.
    pub loss: Option<f64>,
    /// Largest delay.
    pub delay: Option<DelayTargetObject>,
    /// Largest delay variation.
    pub pdv: Option<DelayTargetObject>,
    /// Largest mean of the loss ratios per minute.
    pub minute_loss: Option<f64>,
    /// Largest mean of the mean delays per minute, ns.
    pub minute_delay_ns: Option<u64>,
}

/// A promise about a quantile.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DelayTargetObject {
    /// `p50`, `p95`, `p99` or `p99.9`.
    pub quantile: &'static str,
    /// What it must not exceed, ns.
    pub limit_ns: u64,
}

/// Announced work.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WorkObject {
    /// Its id.
    pub id: String,
    /// First instant.
    pub from: String,
    /// First instant after it.
    pub to: String,
    /// When this version was loaded.
    pub loaded: String,
    /// Whether it was loaded only after it had begun.
    pub announced_late: bool,
    /// Why.
    pub reason: Option<String>,
    /// Conditions that all hold; none: everything.
    pub scope: Vec<String>,
}

/// A pair of probes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PairObject {
    /// The probe that measured.
    pub source: String,
    /// Its site.
    pub source_site: Option<String>,
    /// The probe that was measured.
    pub target: String,
    /// Its site.
    pub target_site: Option<String>,
    /// 4 or 6.
    pub family: u8,
    /// The test.
    pub test: String,
    /// The figures.
    pub figures: BothObject,
}

/// Two sites.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SitePairObject {
    /// Their names.
    pub sites: [String; 2],
    /// Each direction and family.
    pub directions: Vec<DirectionObject>,
    /// The worst of each quantity, announced work taken out.
    pub worst: Vec<WorstObject>,
}

/// One direction between two sites.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DirectionObject {
    /// The site of the sources.
    pub from: String,
    /// The site of the targets.
    pub to: String,
    /// 4 or 6.
    pub family: u8,
    /// The test.
    pub test: String,
    /// Pairs of probes merged in it.
    pub pairs: u64,
    /// The figures.
    pub figures: BothObject,
}

/// The worst direction and family.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WorstObject {
    /// The quantity.
    pub metric: &'static str,
    /// The site of the sources.
    pub from: String,
    /// The site of the targets.
    pub to: String,
    /// 4 or 6.
    pub family: u8,
    /// The ratio, of a ratio.
    pub ratio: Option<f64>,
    /// The delay, of a delay, ns.
    pub delay_ns: Option<u64>,
}

/// Figures with and without announced work.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BothObject {
    /// What was expected and what came.
    pub accounting: AccountingObject,
    /// Everything that was measured.
    pub including_maintenance: FiguresObject,
    /// Without rounds in announced work.
    pub excluding_maintenance: FiguresObject,
    /// Availability in the form `downtime`.
    pub downtime: DowntimeObject,
    /// What the figures say about the promises.
    pub findings: Vec<FindingObject>,
}

/// What was expected and what came, in rounds.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AccountingObject {
    /// All rounds.
    pub including_maintenance: RoundsObject,
    /// Those that no announced work touches.
    pub excluding_maintenance: RoundsObject,
    /// Slices of the rounds left out as loaded.
    pub loaded_slices: u64,
    /// Slices with packets.
    pub slices: u64,
    /// Slices of the time that was to be measured.
    pub slices_expected: u64,
}

/// Rounds, each expected one in exactly one of `measured` to `collector_gap`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RoundsObject {
    /// Asked for by the plans in force.
    pub expected: u64,
    /// In the figures.
    pub measured: u64,
    /// Without packet counts: in no figure.
    pub legacy: u64,
    /// Left out: the probe doubts itself.
    pub suspect: u64,
    /// Left out: our own throughput test ran.
    pub loaded: u64,
    /// Reported as not measured.
    pub unmeasured: u64,
    /// Not in the report that came.
    pub left_out: u64,
    /// No report, though a collector was there to take it.
    pub probe_missing: u64,
    /// No report, and no collector was there to take it.
    pub collector_gap: u64,
    /// Of which nothing came: the three before together.
    pub missing: u64,
    /// Results that no plan in force asked for: not in `expected`.
    pub unplanned: u64,
    /// Measured ÷ expected.
    pub coverage: Option<f64>,
}

/// The figures of a set of rounds.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FiguresObject {
    /// Loss over all packets; clusters are rounds.
    pub loss: ShareObject,
    /// Rounds in which nothing came back.
    pub rounds_down: u64,
    /// Availability.
    pub availability: AvailabilityObject,
    /// Averages per minute.
    pub minutes: Option<MinutesObject>,
    /// Delay.
    pub delay: Option<DelayObject>,
    /// Mean absolute variation between neighbors, ns.
    pub mean_ipdv_ns: Option<u64>,
}

/// A ratio and what is behind it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ShareObject {
    /// Part ÷ whole.
    pub ratio: Option<f64>,
    /// What is counted.
    pub part: u64,
    /// Among how many.
    pub whole: u64,
    /// Clusters behind it.
    pub clusters: u64,
    /// Clusters in which something was counted.
    pub clusters_with: u64,
    /// What the whole is worth if it were independent.
    pub effective: Option<f64>,
    /// Two-sided interval of 95 %.
    pub interval: Option<IntervalObject>,
    /// If nothing was counted: upper bound of 95 %, if events are independent.
    pub upper_bound_if_independent: Option<f64>,
    /// Whether the clusters with something are too few for the interval.
    pub few_events: bool,
}

/// Bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct IntervalObject {
    /// The lower one.
    pub lower: f64,
    /// The upper one.
    pub upper: f64,
}

/// Availability over sliding windows.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AvailabilityObject {
    /// Available ÷ judged slices.
    pub ratio: Option<f64>,
    /// The unavailable slices; clusters are hours.
    pub unavailable: ShareObject,
    /// Slices judged in announced work.
    pub judged_in_maintenance: u64,
    /// Of them unavailable.
    pub unavailable_in_maintenance: u64,
    /// Slices that no whole window covers.
    pub unjudged: u64,
    /// Slices above the threshold.
    pub high_loss_slices: u64,
    /// Loss during available time; clusters are hours.
    pub loss_while_available: ShareObject,
    /// Unavailable times, the longest of them.
    pub outages: Vec<OutageObject>,
    /// How many there were.
    pub outages_total: u64,
}

/// An unavailable time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OutageObject {
    /// Start of its first slice.
    pub from: String,
    /// End of its last slice.
    pub to: String,
    /// Slices with packets in it.
    pub slices: u64,
}

/// Availability in the form (T − D − Dm) ÷ (T − Dm).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DowntimeObject {
    /// The availability.
    pub ratio: Option<f64>,
    /// D of T − Dm.
    pub unavailable: ShareObject,
    /// Dm, slices.
    pub unavailable_in_maintenance: u64,
}

/// Averages per minute.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MinutesObject {
    /// Minutes with packets.
    pub count: u64,
    /// Of them with loss.
    pub lossy: u64,
    /// Mean of their loss ratios.
    pub mean_loss: f64,
    /// Interval of 95 % around it.
    pub mean_loss_interval: Option<IntervalObject>,
    /// Minutes with a delay.
    pub with_delay: u64,
    /// Mean of their mean delays, ns.
    pub mean_delay_ns: Option<f64>,
    /// The minute with the largest mean delay.
    pub worst_delay: Option<MinuteObject>,
    /// The minute with the largest loss ratio.
    pub worst_loss: Option<MinuteObject>,
}

/// One minute.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MinuteObject {
    /// Its start.
    pub time: String,
    /// Mean delay, ns, or loss ratio.
    pub value: f64,
}

/// Delay over all packets.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DelayObject {
    /// Packets with a delay.
    pub count: u64,
    /// Mean, ns.
    pub mean_ns: u64,
    /// Smallest, ns.
    pub min_ns: u64,
    /// Largest, ns.
    pub max_ns: u64,
    /// Median, ns.
    pub p50_ns: u64,
    /// 95th percentile, ns.
    pub p95_ns: u64,
    /// 99th percentile, ns.
    pub p99_ns: u64,
    /// 99.9th percentile, ns.
    pub p99_9_ns: u64,
    /// 95th percentile less the smallest, ns.
    pub pdv_p95_ns: u64,
    /// 99th percentile less the smallest, ns.
    pub pdv_p99_ns: u64,
    /// 99.9th percentile less the smallest, ns.
    pub pdv_p99_9_ns: u64,
}

/// A promise and what the period says about it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FindingObject {
    /// The quantity.
    pub metric: &'static str,
    /// Of availability: the form that is judged.
    pub form: Option<&'static str>,
    /// Of a delay: the quantile.
    pub quantile: Option<&'static str>,
    /// The promised ratio.
    pub target_ratio: Option<f64>,
    /// The promised delay, ns.
    pub target_ns: Option<u64>,
    /// The measured ratio.
    pub ratio: Option<f64>,
    /// The measured delay, ns.
    pub delay_ns: Option<u64>,
    /// `met`, `missed`, `undecided`, `few-events` or `insufficient-data`.
    pub verdict: &'static str,
}
