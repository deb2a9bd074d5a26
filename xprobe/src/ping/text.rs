//! One measurement as one line for people: delays in milliseconds, three decimals.

use std::fmt::Write as _;

use ippm::{Delay, Measurement, Outcome, Summary};

/// The line of a measurement.
pub(super) fn line(measurement: &Measurement) -> String {
    let target = measurement.target.as_str();
    let measured = match &measurement.outcome {
        Outcome::Measured(measured) => measured,
        Outcome::Unmeasured { error, .. } => return format!("{target}: {error}"),
    };
    let address = measured.address.to_string();
    let mut line = if address == target {
        address
    } else {
        format!("{target} ({address})")
    };
    counts(&mut line, &measured.summary);
    if let Some(delay) = &measured.summary.delay {
        delays(&mut line, delay);
    }
    line
}

fn counts(line: &mut String, summary: &Summary) {
    let Summary {
        sent,
        received,
        late,
        duplicates,
        reordered,
        unsent,
        ..
    } = *summary;
    let lost = summary.loss_ratio().map_or(0.0, ippm::LossRatio::as_ppl);
    // Writing to a String cannot fail.
    let _ = write!(line, ": sent {sent}, received {received}, loss {lost:.1} %");
    for (count, what) in [
        (late, "late"),
        (duplicates, "duplicates"),
        (reordered, "reordered"),
        (unsent, "unsent"),
    ] {
        if count > 0 {
            let _ = write!(line, ", {what} {count}");
        }
    }
    for error in &summary.icmp_errors {
        let _ = write!(
            line,
            ", ICMP {}/{} from {} {}",
            error.kind, error.code, error.from, error.count
        );
    }
}

fn delays(line: &mut String, delay: &Delay) {
    let ms = |ns: f64| ns / 1e6;
    let [min, avg, max, p50, p99] = [
        delay.min.as_ns(),
        delay.mean_ns(),
        delay.max.as_ns(),
        delay.p50.as_ns(),
        delay.p99.as_ns(),
    ]
    .map(as_f64);
    let _ = write!(
        line,
        ", min/avg/max/stddev {:.3}/{:.3}/{:.3}/{:.3} ms, p50/p99 {:.3}/{:.3} ms",
        ms(min),
        ms(avg),
        ms(max),
        ms(delay.stddev_ns()),
        ms(p50),
        ms(p99)
    );
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
        })
    }

    #[track_caller]
    fn check(target: &str, packets: Vec<Packet>, expected: &str) {
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
        let measurement = Measurement {
            test: "icmp".parse().unwrap(),
            kind: "icmp".parse().unwrap(),
            target: target.parse().unwrap(),
            family: Family::V4,
            period: Duration::ZERO,
            outcome: Outcome::Measured(Box::new(measured)),
        };
        assert_eq!(line(&measurement), expected);
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
                code: 1,
                from,
            }),
            ..packet(Fate::Lost)
        };
        check(
            "192.0.2.1",
            vec![unreachable, packet(Fate::Late), packet(Fate::Unsent)],
            "192.0.2.1: sent 2, received 0, loss 100.0 %, late 1, unsent 1, ICMP 3/1 from 192.0.2.254 1",
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
            "192.0.2.1: sent 1, received 1, loss 0.0 %, duplicates 1, \
             min/avg/max/stddev 0.500/0.500/0.500/0.000 ms, p50/p99 0.500/0.500 ms",
        );
    }
}
