//! Measurements for people, one on a line: delays in milliseconds, three decimals, numbers below each other.

use std::fmt::Write as _;

use ippm::{Delay, Measurement, Outcome, Summary, TestName};

/// The lines of `measurements`.
pub(super) fn lines(measurements: &[Measurement]) -> Vec<String> {
    let rows: Vec<Row> = measurements.iter().map(Row::of).collect();
    let label = rows.iter().map(|row| row.label.chars().count()).max();
    let label = label.unwrap_or_default();
    let widths: Vec<usize> = (0..TEXTS.len())
        .map(|column| {
            rows.iter()
                .filter_map(|row| Some(row.numbers.get(column)?.len()))
                .max()
        })
        .map(Option::unwrap_or_default)
        .collect();
    rows.iter().map(|row| row.line(label, &widths)).collect()
}

/// What stands before each number of a line.
const TEXTS: [&str; 9] = [
    ": sent ",
    ", received ",
    ", loss ",
    " %, min/avg/max/stddev ",
    "/",
    "/",
    "/",
    " ms, p50/p99 ",
    "/",
];

/// How many of them say what was counted, and what stands behind those.
const COUNTS: (usize, &str) = (3, " %");
/// What stands behind all of them.
const UNIT: &str = " ms";

/// What a line says.
struct Row {
    label: String,
    /// As many as there are [`TEXTS`], without a delay the first three, none if nothing was measured.
    numbers: Vec<String>,
    /// What seldom happens, with the comma or colon before it.
    notes: String,
}

impl Row {
    fn of(measurement: &Measurement) -> Self {
        let target = measurement.target.as_str();
        let test = test(&measurement.test);
        let measured = match &measurement.outcome {
            Outcome::Measured(measured) => measured,
            Outcome::Unmeasured { error, .. } => {
                return Self {
                    label: format!("{target}{test}"),
                    numbers: Vec::new(),
                    notes: format!(": {error}"),
                };
            }
        };
        let address = measured.address.to_string();
        let label = if address == target {
            format!("{address}{test}")
        } else {
            format!("{target} ({address}){test}")
        };
        let mut numbers = counts(&measured.summary).to_vec();
        numbers.extend(measured.summary.delay.iter().flat_map(delays));
        Self {
            label,
            numbers,
            notes: notes(&measured.summary),
        }
    }

    fn line(&self, label: usize, widths: &[usize]) -> String {
        let Self {
            label: name,
            numbers,
            notes,
        } = self;
        let mut line = format!("{name:label$}");
        for ((number, text), width) in numbers.iter().zip(TEXTS).zip(widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{text}{number:>width$}");
        }
        match numbers.len() {
            0 => {}
            counted if counted == COUNTS.0 => line.push_str(COUNTS.1),
            _ => line.push_str(UNIT),
        }
        line.push_str(notes);
        line
    }
}

/// What stands behind the target in the lines of `test`: nothing for the usual one.
pub(super) fn test(test: &TestName) -> String {
    if *test == TestName::icmp() {
        String::new()
    } else {
        format!(" {test}")
    }
}

fn counts(summary: &Summary) -> [String; COUNTS.0] {
    let lost = summary.loss_ratio().map_or(0.0, ippm::LossRatio::as_ppl);
    [
        summary.sent.to_string(),
        summary.received.to_string(),
        format!("{lost:.1}"),
    ]
}

fn notes(summary: &Summary) -> String {
    let Summary {
        late,
        duplicates,
        reordered,
        unsent,
        ..
    } = *summary;
    let mut notes = String::new();
    for (count, what) in [
        (late, "late"),
        (duplicates, "duplicates"),
        (reordered, "reordered"),
        (unsent, "unsent"),
    ] {
        if count > 0 {
            let _ = write!(notes, ", {what} {count}");
        }
    }
    for error in &summary.icmp_errors {
        let _ = write!(
            notes,
            ", ICMP {}/{} from {} {}",
            error.kind, error.code, error.from, error.count
        );
    }
    if let Some(mtu) = summary.path_mtu {
        let _ = write!(notes, ", MTU {mtu}");
    }
    notes
}

