//! The report functions behind pages and programs, without HTTP.

use std::time::{Duration, Instant};

use collector::config::Config;
use collector::metrics::Metrics;
use collector::report::accounting::{self, AccountingQuestion};
use collector::report::directory::Directory;
use collector::report::latest::{self, LatestQuestion};
use collector::report::matrix::{self, MatrixQuestion};
use collector::report::selection::{Filter, Subject, Window};
use collector::report::series::{self, SeriesQuestion};
use collector::report::sla::gather::{self, Ground, NoRecord, Question};
use collector::report::sla::statement::Period;
use collector::report::view::View;
use collector::report::{liveness, sla};
use collector::rollup::Rollup;
use collector::rollup::mark::Marks;
use collector::store::Store;
use ippm::cell::DAY;
use ippm::{Family, ProbeName, TestName};

use crate::mesh::{Mesh, PERIOD};
use crate::raw::{Fetched, Raw};
use crate::settings;
use crate::size::{MONTH, NOW, end};
use crate::table::{self, Answer, Target};

/// Who asks.
pub(crate) struct Reader<'a> {
    pub(crate) store: &'a dyn Store,
    /// The same store behind the proxy, and what is measured beside it.
    pub(crate) beside: Option<(&'a dyn Store, &'a Raw)>,
    pub(crate) config: &'a Config,
    pub(crate) mesh: &'a Mesh,
    /// How often a short question is asked.
    pub(crate) times: usize,
    /// How often one that takes seconds is asked.
    pub(crate) long_times: usize,
    /// What a name has in it; `None`: everything is asked.
    pub(crate) only: Option<&'a str>,
}

/// The pair that is asked about at the `nth` time: every time another one.
pub(crate) fn pair(probes: &[ProbeName], nth: usize) -> (&ProbeName, &ProbeName) {
    let source = nth * 7 % probes.len();
    let target = (source + 1 + nth % (probes.len() - 1)) % probes.len();
    (&probes[source], &probes[target])
}

/// Whether the question `name` has `only` in it.
pub(crate) fn is_asked(name: &str, only: Option<&str>) -> bool {
    only.is_none_or(|only| name.contains(only))
}

