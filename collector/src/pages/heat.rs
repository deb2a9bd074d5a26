//! From a value to one of nine levels of color, and the legend that says so in units.
//!
//! The levels are an ordered scale whose lightness changes in one direction only, so that it reads without color
//! vision and in print; a cell shows its number too.

use crate::pages::format;

/// Levels of the scale: 0 is calm, 8 the worst.
pub const LEVELS: usize = 9;

/// A scale: ascending upper bounds of the levels from 0 on; what lies above the last bound has the level after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    bounds: Vec<f64>,
    measure: Measure,
}

/// What a scale measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// A ratio of loss, shown as percent; the last level is "everything lost".
    Loss,
    /// Nanoseconds, shown as milliseconds.
    Delay,
    /// The ratio that is missing to everything; shown as what is there, percent.
    Missing,
}

/// One entry of a legend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The level.
    pub level: usize,
    /// Which values have it, with the unit.
    pub text: String,
}

/// Bounds of loss, the ones for which rounds are counted in cells.
const LOSS: [f64; 8] = [0.0, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 0.999_999_999];
/// Bounds of what is missing.
const MISSING: [f64; 8] = [0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.2, 0.999_999_999];
/// Bounds of delay are eight neighbors of 1, 2, 5, 10, 20, 50 … µs.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];

impl Scale {
    /// The scale of loss ratios, 0 to 1.
    #[must_use]
    pub fn loss() -> Self {
        Self {
            bounds: LOSS.to_vec(),
            measure: Measure::Loss,
        }
    }

    /// The scale of the ratio of expected results that did not come, 0 to 1.
    #[must_use]
    pub fn missing() -> Self {
        Self {
            bounds: MISSING.to_vec(),
            measure: Measure::Missing,
        }
    }

    /// The scale for these delays in nanoseconds: its last bound covers nine tenths of them, so that one slow pair
    /// does not make all others look alike.
    #[must_use]
    pub fn delay(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = (values.len() * 9 / 10).min(values.len().saturating_sub(1));
        #[expect(clippy::cast_precision_loss, reason = "a bound of colors needs no 53 bits")]
        let high = values.get(at).map_or(1e6, |value| *value as f64);
        let mut ladder: Vec<f64> = (3..10)
            .flat_map(|decade| STEPS.map(|step| step * 10_f64.powi(decade)))
            .collect();
        let end = ladder.iter().position(|bound| *bound >= high);
        let end = end.unwrap_or(ladder.len() - 1).max(LEVELS - 2) + 1;
        ladder.truncate(end);
        let bounds = ladder.split_off(end - (LEVELS - 1));
        Self {
            bounds,
            measure: Measure::Delay,
        }
    }

    /// The level of a value: a ratio, or nanoseconds.
    #[must_use]
    pub fn level(&self, value: f64) -> usize {
        self.bounds.partition_point(|bound| *bound < value)
    }

    /// Every level with its values.
    #[must_use]
    pub fn legend(&self) -> Vec<Entry> {
        (0..LEVELS)
            .map(|level| Entry {
                level,
                text: self.text(level),
            })
            .collect()
    }

    fn text(&self, level: usize) -> String {
        let (upper, lower) = (
            self.bounds.get(level),
            level.checked_sub(1).and_then(|below| self.bounds.get(below)),
        );
        match (self.measure, upper, lower) {
            (Measure::Delay, Some(upper), _) => format!("≤ {} ms", short_ms(*upper)),
            (Measure::Delay, None, lower) => format!("> {} ms", short_ms(lower.copied().unwrap_or_default())),
            (Measure::Loss, Some(_), None) | (Measure::Missing, None, _) => "0 %".to_owned(),
            (Measure::Loss, None, _) | (Measure::Missing, Some(_), None) => "100 %".to_owned(),
            (Measure::Loss, Some(upper), _) if *upper > 0.99 => "< 100 %".to_owned(),
            (Measure::Loss, Some(upper), _) => format!("≤ {} %", short(*upper * 100.0)),
            (Measure::Missing, Some(upper), _) if *upper > 0.99 => "> 0 %".to_owned(),
            (Measure::Missing, Some(upper), _) => format!("≥ {} %", short(100.0 - *upper * 100.0)),
        }
    }
}

fn short_ms(ns: f64) -> String {
    short(ns / 1e6)
}

/// Without the digits that a bound does not have.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The text of a loss ratio in a cell.
#[must_use]
pub fn loss_text(ratio: f64) -> String {
    format::percent(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: &Scale) -> Vec<String> {
        scale.legend().into_iter().map(|entry| entry.text).collect()
    }

    #[test]
    fn no_loss_and_nothing_but_loss_have_levels_of_their_own() {
        let scale = Scale::loss();
        for (ratio, level) in [
            (0.0, 0),
            (0.000_1, 1),
            (0.001, 1),
            (0.01, 4),
            (0.010_1, 5),
            (0.5, 7),
            (0.999, 7),
            (1.0, 8),
        ] {
            assert_eq!(scale.level(ratio), level, "{ratio}");
        }
        assert_eq!(
            texts(&scale),
            [
                "0 %",
                "≤ 0.1 %",
                "≤ 0.2 %",
                "≤ 0.5 %",
                "≤ 1 %",
                "≤ 5 %",
                "≤ 20 %",
                "< 100 %",
                "100 %"
            ]
        );
    }

    #[test]
    fn one_slow_pair_does_not_make_the_others_alike() {
        let mut values = vec![
            300_000_u64,
            450_000,
            700_000,
            900_000,
            400_000,
            350_000,
            500_000,
            800_000,
            600_000,
        ];
        values.push(90_000_000);
        values.extend([300_000; 10]);
        let scale = Scale::delay(values);
        assert_eq!(
            texts(&scale),
            [
                "≤ 0.005 ms",
                "≤ 0.01 ms",
                "≤ 0.02 ms",
                "≤ 0.05 ms",
                "≤ 0.1 ms",
                "≤ 0.2 ms",
                "≤ 0.5 ms",
                "≤ 1 ms",
                "> 1 ms"
            ]
        );
        assert!(scale.level(300_000.0) < scale.level(700_000.0));
        assert_eq!(scale.level(90_000_000.0), 8);
    }

    #[test]
    fn a_scale_of_nothing_and_of_extremes_still_has_nine_levels() {
        for values in [vec![], vec![0], vec![u64::MAX; 3]] {
            assert_eq!(texts(&Scale::delay(values)).len(), LEVELS);
        }
    }

    #[test]
    fn what_is_missing_is_shown_as_what_is_there() {
        let scale = Scale::missing();
        assert_eq!(
            texts(&scale),
            [
                "100 %",
                "≥ 99.9 %",
                "≥ 99.5 %",
                "≥ 99 %",
                "≥ 98 %",
                "≥ 95 %",
                "≥ 80 %",
                "> 0 %",
                "0 %"
            ]
        );
        assert_eq!((scale.level(0.0), scale.level(0.01), scale.level(1.0)), (0, 3, 8));
    }
}
