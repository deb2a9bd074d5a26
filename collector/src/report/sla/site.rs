//! Two sites: the probes of each direction and family merged, and the worst of them named.

use std::collections::BTreeMap;

use ippm::{Family, TestName};

use crate::report::sla::account::Accounting;
use crate::report::sla::profile::{Profile, Quantile};
use crate::report::sla::statement::{Both, Direction, Measured, Metric, Pair, SitePair, Worst};
use crate::report::sla::tally::Totals;

/// From where, to where, over what.
type Key = (String, String, Family, TestName);

/// Directions between sites, on their way.
#[derive(Debug, Clone)]
pub struct Sites {
    directions: BTreeMap<Key, (u64, Accounting, Totals)>,
}

impl Sites {
    /// No direction.
    pub const NONE: Self = Self {
        directions: BTreeMap::new(),
    };

    /// Adds a pair; one with an end at no site belongs to no direction.
    pub fn add(&mut self, pair: &Pair, totals: &Totals) {
        let (Some(from), Some(to)) = (&pair.source.site, &pair.target.site) else {
            return;
        };
        let key = (from.clone(), to.clone(), pair.family, pair.test.clone());
        let accounting = &pair.figures.accounting;
        self.directions
            .entry(key)
            .and_modify(|(pairs, sum, merged)| {
                *pairs += 1;
                sum.merge(accounting);
                merged.merge(totals);
            })
            .or_insert_with(|| (1, *accounting, totals.clone()));
    }

    /// Every two sites with what lies between them.
    #[must_use]
    pub fn finish(self, profile: &Profile) -> Vec<SitePair> {
        let mut pairs: BTreeMap<[String; 2], Vec<Direction>> = BTreeMap::new();
        for ((from, to, family, test), (merged, accounting, totals)) in self.directions {
            let mut sites = [from.clone(), to.clone()];
            sites.sort();
            pairs.entry(sites).or_default().push(Direction {
                from,
                to,
                family,
                test,
                pairs: merged,
                figures: Both::of(profile, accounting, &totals),
            });
        }
        pairs
            .into_iter()
            .map(|(sites, directions)| SitePair {
                sites,
                worst: worst(&directions, profile),
                directions,
            })
            .collect()
    }
}

fn worst(directions: &[Direction], profile: &Profile) -> Vec<Worst> {
    Metric::ALL
        .into_iter()
        .filter_map(|metric| {
            let mut worst: Option<(usize, f64, Measured)> = None;
            for (index, direction) in directions.iter().enumerate() {
                let Some((badness, measured)) = value(metric, &direction.figures, profile) else {
                    continue;
                };
                if worst.is_none_or(|(_, known, _)| badness > known) {
                    worst = Some((index, badness, measured));
                }
            }
            worst.map(|(direction, _, measured)| Worst {
                metric,
                direction,
                measured,
            })
        })
        .collect()
}

/// The value of `metric` with announced work taken out, and how bad it is.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "delays are compared and shown as whole nanoseconds below 2^53"
)]
fn value(metric: Metric, figures: &Both, profile: &Profile) -> Option<(f64, Measured)> {
    let excluding = &figures.excluding;
    let quantile = |target: Option<crate::report::sla::profile::DelayTarget>| {
        target.map_or(Quantile::P95, |target| target.quantile)
    };
    let delay = |ns: u64| (ns as f64, Measured::Delay(ns));
    let ratio = |ratio: f64| (ratio, Measured::Ratio(ratio));
    match metric {
        Metric::Availability => {
            let unavailable = excluding.availability.unavailable.ratio()?;
            Some((unavailable, Measured::Ratio(1.0 - unavailable)))
        }
        Metric::Loss => Some(ratio(excluding.loss.ratio()?)),
        Metric::Delay => Some(delay(
            excluding
                .delay
                .as_ref()?
                .quantile_ns(quantile(profile.targets.delay)),
        )),
        Metric::Pdv => Some(delay(
            excluding.delay.as_ref()?.pdv_ns(quantile(profile.targets.pdv)),
        )),
        Metric::MinuteLoss => Some(ratio(excluding.minutes?.mean_loss)),
        Metric::MinuteDelay => {
            let mean = excluding.minutes?.mean_delay_ns?;
            Some((mean, Measured::Delay(mean.round() as u64)))
        }
    }
}
