//! A mesh of probes that all measure each other, with delays as they are between data centers of one city.

use std::time::Duration;

use collector::store::cell::{Resolution, Series, StoredCell};
use collector::store::ledger::{Condition, NativeRun, ProbeRun};
use collector::store::{Entry, Report};
use ippm::cell::Cell;
use ippm::cell::row::{CellRow, Counted, RowFinding};
use ippm::{
    Family, Fate, Measured, Measurement, Outcome, Packet, Params, ProbeName, Rtt, Sample, Slices, Summary,
    TestName, UnixTime,
};

/// The default period.
pub const PERIOD: Duration = Duration::from_mins(5);

/// Packets of a round, one a second.
const PACKETS: u64 = 280;

/// Rounds that differ; every result is one of them.
const VARIANTS: usize = 64;

/// One in so many packets is lost.
const LOSS: u64 = 2000;

/// The probes, and what they may find.
pub struct Mesh {
    probes: Vec<ProbeName>,
    rounds: Vec<Summary>,
    cells: Vec<Cell>,
}

impl Mesh {
    /// A mesh of so many probes.
    pub fn new(probes: usize) -> Self {
        let mut random = Random(7);
        let rounds: Vec<Summary> = (0..VARIANTS).map(|at| round(&mut random, at as u64)).collect();
        let cells = (0..VARIANTS).map(|at| cell(&rounds, at)).collect();
        Self {
            probes: (0..probes)
                .map(|at| format!("probe{at:02}").parse().expect("a name"))
                .collect(),
            rounds,
            cells,
        }
    }

    pub fn probes(&self) -> usize {
        self.probes.len()
    }

    pub fn probe(&self, at: usize) -> &ProbeName {
        &self.probes[at]
    }

    /// One report of every probe in the slot.
    pub fn reports(&self, slot: UnixTime) -> Vec<Report> {
        let slot_number = usize::try_from(slot.as_ns() / 300_000_000_000).unwrap_or(0);
        let time = slot.saturating_add(Duration::from_millis(250));
        let of_source = |(number, source): (usize, &ProbeName)| {
            let pairs = self.pairs(source).enumerate();
            let entries: Vec<Entry> = pairs
                .map(|(pair, (target, family))| {
                    let mut summary = self.rounds[(slot_number * 7 + number * 3 + pair) % VARIANTS].clone();
                    summary.slices.start = slot;
                    Entry::Native(measurement(target, family, summary))
                })
                .collect();
            Report {
                run: run(source, time, entries.len()),
                entries: entries.into_iter().enumerate().collect(),
            }
        };
        self.probes.iter().enumerate().map(of_source).collect()
    }

    /// One cell of every pair and family.
    pub fn cells(&self, time: UnixTime, resolution: Resolution) -> Vec<StoredCell> {
        let slot = usize::try_from(time.as_ns() / 3_600_000_000_000).unwrap_or(0);
        let mut cells = Vec::new();
        for (number, source) in self.probes.iter().enumerate() {
            for (pair, (target, family)) in self.pairs(source).enumerate() {
                let mut cell = self.cells[(slot * 5 + number * 3 + pair) % VARIANTS].clone();
                cell.slices = match resolution {
                    Resolution::Hour => cell.slices.map(|slices| Slices { start: time, ..slices }),
                    Resolution::Day => None,
                };
                let series = Series {
                    source: source.clone(),
                    target: target.clone(),
                    family,
                    test: TestName::icmp(),
                };
                cells.push(StoredCell::new(series, time, cell));
            }
        }
        cells
    }

    fn pairs(&self, source: &ProbeName) -> impl Iterator<Item = (&ProbeName, Family)> {
        self.probes
            .iter()
            .filter(move |target| *target != source)
            .flat_map(|target| [(target, Family::V4), (target, Family::V6)])
    }
}

