//! From the statement to its document.

use ippm::UnixTime;
use ippm::interval::Interval;
use ippm::limit::LossLimit;

use super::{
    AccountingObject, AvailabilityObject, BothObject, DelayObject, DelayTargetObject, DirectionObject,
    Document, DowntimeObject, FiguresObject, FindingObject, IntervalObject, MinuteObject, MinutesObject,
    OutageObject, PairObject, ProfileObject, RoundsObject, ShareObject, SitePairObject, TargetsObject,
    WorkObject, WorstObject,
};
use crate::report::sla::account::{Accounting, Rounds};
use crate::report::sla::availability::{Availability, Outage};
use crate::report::sla::minute::Minutes;
use crate::report::sla::profile::{AvailabilityForm, DelayTarget, Profile, Quantile};
use crate::report::sla::share::Share;
use crate::report::sla::statement::{
    Both, Delay, Direction, Figures, Finding, Measured, Pair, SitePair, Statement, Work, Worst,
};
use crate::statement::words;

impl Document {
    /// The document of `statement`.
    #[must_use]
    pub fn of(statement: &Statement) -> Self {
        let period = &statement.period;
        Self {
            schema: 1,
            label: period.label.clone(),
            from: time(period.from),
            to: time(period.to),
            zone: period.zone.clone(),
            provisional: period.is_provisional,
            profile: profile(&statement.profile),
            notes: words::notes(statement),
            sites: statement.sites.clone(),
            maintenance: statement.works.iter().map(work).collect(),
            pairs: statement.pairs.iter().map(pair).collect(),
            site_pairs: statement.site_pairs.iter().map(site_pair).collect(),
            method_sha256: statement.method.clone(),
            inputs_sha256: statement.inputs.clone(),
        }
    }

    /// The text of the document, ended by a newline.
    ///
    /// # Errors
    ///
    /// None in practice: every value has a form in JSON.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(|text| text + "\n")
    }
}

fn time(time: UnixTime) -> String {
    ippm::wire::time::format(time)
}

