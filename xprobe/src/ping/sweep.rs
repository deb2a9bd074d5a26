//! A sweep of packet sizes: which is the largest that is answered.

use std::fmt::Write as _;

use ippm::sweep::{Size, Sweep, packet_bytes};
use ippm::{Measurement, Outcome, TestName};

use crate::agenda::Item;

/// The test of one size in a sweep, such as `size-1472`.
pub(super) fn test_name(size: u16) -> TestName {
    // The prefix and digits are what a name is made of.
    format!("size-{size}")
        .parse()
        .unwrap_or_else(|_| TestName::icmp())
}

/// One line for each target of a sweep, in the order of `items`; none for a run of one size.
pub(super) fn verdicts(items: &[Item], measurements: &[Measurement]) -> Vec<String> {
    items
        .chunk_by(|a, b| a.target == b.target && a.family == b.family)
        .filter(|of_target| of_target.len() > 1)
        .map(|of_target| verdict(of_target, measurements))
        .collect()
}

fn verdict(items: &[Item], measurements: &[Measurement]) -> String {
    let size = |item: &Item| {
        let measured = measurements
            .iter()
            .find_map(|measurement| match &measurement.outcome {
                Outcome::Measured(measured)
                    if measurement.test == item.test
                        && measurement.target == item.target
                        && measurement.family == item.family =>
                {
                    Some(&measured.summary)
                }
                _ => None,
            });
        Size::of(&item.params, measured)
    };
    let sizes: Vec<Size> = items.iter().filter_map(size).collect();
    let sweep = Sweep::of(&sizes);
    let target = items.first().map_or("", |item| item.target.as_str());
    let bytes = |payload| {
        items
            .first()
            .map_or(payload, |item| packet_bytes(item.family, payload))
    };
    let mut line = match sweep.largest_answered {
        Some(payload) => format!(
            "{target}: largest size with replies {payload} bytes (packets of {})",
            bytes(payload)
        ),
        None => format!("{target}: no size with replies"),
    };
    if let Some(payload) = sweep.smallest_unanswered {
        // Writing to a String cannot fail.
        let _ = write!(line, ", none at {payload} (packets of {})", bytes(payload));
    }
    if let Some(mtu) = sweep.path_mtu {
        let _ = write!(line, ", a router names MTU {mtu}");
    }
    line
}
