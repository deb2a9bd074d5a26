//! Single results as they are stored.

use serde::Serialize;
use utoipa::ToSchema;

use super::account::SlotAnswer;
use super::{SubjectAnswer, WindowAnswer, time};
use crate::csv::{Cell, Table};
use crate::report::rounds::{Round, Rounds};
use crate::store::row::{Counts, DelayRow, Row};

/// `GET /api/v2/results`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoundsAnswer {
    /// Of what.
    subject: SubjectAnswer,
    /// What it covers.
    window: WindowAnswer,
    /// Start of the youngest round in it; null if nothing is in it.
    latest: Option<String>,
    /// Every stored result, also those that do not count for their slot, ascending in time.
    rounds: Vec<RoundAnswer>,
    /// Expected slots without a result, ascending.
    silent: Vec<SlotAnswer>,
}

/// One stored result and its slot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoundAnswer {
    /// The result.
    result: ResultAnswer,
    /// The expected slot for which it counts; null if another result counts there, or none was expected.
    slot: Option<SlotAnswer>,
    /// Why the probe doubted itself in this round; empty if it did not.
    suspect: Vec<String>,
}

/// One stored result, under the names with which it came.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultAnswer {
    /// The probe that measured.
    source: String,
    /// The probe that was measured.
    target: String,
    /// Start of the round.
    time: String,
    /// The test's period; null for a point of the original collector.
    period_ns: Option<u64>,
    /// Whether it was measured.
    measured: bool,
    /// Why not, if not.
    error: Option<String>,
    /// The cause in words.
    detail: Option<String>,
    /// Packet counts; null for results of the original and for what was not measured.
    counts: Option<CountsAnswer>,
    /// Delay of the packets that have one.
    rtt: Option<RttAnswer>,
    /// Variation between neighbors.
    ipdv: Option<IpdvAnswer>,
    /// Counts per ten seconds.
    slices: Option<SlicesAnswer>,
    /// Runs of lost packets: length, how many.
    loss_runs: Vec<[u64; 2]>,
    /// ICMP errors.
    icmp_errors: Vec<IcmpErrorAnswer>,
    /// Hop limits of the replies: value, how many.
    hop_limits: Vec<[u64; 2]>,
    /// DSCP of the replies: value, how many.
    dscp_received: Vec<[u64; 2]>,
    /// MTU that a router named.
    path_mtu: Option<u64>,
    /// The address that was used.
    address: Option<String>,
    /// The parameters, as `count=280;df=0;dscp=0;payload=56;spread=280s;timeout=2s`.
    params: Option<String>,
    /// The clock of the delays.
    clock: Option<String>,
    /// Version of the plan that was followed.
    plan: Option<String>,
    /// The values of a result without packet counts.
    legacy: Option<LegacyResultAnswer>,
}

/// Packet counts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountsAnswer {
    sent: u64,
    received: u64,
    lost: u64,
    late: u64,
    duplicates: u64,
    reordered: u64,
    unsent: u64,
}

/// Delay of one result; the percentiles are exact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RttAnswer {
    count: u64,
    min_ns: u64,
    mean_ns: Option<u64>,
    max_ns: u64,
    stddev_ns: Option<f64>,
    p50_ns: u64,
    p95_ns: u64,
    p99_ns: u64,
}

/// Round-trip IPDV of one result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IpdvAnswer {
    /// Neighbors that both have a delay.
    pairs: u64,
    /// Sum of the absolute variations.
    abs_sum_ns: u64,
    /// Smoothed as RFC 3550 §6.4.1 does.
    smoothed_ns: u64,
}

/// Counts per ten seconds, four arrays of one length.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SlicesAnswer {
    /// Start of the first slice.
    start: String,
    sent: Vec<u64>,
    lost: Vec<u64>,
    rtt_count: Vec<u64>,
    rtt_sum_ns: Vec<u64>,
}

/// Packets that an ICMP error answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IcmpErrorAnswer {
    r#type: u8,
    code: u8,
    from: String,
    count: u64,
}

