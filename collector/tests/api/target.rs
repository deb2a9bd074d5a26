//! A collector that is asked what nobody should ask, and how its store is asked for it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use collector::clock::Clock;
use collector::metrics::Metrics;
use collector::rollup::Rollup;
use collector::rollup::mark::Marks;
use collector::store::Store;
use collector::store::embedded::{Embedded, Options};
use ippm::{Family, UnixTime};
use tempfile::TempDir;

use crate::app::{KEYS, READ, TestApp, eventually};
use crate::counting::{Asked, Counting};
use crate::harmless::check;
use crate::raw::RawReply;
use crate::support::reports::{measured, name, report, summary};

/// 12:00:00 of some day.
const NOON: UnixTime = UnixTime::from_ns(1_795_262_400_000_000_000);

/// Two sites, one of them with a pair of its own.
const ROSTER: &str = r#"{"probes":[
    {"name":"ams1","proto":4,"address":"192.0.2.10","site":"AMS"},
    {"name":"ams2","proto":4,"address":"192.0.2.11","site":"AMS"},
    {"name":"lon1","proto":4,"address":"192.0.2.20","site":"LON"},
    {"name":"lon1","proto":6,"address":"2001:db8::20","site":"LON"}]}"#;

/// Two tests, one of which has windows in a zone that is not ours.
const SCHEDULE: &str = r#"{"tests":[{"name":"icmp","kind":"icmp"},
    {"name":"voice","kind":"icmp","profile":"voip-g711","windows":["mon-fri 22:00-06:00 Europe/Rome"]}]}"#;

/// A collector with the results of half an hour, and how its store is asked.
pub(crate) struct Target {
    pub(crate) app: TestApp,
    asked: Arc<Counting>,
    _folder: TempDir,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(
            Embedded::open(&Options {
                path: folder.path().join("ixpqos.sqlite"),
                legacy_family: Family::V4,
            })
            .unwrap(),
        );
        let reports = (1..=6).map(|slot| {
            let at = NOON
                .saturating_sub(Duration::from_mins(5 * slot))
                .saturating_add(Duration::from_millis(250));
            report(
                &name("ams1"),
                at,
                vec![measured(&name("lon1"), summary(at, "0.5 - 0.7"))],
            )
        });
        store.append(&reports.collect::<Vec<_>>()).await.unwrap();
        let (marks, metrics) = (Marks::default(), Metrics::default());
        let rollup = Rollup {
            store: store.as_ref(),
            marks: &marks,
            metrics: &metrics,
        };
        rollup.pass(NOON, Duration::from_hours(24)).await.unwrap();
        let asked = Arc::new(Counting::new(store));

        // It was started the day before, so that something was expected since.
        let back = Arc::new(AtomicU64::new(36));
        let hours = Arc::clone(&back);
        let clock = Clock::new(move || {
            let back = Duration::from_hours(hours.load(Ordering::SeqCst));
            NOON.saturating_add(Duration::from_secs(70)).saturating_sub(back)
        });
        let app = TestApp::over(
            &[("probes.json", ROSTER), ("schedule.json", SCHEDULE)],
            &KEYS,
            &[
                ("LIMITS__RATE", "100000/s"),
                ("LIMITS__BURST", "1000000"),
                ("PLAN__PPS_PER_TARGET", "100"),
            ],
            clock,
            Arc::clone(&asked) as Arc<dyn Store>,
        );
        // The pass of the start is over and the plans are recorded: from here on nobody asks the store but we.
        eventually(|| 0 < app.context.metrics.cell_passes.get()).await;
        let recorded = async || app.context.store.plan_versions(None, NOON).await.unwrap().len();
        for _ in 0..1000 {
            if recorded().await == 3 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(recorded().await, 3, "three probes have a plan");
        back.store(0, Ordering::SeqCst);
        asked.take();
        Self {
            app,
            asked,
            _folder: folder,
        }
    }

    /// Sends a request, and holds the answer against what an answer may be, and the work that it made.
    pub(crate) async fn ask(&self, target: &[u8], sent: &[u8]) -> RawReply {
        let label = String::from_utf8_lossy(&target[..target.len().min(300)]).into_owned();
        let reply = self.app.get_raw(target, READ).await;
        let asked = self.asked.take();
        if is_refused_by_the_parser(&reply) {
            assert_eq!(asked, Asked::default(), "{label}");
            return reply;
        }
        check(&label, sent, &reply);
        check_work(&label, &reply, asked);
        reply
    }
}

/// Actix refuses what is no HTTP before anything of ours sees it: without a body, and without having read on.
pub(crate) fn is_refused_by_the_parser(reply: &RawReply) -> bool {
    let names: BTreeSet<&str> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
    let bare = BTreeSet::from(["connection", "content-length", "date"]);
    (400..500).contains(&reply.status) && reply.body.is_empty() && names.is_subset(&bare)
}

/// Whatever is asked costs a bounded number of questions over a bounded time, however long a window is; what is
/// refused as it was asked costs none.
fn check_work(label: &str, reply: &RawReply, asked: Asked) {
    let days = |days: u64| Duration::from_hours(24 * days);
    // A statement compares day by day as long as results are kept, 90 days, and asks for the hours of a source in
    // pieces that hold some 4,000 of them.
    assert!(asked.questions <= 120, "{label}: {asked:?}");
    // A list of rounds is asked for results, reports and beats of 31 days.
    assert!(asked.of_rows <= days(100), "{label}: {asked:?}");
    // A statement asks once for each of the three probes, of a year and a day.
    assert!(asked.of_hours <= days(3 * 366), "{label}: {asked:?}");
    // Ten years, once, begun with a whole step of at most 364 days.
    assert!(asked.of_days <= days(3660 + 364), "{label}: {asked:?}");
    // Probes wait for the first two, and the last two are short.
    let is_for_readers = !["/plan/", "/last", "/metrics", "/readyz"]
        .iter()
        .any(|path| label.contains(path));
    if is_for_readers {
        assert_eq!(asked.in_the_way, 0, "{label}: {asked:?}");
    }
    if reply.status != 400 {
        return;
    }
    // Of a statement it has to be looked up whether anything was ever expected of these pairs.
    let questions = if label.contains("/sla?") { 2 } else { 0 };
    let nothing = Asked {
        questions: asked.questions.min(questions),
        in_the_way: asked.in_the_way,
        ..Asked::default()
    };
    assert_eq!(asked, nothing, "{label}");
}