fn ns(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn profile(profile: &Profile) -> ProfileObject {
    let targets = &profile.targets;
    let delay = |target: DelayTarget| DelayTargetObject {
        quantile: target.quantile.as_str(),
        limit_ns: ns(target.limit),
    };
    ProfileObject {
        name: profile.name.clone(),
        title: profile.title.clone(),
        slice_ns: ns(ippm::Slices::LENGTH),
        window: u64::try_from(profile.window).unwrap_or(u64::MAX),
        threshold: profile.threshold.as_ratio(),
        availability_form: profile.form.as_str(),
        least_coverage: profile.least_coverage.as_ratio(),
        targets: TargetsObject {
            availability: targets.unavailability.map(|limit| 1.0 - limit.as_ratio()),
            loss: targets.loss.map(LossLimit::as_ratio),
            delay: targets.delay.map(delay),
            pdv: targets.pdv.map(delay),
            minute_loss: targets.minute_loss.map(LossLimit::as_ratio),
            minute_delay_ns: targets.minute_delay.map(ns),
        },
    }
}

fn work(work: &Work) -> WorkObject {
    WorkObject {
        id: work.id.clone(),
        from: time(work.from),
        to: time(work.to),
        loaded: time(work.loaded),
        announced_late: work.from < work.loaded,
        reason: work.reason.clone(),
        scope: work.scope.clone(),
    }
}

fn pair(pair: &Pair) -> PairObject {
    PairObject {
        source: pair.source.probe.to_string(),
        source_site: pair.source.site.clone(),
        target: pair.target.probe.to_string(),
        target_site: pair.target.site.clone(),
        family: pair.family.number(),
        test: pair.test.to_string(),
        figures: both(&pair.figures),
    }
}

fn site_pair(pair: &SitePair) -> SitePairObject {
    SitePairObject {
        sites: pair.sites.clone(),
        directions: pair.directions.iter().map(direction).collect(),
        worst: pair
            .worst
            .iter()
            .filter_map(|found| worst(found, &pair.directions))
            .collect(),
    }
}

fn direction(direction: &Direction) -> DirectionObject {
    DirectionObject {
        from: direction.from.clone(),
        to: direction.to.clone(),
        family: direction.family.number(),
        test: direction.test.to_string(),
        pairs: direction.pairs,
        figures: both(&direction.figures),
    }
}

fn worst(worst: &Worst, directions: &[Direction]) -> Option<WorstObject> {
    let direction = directions.get(worst.direction)?;
    let (ratio, delay_ns) = parts(Some(worst.measured));
    Some(WorstObject {
        metric: worst.metric.as_str(),
        from: direction.from.clone(),
        to: direction.to.clone(),
        family: direction.family.number(),
        ratio,
        delay_ns,
    })
}

fn parts(measured: Option<Measured>) -> (Option<f64>, Option<u64>) {
    match measured {
        Some(Measured::Ratio(ratio)) => (Some(ratio), None),
        Some(Measured::Delay(ns)) => (None, Some(ns)),
        None => (None, None),
    }
}

fn both(both: &Both) -> BothObject {
    BothObject {
        accounting: accounting(&both.accounting),
        including_maintenance: figures(&both.including),
        excluding_maintenance: figures(&both.excluding),
        downtime: DowntimeObject {
            ratio: both.downtime.share.ratio().map(|ratio| 1.0 - ratio),
            unavailable: share(&both.downtime.share),
            unavailable_in_maintenance: both.downtime.in_maintenance,
        },
        findings: both.findings.iter().map(finding).collect(),
    }
}

fn accounting(accounting: &Accounting) -> AccountingObject {
    AccountingObject {
        including_maintenance: rounds(&accounting.all),
        excluding_maintenance: rounds(&accounting.excluding()),
        loaded_slices: accounting.loaded_slices,
        slices: accounting.slices,
        slices_expected: accounting.slices_expected,
    }
}

fn rounds(rounds: &Rounds) -> RoundsObject {
    RoundsObject {
        expected: rounds.expected,
        measured: rounds.measured,
        legacy: rounds.legacy,
        suspect: rounds.suspect,
        loaded: rounds.loaded,
        unmeasured: rounds.unmeasured,
        left_out: rounds.left_out,
        probe_missing: rounds.probe_missing,
        collector_gap: rounds.collector_gap,
        missing: rounds.missing(),
        unplanned: rounds.unplanned,
        coverage: rounds.coverage(),
    }
}

fn figures(figures: &Figures) -> FiguresObject {
    FiguresObject {
        loss: share(&figures.loss),
        rounds_down: figures.rounds_down,
        availability: availability(&figures.availability),
        minutes: figures
            .minutes
            .map(|found| minutes(&found, figures.minute_loss_interval)),
        delay: figures.delay.map(|found| delay(&found)),
        mean_ipdv_ns: figures.mean_ipdv_ns,
    }
}

fn share(share: &Share) -> ShareObject {
    let sums = share.sums();
    ShareObject {
        ratio: share.ratio(),
        part: share.part(),
        whole: share.whole(),
        clusters: share.clusters(),
        clusters_with: sums.rounds_lossy,
        effective: (share.whole() > 0).then(|| sums.effective_sent()),
        interval: share.interval().map(interval),
        upper_bound_if_independent: share.upper_bound(),
        few_events: share.has_few_events(),
    }
}

fn interval(interval: Interval) -> IntervalObject {
    IntervalObject {
        lower: interval.lower(),
        upper: interval.upper(),
    }
}

fn availability(found: &Availability) -> AvailabilityObject {
    AvailabilityObject {
        ratio: found.ratio(),
        unavailable: share(&found.unavailable),
        judged_in_maintenance: found.in_maintenance.0,
        unavailable_in_maintenance: found.in_maintenance.1,
        unjudged: found.unjudged,
        high_loss_slices: found.high_loss,
        loss_while_available: share(&found.loss),
        outages: found.outages.iter().map(outage).collect(),
        outages_total: found.outages_total,
    }
}

fn outage(outage: &Outage) -> OutageObject {
    OutageObject {
        from: time(outage.from),
        to: time(outage.to),
        slices: outage.slices,
    }
}

fn minutes(minutes: &Minutes, loss_interval: Option<Interval>) -> MinutesObject {
    let minute = |(start, value)| MinuteObject {
        time: time(start),
        value,
    };
    MinutesObject {
        count: minutes.count,
        lossy: minutes.lossy,
        mean_loss: minutes.mean_loss,
        mean_loss_interval: loss_interval.map(interval),
        with_delay: minutes.with_delay,
        mean_delay_ns: minutes.mean_delay_ns,
        worst_delay: minutes.worst_delay.map(minute),
        worst_loss: minutes.worst_loss.map(minute),
    }
}

fn delay(delay: &Delay) -> DelayObject {
    DelayObject {
        count: delay.count,
        mean_ns: delay.mean_ns,
        min_ns: delay.min_ns,
        max_ns: delay.max_ns,
        p50_ns: delay.quantile_ns(Quantile::P50),
        p95_ns: delay.quantile_ns(Quantile::P95),
        p99_ns: delay.quantile_ns(Quantile::P99),
        p99_9_ns: delay.quantile_ns(Quantile::P999),
        pdv_p95_ns: delay.pdv_ns(Quantile::P95),
        pdv_p99_ns: delay.pdv_ns(Quantile::P99),
        pdv_p99_9_ns: delay.pdv_ns(Quantile::P999),
    }
}

fn finding(finding: &Finding) -> FindingObject {
    let (target_ratio, target_ns) = parts(Some(finding.target));
    let (ratio, delay_ns) = parts(finding.measured);
    FindingObject {
        metric: finding.metric.as_str(),
        form: finding.form.map(AvailabilityForm::as_str),
        quantile: finding.quantile.map(Quantile::as_str),
        target_ratio,
        target_ns,
        ratio,
        delay_ns,
        verdict: finding.verdict.as_str(),
    }
}