/// What a probe of the original IXPQoS posted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LegacyResultAnswer {
    min_ns: Option<i64>,
    max_ns: Option<i64>,
    avg_ns: Option<i64>,
    stddev_ns: Option<i64>,
    loss: f64,
}

impl From<&Rounds> for RoundsAnswer {
    fn from(rounds: &Rounds) -> Self {
        Self {
            subject: SubjectAnswer::from(&rounds.subject),
            window: rounds.window.into(),
            latest: rounds.freshness.latest.map(time),
            rounds: rounds.rounds.iter().map(RoundAnswer::from).collect(),
            silent: rounds.silent.iter().map(SlotAnswer::from).collect(),
        }
    }
}

impl From<&Round> for RoundAnswer {
    fn from(round: &Round) -> Self {
        Self {
            result: ResultAnswer::from(&round.row),
            slot: round.slot.as_ref().map(SlotAnswer::from),
            suspect: suspicions(round),
        }
    }
}

impl From<&Row> for ResultAnswer {
    fn from(row: &Row) -> Self {
        let meta = row.meta.clone().unwrap_or_default();
        let pairs = |list: &[(u8, u64)]| {
            list.iter()
                .map(|(value, count)| [u64::from(*value), *count])
                .collect()
        };
        Self {
            source: row.source.to_string(),
            target: row.target.to_string(),
            time: time(row.time),
            period_ns: row
                .period
                .map(|period| u64::try_from(period.as_nanos()).unwrap_or(u64::MAX)),
            measured: row.measured,
            error: meta.error,
            detail: meta.detail,
            counts: row.counts.map(CountsAnswer::from),
            rtt: row.delay.as_ref().map(RttAnswer::from),
            ipdv: row.ipdv.as_ref().map(|ipdv| IpdvAnswer {
                pairs: ipdv.pairs,
                abs_sum_ns: ipdv.abs_sum_ns,
                smoothed_ns: ipdv.smoothed_ns,
            }),
            slices: row.slices.as_ref().map(|slices| SlicesAnswer {
                start: time(slices.start),
                sent: slices.sent.clone(),
                lost: slices.lost.clone(),
                rtt_count: slices.rtt_count.clone(),
                rtt_sum_ns: slices.rtt_sum_ns.clone(),
            }),
            loss_runs: row
                .loss_runs
                .iter()
                .map(|(length, count)| [*length, *count])
                .collect(),
            icmp_errors: row
                .icmp_errors
                .iter()
                .map(|error| IcmpErrorAnswer {
                    r#type: error.kind,
                    code: error.code,
                    from: error.from.to_string(),
                    count: error.count,
                })
                .collect(),
            hop_limits: pairs(&row.hop_limits),
            dscp_received: pairs(&row.dscp_received),
            path_mtu: row.path_mtu,
            address: meta.address.map(|address| address.to_string()),
            params: meta.params,
            clock: meta.clock,
            plan: meta.plan,
            legacy: row.legacy.map(|legacy| LegacyResultAnswer {
                min_ns: legacy.min_ns,
                max_ns: legacy.max_ns,
                avg_ns: legacy.avg_ns,
                stddev_ns: legacy.stddev_ns,
                loss: legacy.loss,
            }),
        }
    }
}

impl From<Counts> for CountsAnswer {
    fn from(counts: Counts) -> Self {
        Self {
            sent: counts.sent,
            received: counts.received,
            lost: counts.sent.saturating_sub(counts.received),
            late: counts.late,
            duplicates: counts.duplicates,
            reordered: counts.reordered,
            unsent: counts.unsent,
        }
    }
}

impl From<&DelayRow> for RttAnswer {
    fn from(delay: &DelayRow) -> Self {
        let moments = delay.moments();
        Self {
            count: delay.count,
            min_ns: delay.min_ns,
            mean_ns: moments.map(|moments| moments.mean_ns()),
            max_ns: delay.max_ns,
            stddev_ns: moments.map(|moments| moments.stddev_ns()),
            p50_ns: delay.p50_ns,
            p95_ns: delay.p95_ns,
            p99_ns: delay.p99_ns,
        }
    }
}

