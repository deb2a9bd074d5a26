//! A mesh of probes that all measure each other, with delays as they are between data centers of one city.
//!
//! A pair has a delay of its own. Its rounds are some of few that were made beforehand, and its hours and days are
//! what these rounds add up to.

use std::time::Duration;

use collector::store::cell::{Resolution, Series, StoredCell};
use collector::store::ledger::{Condition, NativeRun, ProbeRun};
use collector::store::{Entry, Report};
use ippm::cell::slices::PackedSlices;
use ippm::cell::{Cell, DAY, HOUR};
use ippm::{Family, Measured, Measurement, Outcome, ProbeName, Summary, TestName, UnixTime, plan};
use serde_json::json;

use crate::round::{counted_row, round};
use crate::size::{Size, end};

/// The default period.
pub(crate) const PERIOD: Duration = Duration::from_mins(5);

/// Slots of an hour.
const SLOTS: usize = 12;

/// Delays that differ; each pair has one of them.
const PLACES: usize = 16;

/// Rounds of each delay, and hours, and days.
const VARIANTS: usize = 24;

/// The probes, and what they may find.
pub(crate) struct Mesh {
    probes: Vec<ProbeName>,
    silent: usize,
    rounds: Vec<Vec<Summary>>,
    hours: Vec<Vec<Cell>>,
    days: Vec<Vec<Cell>>,
}

/// An ordered pair and family, the probes by their number.
#[derive(Clone, Copy)]
struct Pair {
    source: usize,
    target: usize,
    family: Family,
}

impl Mesh {
    /// A mesh of this size.
    pub(crate) fn new(size: &Size) -> Self {
        let rounds: Vec<Vec<Summary>> = (0..PLACES as u64)
            .map(|place| (0..VARIANTS as u64).map(|at| round(place, at)).collect())
            .collect();
        let hours: Vec<Vec<Cell>> = (0..PLACES)
            .map(|place| {
                (0..VARIANTS)
                    .map(|at| hour(&rounds[place], at, 0..SLOTS))
                    .collect()
            })
            .collect();
        let day = |hours: &[Cell], first: usize| {
            let of_day = (0..24).map(|hour| &hours[variant_of_hour(first, hour)]);
            Cell::of_hours(of_day).expect("hours make a day")
        };
        let days = hours
            .iter()
            .map(|hours| (0..VARIANTS).map(|at| day(hours, at)).collect())
            .collect();
        Self {
            probes: (0..size.probes.into()).map(name).collect(),
            silent: size.silent as usize,
            rounds,
            hours,
            days,
        }
    }

    /// The probes.
    pub(crate) fn probes(&self) -> &[ProbeName] {
        &self.probes
    }

    /// The probes as a `probes.json`: two at each site, both families.
    pub(crate) fn roster_text(&self) -> String {
        let entry = |(number, name): (usize, &ProbeName)| {
            json!({
                "name": name.as_str(), "proto": 4, "site": format!("Hall {}", number / 2 + 1),
                "address": address(number, Family::V4), "address6": address(number, Family::V6),
            })
        };
        let entries: Vec<_> = self.probes.iter().enumerate().map(entry).collect();
        json!({ "probes": entries }).to_string()
    }

    /// The schedule: every probe measures every other.
    pub(crate) fn schedule_text() -> String {
        json!({ "measure": true, "tests": [{ "name": "icmp" }], "maintenance": [] }).to_string()
    }

    /// One report of every probe that is not silent in the slot, with its results or without.
    pub(crate) fn reports(&self, slot: UnixTime, with_results: bool) -> Vec<Report> {
        let sources = 0..self.probes.len();
        let sources = sources.filter(|source| !self.is_silent(*source, slot));
        let report = |source: usize| {
            let pairs: Vec<Pair> = if with_results {
                self.pairs(source).collect()
            } else {
                Vec::new()
            };
            let entries = pairs
                .into_iter()
                .map(|pair| Entry::Native(self.measurement(pair, slot)));
            // No two probes start at once.
            let time = slot.saturating_add(Duration::from_millis(250 + 13 * source as u64));
            Report {
                run: run(&self.probes[source], time, 2 * (self.probes.len() - 1)),
                entries: entries.enumerate().collect(),
            }
        };
        sources.map(report).collect()
    }

    /// One cell of every pair and family; of the running hour and day what is there of it.
    pub(crate) fn cells(&self, time: UnixTime, resolution: Resolution) -> Vec<StoredCell> {
        let sources = 0..self.probes.len();
        let pairs = sources.flat_map(|source| self.pairs(source));
        let cell = |pair: Pair| {
            let cell = match resolution {
                Resolution::Hour => self.hour(pair, time)?,
                Resolution::Day => self.day(pair, time)?,
            };
            let series = Series {
                source: self.probes[pair.source].clone(),
                target: self.probes[pair.target].clone(),
                family: pair.family,
                test: TestName::icmp(),
            };
            Some(StoredCell::new(series, time, cell))
        };
        pairs.filter_map(cell).collect()
    }

    fn hour(&self, pair: Pair, time: UnixTime) -> Option<Cell> {
        let variant = variant_of_hour(variant_of_day(pair, time), hour_of_day(time));
        let slots = self.slots(pair.source, time);
        let mut cell = match slots.len() {
            0 => return None,
            SLOTS => self.hours[pair.place()][variant].clone(),
            _ => hour(&self.rounds[pair.place()], variant, slots),
        };
        cell.slices = cell.slices.map(|slices| starting(&slices, time));
        Some(cell)
    }

