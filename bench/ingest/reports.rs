//! Reports as an exchange sends them: 280 packets to each target, spread over 28 slices, a few of them lost.

use std::time::Duration;

use collector::ingest::Settings;
use collector::ingest::names::Names;
use collector::ingest::native::{Arrival, accept};
use collector::store::Report;
use collector::store::influx::line;
use collector::store::point::points_of;
use ippm::wire::report::{PlanRefV1, ProbeV1, ReportV1, ResultV1};
use ippm::wire::time;
use ippm::{
    Family, Fate, Measured, Measurement, Outcome, Packet, ProbeName, Rtt, Sample, TestName, UnixTime, plan,
};

/// Time between two rounds, as the standard plan has it.
pub(crate) const PERIOD: Duration = Duration::from_mins(5);

/// A linear congruential generator (Knuth's MMIX): the same reports in every run.
struct Random(u64);

impl Random {
    /// A number below 2^32.
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 32
    }
}

/// The name of probe `index`.
pub(crate) fn name(index: usize) -> ProbeName {
    format!("probe-{index:04}")
        .parse()
        .expect("letters, digits and a hyphen")
}

/// The report of the round that `source` began at `round_start`, with `results` results, as JSON.
pub(crate) fn body(source: usize, round_start: UnixTime, results: usize) -> Vec<u8> {
    let targets: Vec<_> = (0..results).map(|target| (name(target), Family::V4)).collect();
    body_of(&name(source), source, round_start, &targets)
}

/// The report of the round that the probe `name` at place `source` began at `round_start`, as JSON.
pub(crate) fn body_of(
    name: &ProbeName,
    source: usize,
    round_start: UnixTime,
    targets: &[(ProbeName, Family)],
) -> Vec<u8> {
    let mut random =
        Random(u64::try_from(source).expect("few sources") ^ round_start.as_ns().cast_unsigned());
    let report = ReportV1 {
        schema: 1,
        source: name.to_string(),
        round_start: time::format(round_start),
        duration_ns: 284_104_000_000,
        plan: PlanRefV1 {
            version: "9f2c41d07b1e55aa".to_owned(),
            origin: "fetched".to_owned(),
        },
        cut_short: None,
        probe: ProbeV1 {
            version: "1.0.0".to_owned(),
            engine: "icmp-datagram".to_owned(),
            clock_offset_ns: Some(-812_000),
            clock_synchronised: Some(true),
            collector_offset_ns: Some(120_000_000),
            send_lag_p99_ns: Some(84_000),
            receive_drops: 0,
            stamps_missing: 0,
            stamps_discarded: 0,
            clock_steps: 0,
            send_lag_p50_ns: None,
            send_lag_max_ns: None,
            cpu_steal_ppm: None,
            cpu_own_ns: None,
            clock_error_ns: None,
            clock_frequency_ppb: None,
            interface_errors: None,
            interface_drops: None,
            neighbors_unresolved: None,
            neighbor_overflows: None,
            neighbor_limit: None,
            icmp_ratelimit_ms: None,
            icmp_msgs_per_s: None,
            icmp_rate_limited: None,
            unsent_errors: Vec::new(),
            suspect: Vec::new(),
        },
        results: targets
            .iter()
            .enumerate()
            .map(|(place, target)| ResultV1::new(&measurement(&mut random, round_start, place, target)))
            .collect(),
    };
    serde_json::to_vec(&report).expect("numbers and texts")
}

fn measurement(
    random: &mut Random,
    round_start: UnixTime,
    place: usize,
    (target, family): &(ProbeName, Family),
) -> Measurement {
    let params = plan::default_params(PERIOD);
    let base_ns = 200_000 + random.next() % 8_000_000;
    let packets = (0..280)
        .map(|sequence| packet(random, sequence, base_ns))
        .collect();
    let sample = Sample { round_start, packets };
    let address = match family {
        Family::V4 => format!("198.18.{}.{}", place / 250, 1 + place % 250),
        Family::V6 => format!("2001:db8::{:x}", 1 + place),
    };
    Measurement {
        test: TestName::icmp(),
        kind: "icmp".parse().expect("a word"),
        target: target.clone(),
        family: *family,
        period: PERIOD,
        outcome: Outcome::Measured(Box::new(Measured {
            address: address.parse().expect("an address"),
            params,
            clock: Some("kernel".parse().expect("a word")),
            summary: sample.summary().expect("280 packets"),
        })),
    }
}

/// One packet in 200 is lost; of the others the delays have a long tail, as those of a real path.
fn packet(random: &mut Random, sequence: u64, base_ns: u64) -> Packet {
    let departure = Duration::from_secs(sequence);
    let tail = [20_000, 40_000, 80_000, 400_000][usize::try_from(random.next() % 4).expect("below four")];
    let rtt_ns = base_ns + random.next() % tail;
    let fate = if random.next().is_multiple_of(200) {
        Fate::Lost
    } else {
        Fate::Returned {
            rtt: Some(Rtt::from_ns(rtt_ns)),
            arrival: departure + Duration::from_nanos(rtt_ns),
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
}

/// The report `body` of `source` as the collector stores it.
pub(crate) fn report(body: &[u8], source: usize, round_start: UnixTime) -> Report {
    let settings = Settings {
        legacy_period: PERIOD,
        retention: Duration::from_hours(1),
        strict_sources: false,
    };
    let arrival = Arrival {
        at: round_start,
        sent_at: None,
    };
    let names = Names::new();
    names.set_known((0..1000).map(name).collect());
    let accepted = accept(body, arrival, &name(source), &[], &settings, &names).expect("a good report");
    assert!(
        accepted.answer.rejected.is_empty(),
        "{:?}",
        accepted.answer.rejected
    );
    accepted.report
}

/// The lines that the collector writes for the report `body` of `source`, that of its round last.
pub(crate) fn lines(body: &[u8], source: usize, round_start: UnixTime) -> Vec<String> {
    let write = |point| {
        let mut text = String::new();
        line::push(&mut text, point).expect("a point that can be written");
        text
    };
    points_of(&report(body, source, round_start), Family::V4)
        .iter()
        .map(write)
        .collect()
}