fn suspicions(round: &Round) -> Vec<String> {
    let native = round.run.as_ref().and_then(|run| run.native.as_ref());
    native
        .into_iter()
        .flat_map(|native| native.suspect.iter().map(ToString::to_string))
        .collect()
}

/// Columns of a stored result in a table.
pub(crate) const COLUMNS: [&str; 21] = [
    "time",
    "period_ns",
    "measured",
    "error",
    "detail",
    "sent",
    "received",
    "lost",
    "late",
    "duplicates",
    "reordered",
    "unsent",
    "rtt_count",
    "rtt_min_ns",
    "rtt_p50_ns",
    "rtt_p95_ns",
    "rtt_p99_ns",
    "rtt_max_ns",
    "rtt_mean_ns",
    "rtt_stddev_ns",
    "address",
];

/// The result in a row, empty cells if there is none.
pub(crate) fn cells(row: Option<&Row>) -> [Cell; COLUMNS.len()] {
    let Some(row) = row else {
        return std::array::from_fn(|_| Cell::Absent);
    };
    let meta = row.meta.clone().unwrap_or_default();
    let (counts, delay) = (row.counts, row.delay.as_ref());
    let moments = delay.and_then(DelayRow::moments);
    [
        Cell::plain(time(row.time)),
        Cell::maybe(row.period.map(|period| period.as_nanos())),
        Cell::plain(row.measured),
        Cell::maybe_text(meta.error),
        Cell::maybe_text(meta.detail),
        Cell::maybe(counts.map(|counts| counts.sent)),
        Cell::maybe(counts.map(|counts| counts.received)),
        Cell::maybe(counts.map(|counts| counts.sent.saturating_sub(counts.received))),
        Cell::maybe(counts.map(|counts| counts.late)),
        Cell::maybe(counts.map(|counts| counts.duplicates)),
        Cell::maybe(counts.map(|counts| counts.reordered)),
        Cell::maybe(counts.map(|counts| counts.unsent)),
        Cell::maybe(delay.map(|delay| delay.count)),
        Cell::maybe(delay.map(|delay| delay.min_ns)),
        Cell::maybe(delay.map(|delay| delay.p50_ns)),
        Cell::maybe(delay.map(|delay| delay.p95_ns)),
        Cell::maybe(delay.map(|delay| delay.p99_ns)),
        Cell::maybe(delay.map(|delay| delay.max_ns)),
        Cell::maybe(moments.map(|moments| moments.mean_ns())),
        Cell::maybe(moments.map(|moments| moments.stddev_ns())),
        Cell::maybe(meta.address),
    ]
}

/// The rounds as a table, a row for each stored result, its slices in four columns with `;` between them.
pub(crate) fn table(rounds: &Rounds) -> Table {
    let columns: Vec<&str> = ["source", "target", "family", "test", "class", "suspect"]
        .into_iter()
        .chain(COLUMNS)
        .chain(SLICES)
        .collect();
    let mut table = Table::new(&columns);
    let subject = &rounds.subject;
    for round in &rounds.rounds {
        let head = [
            Cell::text(round.row.source.as_str()),
            Cell::text(round.row.target.as_str()),
            Cell::plain(subject.family),
            Cell::text(subject.test.as_str()),
            Cell::maybe(round.slot.as_ref().and_then(|slot| slot.class)),
            Cell::text(suspicions(round).join(" ")),
        ];
        table.row(
            head.into_iter()
                .chain(cells(Some(&round.row)))
                .chain(slices(&round.row)),
        );
    }
    table
}

const SLICES: [&str; 4] = ["slices_start", "slices_sent", "slices_lost", "slices_rtt_sum_ns"];

fn slices(row: &Row) -> [Cell; SLICES.len()] {
    let Some(slices) = &row.slices else {
        return std::array::from_fn(|_| Cell::Absent);
    };
    let joined = |values: &[u64]| {
        let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
        Cell::plain(texts.join(";"))
    };
    [
        Cell::plain(time(slices.start)),
        joined(&slices.sent),
        joined(&slices.lost),
        joined(&slices.rtt_sum_ns),
    ]
}
