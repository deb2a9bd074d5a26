//! The statement as CSV (RFC 4180): two rows for each pair and each direction between sites, one with announced work
//! taken out and one with it, rounds and figures alike; what holds for both stands in both. Nothing known is an empty
//! field.

use ippm::interval::Interval;

use crate::csv::harmless;
use crate::report::sla::account::Rounds;
use crate::report::sla::profile::Quantile;
use crate::report::sla::share::Share;
use crate::report::sla::statement::{Both, Figures, Metric, Statement};

/// The columns.
const HEADER: [&str; 63] = [
    "kind",
    "from",
    "from_site",
    "to",
    "to_site",
    "family",
    "test",
    "maintenance",
    "expected_rounds",
    "expected_in_maintenance",
    "measured_rounds",
    "suspect_rounds",
    "loaded_rounds",
    "unmeasured_rounds",
    "legacy_rounds",
    "left_out_rounds",
    "probe_missing_rounds",
    "collector_gap_rounds",
    "missing_rounds",
    "unplanned_rounds",
    "coverage",
    "rounds",
    "packets",
    "packets_lost",
    "loss",
    "loss_lower",
    "loss_upper",
    "loss_upper_if_independent",
    "loss_few_events",
    "slices_judged",
    "slices_unavailable",
    "slices_unjudged",
    "slices_high_loss",
    "availability",
    "availability_lower",
    "availability_upper",
    "availability_few_events",
    "availability_downtime_form",
    "outages",
    "minutes",
    "minutes_with_loss",
    "minute_loss_mean",
    "minute_loss_lower",
    "minute_loss_upper",
    "minute_delay_mean_ns",
    "delay_count",
    "delay_mean_ns",
    "delay_min_ns",
    "delay_p50_ns",
    "delay_p95_ns",
    "delay_p99_ns",
    "delay_p99_9_ns",
    "delay_max_ns",
    "pdv_p99_ns",
    "ipdv_mean_ns",
    "verdicts",
    "period",
    "period_from",
    "period_to",
    "zone",
    "profile",
    "method_sha256",
    "inputs_sha256",
];

/// The statement as text.
#[must_use]
pub fn write(statement: &Statement) -> String {
    let mut rows = vec![HEADER.map(str::to_owned).to_vec()];
    let common = common(statement);
    for pair in &statement.pairs {
        let site = |site: &Option<String>| guarded(site.as_deref().unwrap_or_default());
        let head = vec![
            "pair".to_owned(),
            guarded(pair.source.probe.as_str()),
            site(&pair.source.site),
            guarded(pair.target.probe.as_str()),
            site(&pair.target.site),
            pair.family.to_string(),
            pair.test.to_string(),
        ];
        rows.extend(two(&head, &pair.figures, &common));
    }
    for direction in statement.site_pairs.iter().flat_map(|pair| &pair.directions) {
        let head = vec![
            "sites".to_owned(),
            String::new(),
            guarded(&direction.from),
            String::new(),
            guarded(&direction.to),
            direction.family.to_string(),
            direction.test.to_string(),
        ];
        rows.extend(two(&head, &direction.figures, &common));
    }
    of_rows(&rows)
}

