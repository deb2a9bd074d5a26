//! From points of a series to steps of a chart.

use std::time::Duration;

use crate::pages::chart::{Delay, Gravest, Packets, Step};
use crate::pages::choice::{PairChoice, Range};
use crate::pages::classes;
use crate::report::accounting::Account;
use crate::report::figures::Figures;
use crate::report::series::{Point, Series};

/// Shortest range to which a step leads.
const CLOSEST: Duration = Duration::from_hours(1);

/// The steps of `series`; with a choice each leads to its own time.
pub(super) fn of(series: &Series, choice: Option<&PairChoice>) -> Vec<Step> {
    let length = series.step.length();
    let step = |point: &Point| {
        let to = point.start.saturating_add(length);
        Step {
            from: point.start,
            to,
            delay: point.figures.as_ref().and_then(delay),
            packets: point.figures.as_ref().and_then(packets),
            class: gravest(&point.account),
            in_maintenance: point.account.in_maintenance() > 0,
            link: choice.map(|choice| {
                let around = CLOSEST.saturating_sub(length) / 2;
                let range = Range::Between(point.start.saturating_sub(around), to.saturating_add(around));
                choice.over(range).query() + "#rounds"
            }),
        }
    };
    series.points.iter().map(step).collect()
}

fn delay(figures: &Figures) -> Option<Delay> {
    let delay = figures.delay.as_ref()?;
    let percentiles = delay.percentiles?;
    let get = |permille| percentiles.get(permille).map(ippm::Rtt::as_ns);
    Some(Delay {
        min: delay.min.as_ns(),
        p5: get(50)?,
        p25: get(250)?,
        p50: get(500)?,
        p75: get(750)?,
        p95: get(950)?,
        p99: get(990)?,
        max: delay.max.as_ns(),
    })
}

fn packets(figures: &Figures) -> Option<Packets> {
    let counted = figures.loss.as_ref().map(|loss| Packets {
        sent: Some(figures.sent),
        lost: Some(loss.lost),
        ratio: loss.ratio.get(),
    });
    counted.or_else(|| {
        figures.legacy.as_ref().map(|legacy| Packets {
            sent: None,
            lost: None,
            ratio: legacy.loss_mean,
        })
    })
}

fn gravest(account: &Account) -> Option<Gravest> {
    let class = classes::gravest(account)?;
    Some(Gravest {
        class,
        count: account.of(class).count,
        of: account.expected(),
    })
}
