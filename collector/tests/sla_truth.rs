//! The statement of a whole month is what was made to happen in it, packet by packet, computed here once more by
//! straightforward code of its own.
#![cfg(test)]

use std::collections::BTreeMap;
use std::time::Duration;

use collector::plan::Defaults;
use collector::report::directory::Directory;
use collector::report::selection::Subject;
use collector::report::sla::account::Rounds;
use collector::report::sla::gather::{self, Ground, NoRecord, Question};
use collector::report::sla::profile::{AvailabilityForm, Profile, Targets};
use collector::report::sla::statement::{Figures, Pair, Period, Statement};
use collector::store::embedded::{self, Embedded};
use collector::synthetic::truth::{Delivery, SlotTruth};
use collector::synthetic::{History, Scenario};
use ippm::limit::LossLimit;
use ippm::{Family, Fate, Sample, TestName, UnixTime, plan};

const PERIOD: Duration = Duration::from_mins(5);
/// Slices of a window: so few that bursts of loss are outages now and then, and some just not.
const WINDOW: usize = 3;
const SLICE_NS: i64 = 10_000_000_000;
const SLICES_OF_MINUTE: i64 = 6;

fn at(text: &str) -> UnixTime {
    ippm::wire::time::parse(text).unwrap()
}

/// October 2026 of the smallest exchange. Single results begin before the announced work, whose edges cut hours:
/// before them there are cells alone.
fn october() -> Scenario {
    Scenario {
        probes: 4,
        start: at("2026-10-01T00:00:00Z"),
        end: at("2026-11-01T00:00:00Z"),
        raw_from: at("2026-10-14T22:00:00Z"),
        seed: 3,
    }
}

async fn stated(history: &History) -> Statement {
    let half = LossLimit::from_ppm(500_000).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&embedded::Options {
        path: folder.path().join("store.sqlite"),
        legacy_family: Family::V4,
    })
    .unwrap();
    history.write(&store).await.unwrap();
    let now = at("2026-11-02T00:00:00Z");
    let directory = Directory::of(history.roster());
    let ground = Ground {
        directory: &directory,
        roster: history.roster(),
        loads: &[],
        legacy_period: PERIOD,
        raw_retention: now.since(history.scenario().raw_from).unwrap(),
        hour_retention: Duration::from_hours(24 * 730),
        now,
    };
    let question = Question {
        period: Period::month("2026-10", "UTC", now).unwrap(),
        profile: Profile {
            name: "default".to_owned(),
            title: String::new(),
            window: WINDOW,
            threshold: half,
            form: AvailabilityForm::Announced,
            least_coverage: half,
            targets: Targets::NONE,
        },
        sites: Vec::new(),
        source: None,
        target: None,
        family: None,
        test: TestName::icmp(),
    };
    gather::read(&store, &ground, &question, &mut NoRecord)
        .await
        .unwrap()
}

/// The rounds of some slots, by what became of their reports.
fn rounds<'a>(slots: impl IntoIterator<Item = &'a SlotTruth>) -> Rounds {
    let mut rounds = Rounds::NONE;
    for slot in slots {
        rounds.expected += 1;
        match slot.delivery {
            Delivery::Stored => rounds.measured += 1,
            Delivery::Suspect => rounds.suspect += 1,
            Delivery::ProbeDead => rounds.probe_missing += 1,
            Delivery::CollectorDead => rounds.collector_gap += 1,
        }
    }
    rounds
}

/// Checks what is counted in rounds: (rounds, sent, lost, squares of lost, lossy, down).
#[track_caller]
fn check_loss<'a>(what: &str, figures: &Figures, slots: impl Iterator<Item = &'a SlotTruth>) {
    let mut expected = (0, 0, 0, 0, 0, 0);
    for slot in slots.filter(|slot| slot.delivery == Delivery::Stored) {
        expected.0 += 1;
        expected.1 += slot.sent;
        expected.2 += slot.lost;
        expected.3 += slot.lost * slot.lost;
        expected.4 += u64::from(slot.lost > 0);
        expected.5 += u64::from(slot.lost == slot.sent);
    }
    let sums = figures.loss.sums();
    let found = (
        sums.rounds,
        sums.sent,
        sums.lost,
        sums.lost_sq_sum,
        sums.rounds_lossy,
    );
    let (rounds, sent, lost, squares, lossy, down) = expected;
    assert_eq!(found, (rounds, sent, lost, squares, lossy), "loss of {what}");
    assert_eq!(figures.rounds_down, down, "rounds down of {what}");
}