/// The hour of twelve rounds.
fn cell(rounds: &[Summary], first: usize) -> Cell {
    let hour = UnixTime::from_ns(0);
    let rows = (0..12_u32)
        .map(|slot| {
            let start = hour.saturating_add(PERIOD * slot);
            let round = &rounds[(first + slot as usize * 5) % VARIANTS];
            let delay = round.delay.as_ref();
            CellRow {
                time: start,
                period: Some(PERIOD),
                is_suspect: false,
                finding: RowFinding::Counted(Box::new(Counted {
                    sent: round.sent,
                    received: round.received,
                    late: round.late,
                    duplicates: round.duplicates,
                    reordered: round.reordered,
                    unsent: round.unsent,
                    delay: delay.map(|delay| ippm::cell::CellDelay {
                        moments: ippm::Moments {
                            count: delay.count,
                            sum_ns: delay.sum_ns,
                            m2_ns2: delay.m2_ns2,
                        },
                        min_ns: delay.min.as_ns(),
                        max_ns: delay.max.as_ns(),
                    }),
                    hist: delay.map(|delay| delay.hist.clone()),
                    ipdv_pairs: round.ipdv.map_or(0, |ipdv| ipdv.pairs),
                    ipdv_abs_sum_ns: round.ipdv.map_or(0, |ipdv| ipdv.abs_sum_ns),
                    slices: Some(Slices {
                        start,
                        ..round.slices.clone()
                    }),
                })),
            }
        })
        .collect();
    Cell::of_rows(hour, rows).expect("rows make a cell")
}

/// A round: a floor, and above it what queues add, mostly little.
fn round(random: &mut Random, variant: u64) -> Summary {
    let floor = 300_000 + variant * 23_000;
    let packets = (0..PACKETS).map(|second| {
        let departure = Duration::from_secs(second);
        let queue = random.below(20_000) + (random.below(50) == 0).then(|| random.below(400_000)).unwrap_or(0);
        let rtt = Rtt::from_ns(floor + queue);
        let fate = if random.below(LOSS) == 0 {
            Fate::Lost
        } else {
            Fate::Returned {
                rtt: Some(rtt),
                arrival: departure + Duration::from_nanos(rtt.as_ns()),
                hop_limit: Some(64),
                dscp: None,
            }
        };
        Packet {
            departure,
            fate,
            duplicates: 0,
            icmp_error: None,
        }
    });
    let sample = Sample {
        round_start: UnixTime::from_ns(0),
        packets: packets.collect(),
    };
    sample.summary().expect("packets were sent")
}

fn measurement(target: &ProbeName, family: Family, summary: Summary) -> Measurement {
    let address = match family {
        Family::V4 => "192.0.2.10",
        Family::V6 => "2001:db8::10",
    };
    Measurement {
        test: TestName::icmp(),
        kind: "icmp".parse().expect("a word"),
        target: target.clone(),
        family,
        period: PERIOD,
        outcome: Outcome::Measured(Box::new(Measured {
            address: address.parse().expect("an address"),
            params: Params {
                count: Some(PACKETS),
                spread: Some(Duration::from_secs(PACKETS)),
                timeout: Some(Duration::from_secs(2)),
                payload_bytes: Some(56),
                dscp: Some(0),
                dont_fragment: Some(false),
            },
            clock: summary.delay.is_some().then(|| "kernel".parse().expect("a word")),
            summary,
        })),
    }
}

fn run(source: &ProbeName, time: UnixTime, results: usize) -> ProbeRun {
    ProbeRun {
        source: source.clone(),
        time,
        origin: "fetched".parse().expect("a word"),
        results: results as u64,
        received_at: time.saturating_add(Duration::from_secs(285)),
        skew_ns: Some(-120_000),
        native: Some(NativeRun {
            duration: Duration::from_millis(284_104),
            plan: "9f2c41d07b1e55aa".to_owned(),
            cut_short: None,
            version: "synthetic".to_owned(),
            engine: "icmp-datagram".parse().expect("a word"),
            clock_offset_ns: Some(-812_000),
            clock_synchronised: Some(true),
            collector_offset_ns: None,
            send_lag_p99_ns: Some(84_000),
            receive_drops: Some(0),
            stamps_missing: Some(0),
            stamps_discarded: Some(0),
            clock_steps: Some(0),
            suspect: Vec::new(),
            condition: Condition::UNKNOWN,
        }),
    }
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
