//! One result of a report: its shape, its key, and whom it is about.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use super::check::Numbers;
use super::envelope::Ignored;
use super::reject::{RejectCode, Rejection};
use super::{IcmpErrorV1, ResultV1};
use crate::wire::json::strict;
use crate::wire::time;
use crate::{Family, IcmpErrorCount, Measured, Measurement, Outcome, Params, UnixTime, Word};

/// Shortest period of a result.
const MIN_PERIOD: Duration = Duration::from_secs(1);
/// Longest period of a result.
const MAX_PERIOD: Duration = Duration::from_hours(1);

/// What no two results of a report have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct ResultKey {
    test: String,
    target: String,
    family: u64,
    flow: u64,
}

/// Reads one result of a round that began at `round_start` and took `duration`.
///
/// `keys` are those of the earlier results: the first that carries a key takes it, also if it is rejected.
pub(super) fn read(
    raw: &str,
    round_start: UnixTime,
    duration: Duration,
    keys: &mut HashSet<ResultKey>,
    ignored: &mut Ignored,
) -> Result<Measurement, Rejection> {
    let shape = Shape::read(raw, ignored);
    let key = match &shape {
        Ok(shape) => Some(shape.key.clone()),
        // Not of the right shape, but it may carry a key.
        Err(_) => serde_json::from_str(raw).ok(),
    };
    let is_repeated = key.is_some_and(|key| !keys.insert(key));
    shape?.into_measurement(is_repeated, round_start, duration)
}

/// A result in which everything has the type that it has to have.
struct Shape {
    key: ResultKey,
    kind: Word,
    period: Duration,
    outcome: OutcomeShape,
}

enum OutcomeShape {
    Measured(Box<MeasuredShape>),
    Unmeasured { error: Word, detail: Option<String> },
}

struct MeasuredShape {
    address: IpAddr,
    params: Params,
    clock: Option<Word>,
    numbers: Numbers,
}

impl Shape {
    fn read(raw: &str, ignored: &mut Ignored) -> Result<Self, Rejection> {
        let wire: ResultV1 = ignored
            .read(raw, "results[].", None)
            .map_err(|error| Rejection::new(RejectCode::BadShape, &error))?;
        if strict::may_hold_too_large(raw) && strict::holds_too_large(&wire) {
            return Err(bad_shape("a whole number is above 2^63 - 1"));
        }
        Self::from_wire(wire)
    }

    fn from_wire(wire: ResultV1) -> Result<Self, Rejection> {
        // Every word and literal is looked at, also where the outcome makes it mean nothing.
        let kind = word(&wire.kind, "kind")?;
        let clock = wire
            .clock
            .as_deref()
            .map(|text| word(text, "clock"))
            .transpose()?;
        let error = wire
            .error
            .as_deref()
            .map(|text| word(text, "error"))
            .transpose()?;
        let address = wire.address.as_deref().map(literal).transpose()?;
        let key = ResultKey {
            test: wire.test.clone(),
            target: wire.target.clone(),
            family: wire.family,
            flow: wire.flow,
        };
        let period = Duration::from_nanos(wire.period_ns);
        let outcome = match wire.outcome.as_str() {
            "measured" => {
                let params = wire.params.ok_or_else(|| missing("params"))?.into();
                OutcomeShape::Measured(Box::new(MeasuredShape {
                    address: address.ok_or_else(|| missing("address"))?,
                    params,
                    clock,
                    numbers: numbers(wire)?,
                }))
            }
            "error" => OutcomeShape::Unmeasured {
                error: error.ok_or_else(|| missing("error"))?,
                detail: wire.detail,
            },
            _ => return Err(bad_shape("outcome is neither measured nor error")),
        };
        Ok(Self {
            key,
            kind,
            period,
            outcome,
        })
    }

    fn into_measurement(
        self,
        is_repeated: bool,
        round_start: UnixTime,
        duration: Duration,
    ) -> Result<Measurement, Rejection> {
        let reject = |code, error: &str| Err(Rejection::new(code, &error));
        let target = self.key.target.parse();
        let target = target.map_err(|error| Rejection::new(RejectCode::BadName, &error))?;
        let test = self.key.test.parse();
        let test = test.map_err(|error| Rejection::new(RejectCode::BadTest, &error))?;
        let Some(family) = Family::from_number(self.key.family) else {
            return reject(RejectCode::BadFamily, "family is neither 4 nor 6");
        };
        if self.key.flow != 0 {
            return reject(RejectCode::FlowUnsupported, "flow is not 0");
        }
        if !(MIN_PERIOD..=MAX_PERIOD).contains(&self.period) {
            return Err(Rejection::new(
                RejectCode::BadPeriod,
                &format_args!("period_ns is outside {MIN_PERIOD:?} to {MAX_PERIOD:?}"),
            ));
        }
        if is_repeated {
            return reject(
                RejectCode::RepeatedResult,
                "an earlier result has the same test, target, family and flow",
            );
        }
        let outcome = match self.outcome {
            OutcomeShape::Unmeasured { error, detail } => Outcome::Unmeasured { error, detail },
            OutcomeShape::Measured(measured) => Outcome::Measured(Box::new(Measured {
                address: measured.address,
                params: measured.params,
                clock: measured.clock,
                summary: measured.numbers.into_summary(round_start, duration)?,
            })),
        };
        Ok(Measurement {
            test,
            kind: self.kind,
            target,
            family,
            period: self.period,
            outcome,
        })
    }
}

fn numbers(wire: ResultV1) -> Result<Numbers, Rejection> {
    let slices = wire.slices.ok_or_else(|| missing("slices"))?;
    let slices_start =
        time::parse(&slices.start).map_err(|_| bad_shape("slices.start is not a time of RFC 3339"))?;
    Ok(Numbers {
        sent: wire.sent.ok_or_else(|| missing("sent"))?,
        received: wire.received.ok_or_else(|| missing("received"))?,
        late: wire.late.ok_or_else(|| missing("late"))?,
        duplicates: wire.duplicates.ok_or_else(|| missing("duplicates"))?,
        reordered: wire.reordered.ok_or_else(|| missing("reordered"))?,
        unsent: wire.unsent.ok_or_else(|| missing("unsent"))?,
        slices_start,
        slices,
        loss_runs: wire.loss_runs,
        icmp_errors: wire
            .icmp_errors
            .iter()
            .map(icmp_error)
            .collect::<Result<_, _>>()?,
        hop_limits: wire.hop_limits,
        dscp_received: wire.dscp_received,
        path_mtu: wire.path_mtu,
        delay: wire.delay.and_then(|delay| delay.rtt),
        ipdv: wire.ipdv,
    })
}

fn icmp_error(wire: &IcmpErrorV1) -> Result<IcmpErrorCount, Rejection> {
    Ok(IcmpErrorCount {
        kind: wire.kind,
        code: wire.code,
        from: literal(&wire.from)?,
        count: wire.count,
    })
}

fn word(text: &str, field: &str) -> Result<Word, Rejection> {
    text.parse()
        .map_err(|error| Rejection::new(RejectCode::BadShape, &format_args!("{field} is {error}")))
}

fn literal(text: &str) -> Result<IpAddr, Rejection> {
    text.parse()
        .map_err(|_| bad_shape("an address is not a literal of IPv4 or IPv6"))
}

fn missing(field: &str) -> Rejection {
    Rejection::new(RejectCode::BadShape, &format_args!("{field} is missing"))
}

fn bad_shape(error: &str) -> Rejection {
    Rejection::new(RejectCode::BadShape, &error)
}
