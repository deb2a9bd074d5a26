use std::time::Duration;

use ippm::Word;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::store::Answer;
use crate::store::cell::{CellQuery, CellStream, CellTally, Kept, Resolution, RowTally, StoredCell};
use crate::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun, Reported};
use crate::store::query::{RowQuery, RowStream};
use crate::store::row::{Parts, Row};

/// A store that shows each write to the test and does not answer until the test says what.
struct Gate {
    writes: UnboundedSender<Write>,
}

struct Write {
    reports: Vec<Report>,
    answer: oneshot::Sender<Result<Vec<Appended>, StoreError>>,
}

impl Write {
    fn succeed(self) -> Vec<Report> {
        let appended = vec![Appended::default(); self.reports.len()];
        assert!(self.answer.send(Ok(appended)).is_ok());
        self.reports
    }
}

impl Store for Gate {
    fn append<'a>(&'a self, reports: &'a [Report]) -> Answer<'a, Vec<Appended>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let reports = reports.to_vec();
            assert!(self.writes.send(Write { reports, answer }).is_ok());
            answered.await.unwrap()
        })
    }

    fn rows(&self, _: RowQuery) -> RowStream {
        unreachable!("a queue only writes")
    }

    fn latest<'a>(&'a self, _: Option<&'a ProbeName>, _: UnixTime, _: Parts) -> Answer<'a, Vec<Row>> {
        unreachable!("a queue only writes")
    }

    fn probe_runs<'a>(
        &'a self,
        _: Option<&'a ProbeName>,
        _: UnixTime,
        _: UnixTime,
    ) -> Answer<'a, Vec<ProbeRun>> {
        unreachable!("a queue only writes")
    }

    fn reported<'a>(
        &'a self,
        _: Option<&'a ProbeName>,
        _: UnixTime,
        _: UnixTime,
    ) -> Answer<'a, Vec<Reported>> {
        unreachable!("a queue only writes")
    }

    fn put_collector_run<'a>(&'a self, _: &'a CollectorRun) -> Answer<'a, ()> {
        unreachable!("a queue only appends")
    }

    fn collector_runs(&self, _: UnixTime, _: UnixTime) -> Answer<'_, Vec<CollectorRun>> {
        unreachable!("a queue only writes")
    }

    fn put_plan_versions<'a>(&'a self, _: &'a [PlanVersion]) -> Answer<'a, ()> {
        unreachable!("a queue only appends")
    }

    fn plan_versions<'a>(&'a self, _: Option<&'a ProbeName>, _: UnixTime) -> Answer<'a, Vec<PlanVersion>> {
        unreachable!("a queue only writes")
    }

    fn names(&self, _: UnixTime) -> Answer<'_, Vec<ProbeName>> {
        unreachable!("a queue only writes")
    }

    fn ready(&self) -> Answer<'_, ()> {
        unreachable!("a queue only writes")
    }

    fn cells(&self, _: CellQuery) -> CellStream {
        unreachable!("a queue only appends")
    }

    fn put_cells<'a>(&'a self, _: Resolution, _: &'a [StoredCell]) -> Answer<'a, ()> {
        unreachable!("a queue only appends")
    }

    fn row_tallies<'a>(
        &'a self,
        _: Option<&'a ProbeName>,
        _: UnixTime,
        _: UnixTime,
    ) -> Answer<'a, Vec<RowTally>> {
        unreachable!("a queue only appends")
    }

    fn cell_tallies<'a>(
        &'a self,
        _: Resolution,
        _: Option<&'a ProbeName>,
        _: UnixTime,
        _: UnixTime,
    ) -> Answer<'a, Vec<CellTally>> {
        unreachable!("a queue only appends")
    }

    fn put_maintenance<'a>(&'a self, _: &'a [MaintenanceVersion]) -> Answer<'a, ()> {
        unreachable!("a queue only appends")
    }

    fn maintenance_versions(&self, _: UnixTime) -> Answer<'_, Vec<MaintenanceVersion>> {
        unreachable!("a queue only appends")
    }

    fn expire(&self, _: Kept, _: UnixTime) -> Answer<'_, u64> {
        unreachable!("a queue only appends")
    }
}

/// A report without results, told from others of the same identity by `results`.
fn report(source: &str, second: i64, results: u64) -> Report {
    Report {
        run: ProbeRun {
            source: source.parse().unwrap(),
            time: UnixTime::from_ns(second * 1_000_000_000),
            origin: Word::legacy(),
            results,
            received_at: UnixTime::from_ns(0),
            skew_ns: None,
            native: None,
        },
        entries: Vec::new(),
    }
}

struct Bench {
    queue: Arc<Queue>,
    writes: UnboundedReceiver<Write>,
    writer: tokio::task::JoinHandle<()>,
}

type Sent = tokio::task::JoinHandle<Result<Appended, QueueError>>;

fn bench(limits: Limits) -> Bench {
    let (writes, seen) = unbounded_channel();
    let (queue, task) = Queue::new(Arc::new(Gate { writes }), Arc::default(), limits);
    Bench {
        queue: Arc::new(queue),
        writes: seen,
        writer: tokio::spawn(task.run()),
    }
}

impl Bench {
    /// Sends `report` and returns when it is in the queue.
    async fn send(&self, report: Report) -> Sent {
        let queue = Arc::clone(&self.queue);
        let sent = tokio::spawn(async move { queue.append(report, 10).await });
        // One thread runs all tasks: the new one runs until it waits for its answer.
        tokio::task::yield_now().await;
        sent
    }