/// What happened in ten seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    sent: u64,
    lost: u64,
    rtt_sum_ns: u64,
    is_announced: bool,
}

/// The slices with packets of rounds in the figures, by their number since 1970.
type Slices = BTreeMap<i64, Slice>;

fn add(slices: &mut Slices, sample: &Sample, is_announced: bool) {
    for packet in &sample.packets {
        let left = sample.round_start.saturating_add(packet.departure);
        let slice = slices.entry(left.as_ns().div_euclid(SLICE_NS)).or_default();
        slice.sent += 1;
        slice.is_announced |= is_announced;
        match packet.fate {
            Fate::Returned { rtt: Some(rtt), .. } => slice.rtt_sum_ns += rtt.as_ns(),
            _ => slice.lost += 1,
        }
    }
}

/// Slices by what availability makes of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Judged {
    whole: u64,
    unavailable: u64,
    unjudged: u64,
    high: u64,
    outages: u64,
    announced: (u64, u64),
}

/// The definition, by looking ahead: unavailable begins with the first of a window of high loss slices, available
/// with the first of a window of others; a hole longer than a window ends a sequence.
fn judge(slices: &Slices) -> Judged {
    let all: Vec<(i64, Slice)> = slices.iter().map(|(number, slice)| (*number, *slice)).collect();
    let mut found = Judged::default();
    let window = i64::try_from(WINDOW).unwrap();
    for sequence in all.chunk_by(|(one, _), (next, _)| next - one - 1 <= window) {
        let high: Vec<bool> = sequence
            .iter()
            .map(|(_, slice)| 2 * slice.lost > slice.sent)
            .collect();
        found.high += high.iter().filter(|high| **high).count() as u64;
        if sequence.len() < WINDOW {
            found.unjudged += sequence.len() as u64;
            continue;
        }
        let mut is_available = true;
        for (index, (_, slice)) in sequence.iter().enumerate() {
            let ahead = high.get(index..index + WINDOW);
            if ahead.is_some_and(|ahead| ahead.iter().all(|high| *high == is_available)) {
                is_available = !is_available;
                found.outages += u64::from(!is_available);
            }
            found.whole += 1;
            found.unavailable += u64::from(!is_available);
            if slice.is_announced {
                found.announced.0 += 1;
                found.announced.1 += u64::from(!is_available);
            }
        }
    }
    found
}

#[track_caller]
fn check_near(what: &str, found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(error <= expected.abs() * 1e-9, "{what}: {found}, not {expected}");
}

/// Checks what is counted in packets and slices.
#[track_caller]
#[expect(clippy::cast_precision_loss, reason = "counts of a minute are far below 2^53")]
fn check_slices(what: &str, figures: &Figures, slices: &Slices) {
    let availability = &figures.availability;
    let found = Judged {
        whole: availability.unavailable.whole(),
        unavailable: availability.unavailable.part(),
        unjudged: availability.unjudged,
        high: availability.high_loss,
        outages: availability.outages_total,
        announced: availability.in_maintenance,
    };
    assert_eq!(found, judge(slices), "availability of {what}");

    let mut minutes: BTreeMap<i64, Slice> = BTreeMap::new();
    for (number, slice) in slices {
        let minute = minutes.entry(number.div_euclid(SLICES_OF_MINUTE)).or_default();
        minute.sent += slice.sent;
        minute.lost += slice.lost;
        minute.rtt_sum_ns += slice.rtt_sum_ns;
    }
    let loss: Vec<f64> = minutes
        .values()
        .map(|minute| minute.lost as f64 / minute.sent as f64)
        .collect();
    let delays: Vec<f64> = minutes
        .values()
        .filter(|minute| minute.lost < minute.sent)
        .map(|minute| minute.rtt_sum_ns as f64 / (minute.sent - minute.lost) as f64)
        .collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let found = figures.minutes.unwrap();
    assert_eq!(
        (found.count, found.lossy, found.with_delay),
        (
            loss.len() as u64,
            loss.iter().filter(|loss| **loss > 0.0).count() as u64,
            delays.len() as u64
        ),
        "minutes of {what}"
    );
    check_near(what, found.mean_loss, mean(&loss));
    check_near(what, found.mean_delay_ns.unwrap(), mean(&delays));

    let received: u64 = slices.values().map(|slice| slice.sent - slice.lost).sum();
    let sum: u64 = slices.values().map(|slice| slice.rtt_sum_ns).sum();
    let delay = figures.delay.unwrap();
    // Half up.
    assert_eq!(
        (delay.count, delay.mean_ns),
        (received, (2 * sum + received) / (2 * received)),
        "delay of {what}"
    );
}