/// Rows as CSV.
#[must_use]
pub fn of_rows(rows: &[Vec<String>]) -> String {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        // Writing to memory fails for rows of unequal length only, which a test holds.
        let _ = writer.write_record(row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text that no spreadsheet takes for a formula.
#[must_use]
pub fn guarded(text: &str) -> String {
    harmless(text.to_owned())
}

fn common(statement: &Statement) -> Vec<String> {
    let period = &statement.period;
    vec![
        guarded(&period.label),
        ippm::wire::time::format(period.from),
        ippm::wire::time::format(period.to),
        guarded(&period.zone),
        guarded(&statement.profile.name),
        statement.method.clone(),
        statement.inputs.clone(),
    ]
}

fn two(head: &[String], both: &Both, common: &[String]) -> [Vec<String>; 2] {
    let accounting = &both.accounting;
    let verdicts: Vec<String> = both
        .findings
        .iter()
        .map(|finding| format!("{}={}", name(finding.metric), finding.verdict))
        .collect();
    let row =
        |maintenance: &str, figures: &Figures, rounds: &Rounds, downtime: Option<f64>, verdicts: String| {
            let mut row = head.to_vec();
            row.push(maintenance.to_owned());
            row.extend(
                [
                    rounds.expected,
                    accounting.in_maintenance.expected,
                    rounds.measured,
                    rounds.suspect,
                    rounds.loaded,
                    rounds.unmeasured,
                    rounds.legacy,
                    rounds.left_out,
                    rounds.probe_missing,
                    rounds.collector_gap,
                    rounds.missing(),
                    rounds.unplanned,
                ]
                .map(|count| count.to_string()),
            );
            row.push(optional(rounds.coverage()));
            row.extend(of_figures(figures, downtime));
            row.push(verdicts);
            row.extend_from_slice(common);
            row
        };
    let downtime = both.downtime.share.ratio().map(|ratio| 1.0 - ratio);
    [
        row(
            "excluded",
            &both.excluding,
            &accounting.excluding(),
            downtime,
            verdicts.join(" "),
        ),
        row("included", &both.including, &accounting.all, None, String::new()),
    ]
}

const fn name(metric: Metric) -> &'static str {
    metric.as_str()
}

fn of_figures(figures: &Figures, downtime: Option<f64>) -> Vec<String> {
    let (loss, availability) = (&figures.loss, &figures.availability);
    let mut row = vec![
        loss.clusters().to_string(),
        loss.whole().to_string(),
        loss.part().to_string(),
        optional(loss.ratio()),
    ];
    row.extend(ends(loss.interval()));
    row.push(optional(loss.upper_bound()));
    row.push(few(loss));
    let unavailable = &availability.unavailable;
    row.extend(
        [
            unavailable.whole(),
            unavailable.part(),
            availability.unjudged,
            availability.high_loss,
        ]
        .map(|count| count.to_string()),
    );
    row.push(optional(availability.ratio()));
    let [lower, upper] = match (unavailable.interval(), unavailable.upper_bound()) {
        (Some(interval), _) => [Some(1.0 - interval.upper()), Some(1.0 - interval.lower())],
        (None, Some(bound)) => [Some(1.0 - bound), Some(1.0)],
        (None, None) => [None, None],
    };
    row.extend([optional(lower), optional(upper), few(unavailable)]);
    row.push(optional(downtime));
    row.push(availability.outages_total.to_string());
    row.extend(of_minutes(figures));
    row.extend(of_delay(figures));
    row
}

fn of_minutes(figures: &Figures) -> Vec<String> {
    let minutes = figures.minutes;
    let mut row = vec![
        minutes.map_or(0, |minutes| minutes.count).to_string(),
        minutes.map_or(0, |minutes| minutes.lossy).to_string(),
        optional(minutes.map(|minutes| minutes.mean_loss)),
    ];
    row.extend(ends(figures.minute_loss_interval));
    row.push(optional(minutes.and_then(|minutes| minutes.mean_delay_ns)));
    row
}

fn of_delay(figures: &Figures) -> Vec<String> {
    let delay = figures.delay.as_ref();
    let [p50, p95, p99, p999] = Quantile::ALL.map(|quantile| delay.map(|delay| delay.quantile_ns(quantile)));
    [
        Some(delay.map_or(0, |delay| delay.count)),
        delay.map(|delay| delay.mean_ns),
        delay.map(|delay| delay.min_ns),
        p50,
        p95,
        p99,
        p999,
        delay.map(|delay| delay.max_ns),
        delay.map(|delay| delay.pdv_ns(Quantile::P99)),
        figures.mean_ipdv_ns,
    ]
    .map(|value| value.map_or_else(String::new, |value| value.to_string()))
    .to_vec()
}

fn ends(interval: Option<Interval>) -> [String; 2] {
    [
        optional(interval.map(Interval::lower)),
        optional(interval.map(Interval::upper)),
    ]
}

fn few(share: &Share) -> String {
    share.has_few_events().to_string()
}

/// The shortest digits that give the same number back; nothing for nothing.
fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_quotes_and_lines_are_quoted() {
        let rows = [vec!["a,b".to_owned(), "c\"d".to_owned(), "e\nf".to_owned()]];
        assert_eq!(of_rows(&rows), "\"a,b\",\"c\"\"d\",\"e\nf\"\r\n");
    }
}