impl Reader<'_> {
    /// Asks everything.
    pub(crate) async fn ask(&self) {
        table::head("report function", false, self.beside.is_some());
        let plans = settings::plans(self.config);
        let directory = Directory::of(plans.roster());
        let view = View {
            directory: &directory,
            limit: self.config.display.degraded_loss,
            legacy_period: self.config.legacy.period,
            raw_retention: self.config.retention.raw,
            hour_retention: self.config.retention.hour,
            now: NOW,
        };
        self.matrices(&view).await;
        self.pairs(&view).await;
        self.accounts(&view).await;
        self.statement(&directory, plans.roster()).await;
    }

    async fn matrices(&self, view: &View<'_>) {
        let in_hours = |length| Window::last_in_hours(length, NOW).expect("a window");
        for (name, window, with_percentiles, target) in [
            ("matrix 24 h, loss", in_hours(DAY), false, Target::MATRIX),
            ("matrix 24 h, percentiles", in_hours(DAY), true, Target::MATRIX),
            ("matrix 24 h to the second", last_window(DAY), true, Target::NONE),
            ("matrix 7 d, percentiles", in_hours(DAY * 7), true, Target::NONE),
        ] {
            let question = MatrixQuestion {
                window,
                filter: Filter::default(),
                with_percentiles,
            };
            self.time(name, self.times, target, async |store, _| {
                let matrix = matrix::read(store, view, &question).await.expect("a matrix");
                matrix
                    .entries
                    .iter()
                    .filter(|entry| entry.figures.is_some())
                    .count()
            })
            .await;
        }
        let question = LatestQuestion {
            filter: Filter::default(),
            within: DAY,
        };
        self.time(
            "latest of every pair, 24 h",
            self.times,
            Target::NONE,
            async |store, _| {
                latest::read(store, view, &question)
                    .await
                    .expect("the latest")
                    .entries
                    .len()
            },
        )
        .await;
        self.time("probes", self.times, Target::NONE, async |store, _| {
            liveness::read(store, view)
                .await
                .expect("the probes")
                .probes
                .len()
        })
        .await;
    }

    async fn pairs(&self, view: &View<'_>) {
        let subject = |nth: usize| {
            let (source, target) = pair(self.mesh.probes(), nth);
            Subject {
                source: source.clone(),
                target: target.clone(),
                family: Family::V4,
                test: TestName::icmp(),
            }
        };
        for (span, last) in [("24 h", DAY), ("30 d", DAY * 30), ("1 y", DAY * 365)] {
            self.time(
                &format!("pair {span}, series"),
                self.times,
                Target::PAIR,
                async |store, nth| {
                    let question = SeriesQuestion {
                        subject: subject(nth),
                        window: last_window(last),
                        step: None,
                    };
                    let series = series::read(store, view, &question).await.expect("a series");
                    series
                        .points
                        .iter()
                        .filter(|point| point.figures.is_some())
                        .count()
                },
            )
            .await;
            self.time(
                &format!("pair {span}, as one figure"),
                self.times,
                Target::PAIR,
                async |store, nth| {
                    let question = MatrixQuestion {
                        window: last_window(last),
                        filter: Filter::of(&subject(nth)),
                        with_percentiles: true,
                    };
                    matrix::read(store, view, &question)
                        .await
                        .expect("a matrix")
                        .entries
                        .len()
                },
            )
            .await;
        }
    }

    async fn accounts(&self, view: &View<'_>) {
        for (name, last, times) in [
            ("account of the mesh, 24 h", DAY, self.times),
            ("account of the mesh, 30 d", DAY * 30, self.long_times),
        ] {
            let question = AccountingQuestion {
                window: last_window(last),
                filter: Filter::default(),
            };
            self.time(name, times, Target::NONE, async |store, _| {
                accounting::read(store, view, &question)
                    .await
                    .expect("an account")
                    .subjects
                    .len()
            })
            .await;
        }
    }

    async fn statement(&self, directory: &Directory, roster: &ippm::roster::Roster) {
        let ground = Ground {
            directory,
            roster,
            loads: &[],
            legacy_period: self.config.legacy.period,
            raw_retention: self.config.retention.raw,
            hour_retention: self.config.retention.hour,
            now: NOW,
        };
        let question = Question {
            period: Period::month(MONTH, "UTC", NOW).expect("a month"),
            profile: self.profile(),
            sites: Vec::new(),
            source: None,
            target: None,
            family: None,
            test: TestName::icmp(),
        };
        self.time(
            "statement of a month",
            self.long_times,
            Target::STATEMENT,
            async |store, _| {
                let statement = gather::read(store, &ground, &question, &mut NoRecord).await;
                statement.expect("a statement").pairs.len()
            },
        )
        .await;
    }

    fn profile(&self) -> sla::profile::Profile {
        let default = self.config.sla.iter().find(|profile| profile.name == "default");
        default.expect("there is always one").clone()
    }

    /// How long hours take: to find out that nothing is new, and those of one hour of all probes.
    pub(crate) async fn roll_up(&self) {
        let (marks, metrics) = (Marks::default(), Metrics::default());
        let rollup = Rollup {
            store: self.store,
            marks: &marks,
            metrics: &metrics,
        };
        let began = Instant::now();
        rollup.pass(NOW, DAY).await.expect("a pass");
        let written = metrics.cells_written.get();
        println!(
            "pass over a day: {:.1} ms, {written} cells written",
            table::ms(began.elapsed())
        );
        let last_hour = end().saturating_sub(PERIOD * 12);
        let began = Instant::now();
        self.mesh
            .reports(last_hour, true)
            .iter()
            .for_each(|report| marks.mark(report));
        rollup.marked().await.expect("hours");
        let written = metrics.cells_written.get() - written;
        println!(
            "hours and days of one report of every probe: {:.1} ms, {written} cells written",
            table::ms(began.elapsed())
        );
    }

    async fn time(
        &self,
        name: &str,
        times: usize,
        target: Target,
        ask: impl AsyncFn(&dyn Store, usize) -> usize,
    ) {
        if !is_asked(name, self.only) {
            return;
        }
        let (mut taken, mut entries) = (Vec::with_capacity(times), 0);
        let mut fetched = Fetched::default();
        for nth in 0..times {
            if let Some((store, raw)) = self.beside {
                raw.proxy.take();
                ask(store, nth).await;
            }
            let began = Instant::now();
            entries = ask(self.store, nth).await;
            taken.push(began.elapsed());
            if let Some((_, raw)) = self.beside {
                raw.fetch(&mut fetched).await;
            }
        }
        let raw = self.beside.map(|_| fetched);
        table::row(name, taken, &Answer::Entries(entries), target, raw);
    }
}

fn last_window(length: Duration) -> Window {
    Window::last(length, NOW).expect("a window")
}