fn subject(pair: &Pair) -> Subject {
    Subject {
        source: pair.source.probe.clone(),
        target: pair.target.probe.clone(),
        family: pair.family,
        test: pair.test.clone(),
    }
}

#[tokio::test]
async fn the_statement_of_a_month_is_what_was_made_to_happen() {
    let defaults = Defaults {
        period: PERIOD,
        params: plan::default_params(PERIOD),
        legacy_period: PERIOD,
        pps: 2_000,
        pps_per_target: 50,
    };
    let history = History::new(october(), defaults).unwrap();
    let statement = stated(&history).await;
    assert_eq!(statement.pairs.len(), 4 * 3 * 2);

    let mut total = Rounds::NONE;
    for pair in &statement.pairs {
        let name = format!("{:?}", subject(pair));
        let slots: Vec<SlotTruth> = history.truth(&subject(pair)).collect();
        assert_eq!(slots.len(), 31 * 288);
        let announced = || slots.iter().filter(|slot| slot.in_maintenance);
        let accounting = &pair.figures.accounting;
        assert_eq!(accounting.all, rounds(&slots), "{name}");
        assert_eq!(
            accounting.in_maintenance,
            rounds(announced()),
            "{name}, announced"
        );
        assert_eq!(accounting.slices_expected, 31 * 288 * 30);
        check_loss(&name, &pair.figures.including, slots.iter());
        let others = slots.iter().filter(|slot| !slot.in_maintenance);
        check_loss(&name, &pair.figures.excluding, others);
        total.merge(&accounting.all);
    }
    let Rounds {
        suspect,
        probe_missing,
        collector_gap,
        ..
    } = total;
    assert!(0 < suspect.min(probe_missing).min(collector_gap), "{total:?}");

    // Packet by packet: to a probe that dies, over the lossy member; in announced work; from a busy host.
    let chosen = [
        ("ix01", "ix04", Family::V4),
        ("ix03", "ix02", Family::V6),
        ("ix02", "ix01", Family::V6),
    ];
    for (source, target, family) in chosen {
        let is_chosen = |pair: &&Pair| {
            pair.source.probe.as_str() == source
                && pair.target.probe.as_str() == target
                && pair.family == family
        };
        let pair = statement.pairs.iter().find(is_chosen).unwrap();
        let (mut including, mut excluding) = (Slices::new(), Slices::new());
        for (slot, sample) in history.packet_truth(&subject(pair)) {
            if let Some(sample) = sample.filter(|_| slot.delivery == Delivery::Stored) {
                add(&mut including, &sample, slot.in_maintenance);
                if !slot.in_maintenance {
                    add(&mut excluding, &sample, false);
                }
            }
        }
        let name = format!("{:?}", subject(pair));
        check_slices(&name, &pair.figures.including, &including);
        check_slices(&name, &pair.figures.excluding, &excluding);
        let (judged, downtime) = (judge(&including), &pair.figures.downtime);
        let (_, down_in_work) = judged.announced;
        assert_eq!(
            (
                downtime.share.whole(),
                downtime.share.part(),
                downtime.in_maintenance
            ),
            (
                judged.whole - down_in_work,
                judged.unavailable - down_in_work,
                down_in_work
            ),
            "{name}"
        );
        assert_eq!(pair.figures.accounting.slices, including.len() as u64, "{name}");
    }
}