fn delays(delay: &Delay) -> [String; 6] {
    let [min, avg, max, p50, p99] = [
        delay.min.as_ns(),
        delay.mean_ns(),
        delay.max.as_ns(),
        delay.p50.as_ns(),
        delay.p99.as_ns(),
    ]
    .map(as_f64);
    [min, avg, max, delay.stddev_ns(), p50, p99].map(|ns| format!("{:.3}", ns / 1e6))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "three decimals of a millisecond are shown"
)]
fn as_f64(ns: u64) -> f64 {
    ns as f64
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use ippm::{Family, Fate, IcmpError, Measured, Packet, Params, Rtt, Sample, UnixTime};

    use super::*;

    fn packet(fate: Fate) -> Packet {
        Packet {
            departure: Duration::ZERO,
            fate,
            duplicates: 0,
            icmp_error: None,
        }
    }

    fn returned(ns: u64) -> Packet {
        packet(Fate::Returned {
            rtt: Some(Rtt::from_ns(ns)),
            arrival: Duration::from_nanos(ns),
            hop_limit: None,
            dscp: None,
        })
    }

    fn measurement(target: &str, packets: Vec<Packet>) -> Measurement {
        let summary = Sample {
            round_start: UnixTime::from_ns(0),
            packets,
        }
        .summary()
        .unwrap();
        let address = IpAddr::from([192, 0, 2, 1]);
        let measured = Measured {
            address,
            params: Params::NONE,
            clock: None,
            summary,
        };
        Measurement {
            test: "icmp".parse().unwrap(),
            kind: "icmp".parse().unwrap(),
            target: target.parse().unwrap(),
            family: Family::V4,
            period: Duration::ZERO,
            outcome: Outcome::Measured(Box::new(measured)),
        }
    }

    #[track_caller]
    fn check(target: &str, packets: Vec<Packet>, expected: &str) {
        assert_eq!(lines(&[measurement(target, packets)]), [expected]);
    }

    #[test]
    fn the_numbers_of_several_targets_stand_below_each_other() {
        let many = vec![returned(10_000_000); 10];
        let found = lines(&[
            measurement("a.example", many),
            measurement("192.0.2.1", vec![returned(500_000), packet(Fate::Lost)]),
            measurement("192.0.2.1", vec![packet(Fate::Lost)]),
        ]);
        let expected = [
            "a.example (192.0.2.1): sent 10, received 10, loss   0.0 %, \
             min/avg/max/stddev 10.000/10.000/10.000/0.000 ms, p50/p99 10.000/10.000 ms",
            "192.0.2.1            : sent  2, received  1, loss  50.0 %, \
             min/avg/max/stddev  0.500/ 0.500/ 0.500/0.000 ms, p50/p99  0.500/ 0.500 ms",
            "192.0.2.1            : sent  1, received  0, loss 100.0 %",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_line_holds_the_delays_in_milliseconds() {
        check(
            "lon1.example",
            vec![
                returned(1_000_000),
                returned(2_000_000),
                returned(3_000_000),
                returned(4_000_000),
            ],
            "lon1.example (192.0.2.1): sent 4, received 4, loss 0.0 %, \
             min/avg/max/stddev 1.000/2.500/4.000/1.118 ms, p50/p99 2.000/4.000 ms",
        );
    }

    #[test]
    fn what_went_wrong_is_counted_and_a_lost_packet_has_no_delay() {
        let from = IpAddr::from([192, 0, 2, 254]);
        let unreachable = Packet {
            icmp_error: Some(IcmpError {
                kind: 3,
                code: 4,
                from,
                mtu: Some(1400),
            }),
            ..packet(Fate::Lost)
        };
        check(
            "192.0.2.1",
            vec![unreachable, packet(Fate::Late), packet(Fate::Unsent)],
            "192.0.2.1: sent 2, received 0, loss 100.0 %, late 1, unsent 1, ICMP 3/4 from 192.0.2.254 1, MTU 1400",
        );
    }

    #[test]
    fn duplicates_are_named() {
        let twice = Packet {
            duplicates: 1,
            ..returned(500_000)
        };
        check(
            "192.0.2.1",
            vec![twice],
            "192.0.2.1: sent 1, received 1, loss 0.0 %, \
             min/avg/max/stddev 0.500/0.500/0.500/0.000 ms, p50/p99 0.500/0.500 ms, duplicates 1",
        );
    }
}