    async fn write(&mut self) -> Write {
        self.writes.recv().await.unwrap()
    }
}

fn sources(reports: &[Report]) -> Vec<&str> {
    reports.iter().map(|r| r.run.source.as_str()).collect()
}

#[tokio::test]
async fn what_waits_during_a_write_goes_into_the_next_one_together() {
    let mut bench = bench(Limits::DEFAULT);
    let first = bench.send(report("a", 1, 0)).await;
    let write = bench.write().await;
    let (second, third) = (
        bench.send(report("b", 1, 0)).await,
        bench.send(report("c", 1, 0)).await,
    );
    assert_eq!(bench.queue.unanswered(), 3);
    assert!(!first.is_finished());
    write.succeed();
    assert!(first.await.unwrap().is_ok());
    let reports = bench.write().await.succeed();
    assert_eq!(sources(&reports), ["b", "c"]);
    assert!(second.await.unwrap().is_ok());
    assert!(third.await.unwrap().is_ok());
}

#[tokio::test]
async fn the_same_report_from_two_senders_is_written_once_and_both_are_answered() {
    let mut bench = bench(Limits::DEFAULT);
    let blocking = bench.send(report("x", 1, 0)).await;
    let write = bench.write().await;
    let mut again = report("a", 1, 5);
    again.run.received_at = UnixTime::from_ns(9);
    let first = bench.send(report("a", 1, 5)).await;
    let second = bench.send(again.clone()).await;
    write.succeed();
    let reports = bench.write().await.succeed();
    assert_eq!(reports, [again]);
    for sent in [blocking, first, second] {
        assert!(sent.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn another_report_of_the_same_identity_waits_for_the_next_write() {
    let mut bench = bench(Limits::DEFAULT);
    let blocking = bench.send(report("x", 1, 0)).await;
    let write = bench.write().await;
    let mut sent = vec![blocking];
    for results in [1, 2, 3] {
        sent.push(bench.send(report("a", 1, results)).await);
    }
    sent.push(bench.send(report("b", 1, 0)).await);
    write.succeed();
    let mut order = Vec::new();
    for _ in 0..3 {
        let reports = bench.write().await.succeed();
        order.push(reports.iter().map(|r| r.run.results).collect::<Vec<_>>());
    }
    assert_eq!(order, [vec![1, 0], vec![2], vec![3]]);
    for sent in sent {
        assert!(sent.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_full_queue_says_so_at_once() {
    let limits = Limits {
        reports: 2,
        ..Limits::DEFAULT
    };
    let mut bench = bench(limits);
    let first = bench.send(report("a", 1, 0)).await;
    let write = bench.write().await;
    let waiting = bench.send(report("b", 1, 0)).await;
    let refused = bench.queue.append(report("c", 1, 0), 10).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, QueueError::Full(_)));
    assert!(
        error.to_string().starts_with("as much as 2 reports or"),
        "{error}"
    );
    write.succeed();
    bench.write().await.succeed();
    assert!(first.await.unwrap().is_ok());
    assert!(waiting.await.unwrap().is_ok());
}

#[tokio::test]
async fn the_bytes_of_a_report_count_until_it_is_answered() {
    let limits = Limits {
        bytes: 15,
        ..Limits::DEFAULT
    };
    let mut bench = bench(limits);
    let first = bench.send(report("a", 1, 0)).await;
    let write = bench.write().await;
    let refused = bench.queue.append(report("b", 1, 0), 10).await;
    assert!(matches!(refused, Err(QueueError::Full(_))));
    write.succeed();
    assert!(first.await.unwrap().is_ok());
    let next = bench.send(report("b", 1, 0)).await;
    bench.write().await.succeed();
    assert!(next.await.unwrap().is_ok());
}

#[tokio::test]
async fn everybody_whose_report_was_in_a_failed_write_hears_of_it() {
    let mut bench = bench(Limits::DEFAULT);
    let sent = bench.send(report("a", 1, 0)).await;
    let error = StoreError::Unavailable {
        reason: "away".to_owned(),
        retry_after: Some(Duration::from_secs(7)),
    };
    assert!(bench.write().await.answer.send(Err(error)).is_ok());
    let error = sent.await.unwrap().unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    // The queue goes on.
    let sent = bench.send(report("a", 1, 0)).await;
    bench.write().await.succeed();
    assert!(sent.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_stopped_queue_finishes_what_it_took_and_takes_nothing_more() {
    let mut bench = bench(Limits::DEFAULT);
    let first = bench.send(report("a", 1, 0)).await;
    let write = bench.write().await;
    let waiting = bench.send(report("b", 1, 0)).await;
    let held_back = bench.send(report("b", 1, 1)).await;
    bench.queue.stop();
    let refused = bench.queue.append(report("c", 1, 0), 10).await;
    assert!(matches!(refused, Err(QueueError::Stopping)));
    write.succeed();
    bench.write().await.succeed();
    bench.write().await.succeed();
    for sent in [first, waiting, held_back] {
        assert!(sent.await.unwrap().is_ok());
    }
    bench.writer.await.unwrap();
    assert_eq!(bench.queue.unanswered(), 0);
}

#[tokio::test]
async fn a_sender_that_goes_away_takes_nothing_back() {
    let mut bench = bench(Limits::DEFAULT);
    let first = bench.send(report("a", 1, 0)).await;
    let write = bench.write().await;
    let gone = bench.send(report("b", 1, 0)).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    write.succeed();
    assert_eq!(sources(&bench.write().await.succeed()), ["b"]);
    assert!(first.await.unwrap().is_ok());
}