    fn day(&self, pair: Pair, day: UnixTime) -> Option<Cell> {
        let hours = (0..24).map(|hour| day.saturating_add(HOUR * hour));
        if hours
            .clone()
            .all(|hour| self.slots(pair.source, hour).len() == SLOTS)
        {
            return Some(self.days[pair.place()][variant_of_day(pair, day)].clone());
        }
        let hours: Vec<Cell> = hours.filter_map(|hour| self.hour(pair, hour)).collect();
        Cell::of_hours(&hours)
    }

    /// The slots of an hour of which a report is there.
    fn slots(&self, source: usize, hour: UnixTime) -> std::ops::Range<usize> {
        let there = (0..SLOTS).filter(|slot| {
            let slot = hour.saturating_add(PERIOD * u32::try_from(*slot).unwrap_or(0));
            slot < end() && !self.is_silent(source, slot)
        });
        let there: Vec<usize> = there.collect();
        // Who is silent is so from the hour's start.
        there.first().map_or(0..0, |first| *first..first + there.len())
    }

    /// Once a week a probe is not there for some reports from the start of an hour on.
    fn is_silent(&self, source: usize, slot: UnixTime) -> bool {
        let day = number_of(slot, DAY);
        let in_hour = number_of(slot, PERIOD) % SLOTS;
        day % 7 == source % 7 && hour_of_day(slot) == (5 + 7 * source) % 24 && in_hour < self.silent
    }

    fn pairs(&self, source: usize) -> impl Iterator<Item = Pair> + use<> {
        let targets = (0..self.probes.len()).filter(move |target| *target != source);
        targets.flat_map(move |target| {
            [Family::V4, Family::V6].map(|family| Pair {
                source,
                target,
                family,
            })
        })
    }

    fn measurement(&self, pair: Pair, slot: UnixTime) -> Measurement {
        let variant = variant_of_hour(variant_of_day(pair, slot), hour_of_day(slot));
        let round = variant_of_round(variant, number_of(slot, PERIOD) % SLOTS);
        let mut summary = self.rounds[pair.place()][round].clone();
        summary.slices.start = slot;
        Measurement {
            test: TestName::icmp(),
            kind: "icmp".parse().expect("a word"),
            target: self.probes[pair.target].clone(),
            family: pair.family,
            period: PERIOD,
            outcome: Outcome::Measured(Box::new(Measured {
                address: address(pair.target, pair.family).parse().expect("an address"),
                params: plan::default_params(PERIOD),
                clock: summary.delay.is_some().then(|| "kernel".parse().expect("a word")),
                summary,
            })),
        }
    }
}

impl Pair {
    /// Which delay it has.
    fn place(self) -> usize {
        (self.source * 5 + self.target * 3 + usize::from(self.family == Family::V6)) % PLACES
    }
}

fn variant_of_day(pair: Pair, time: UnixTime) -> usize {
    (number_of(time, DAY) * 5 + pair.source * 3 + pair.target) % VARIANTS
}

fn variant_of_hour(of_day: usize, hour: usize) -> usize {
    (of_day + hour * 7) % VARIANTS
}

fn variant_of_round(of_hour: usize, slot: usize) -> usize {
    (of_hour + slot * 5) % VARIANTS
}

fn hour_of_day(time: UnixTime) -> usize {
    number_of(time, HOUR) % 24
}

fn number_of(time: UnixTime, length: Duration) -> usize {
    usize::try_from(time.as_ns() / length.as_nanos() as i64).expect("after the epoch")
}

/// The hour of these slots.
fn hour(rounds: &[Summary], variant: usize, slots: std::ops::Range<usize>) -> Cell {
    let hour = UnixTime::from_ns(0);
    let row = |slot: usize| {
        let start = hour.saturating_add(PERIOD * u32::try_from(slot).unwrap_or(0));
        counted_row(&rounds[variant_of_round(variant, slot)], start)
    };
    Cell::of_rows(hour, slots.map(row).collect()).expect("rows make an hour")
}

fn name(number: usize) -> ProbeName {
    format!("probe{number:03}").parse().expect("a name")
}

fn address(number: usize, family: Family) -> String {
    match family {
        Family::V4 => format!("198.18.{}.{}", number / 250, number % 250 + 1),
        Family::V6 => format!("2001:db8::{:x}", number + 1),
    }
}

fn run(source: &ProbeName, time: UnixTime, results: usize) -> ProbeRun {
    ProbeRun {
        source: source.clone(),
        time,
        origin: "fetched".parse().expect("a word"),
        results: results as u64,
        received_at: time.saturating_add(Duration::from_secs(284)),
        skew_ns: Some(-120_000),
        native: Some(NativeRun {
            duration: Duration::from_millis(284_104),
            plan: "9f2c41d07b1e55aa".to_owned(),
            cut_short: None,
            version: "1.0.0".to_owned(),
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

/// The same slices from `time` on.
pub(crate) fn starting(slices: &PackedSlices, time: UnixTime) -> PackedSlices {
    let slices = slices.unpack().expect("slices that were made here");
    slices.starting(time).pack()
}
