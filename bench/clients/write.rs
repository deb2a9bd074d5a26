//! Writing: points a second, processor time and bytes of a point.

use std::sync::Arc;
use std::time::Instant;

use crate::client::{CONTENDERS, Client, Contender, store};
use crate::influxd::Influxd;
use crate::load::{self, Batch, Kind};
use crate::wire::Tap;
use crate::{Args, median, usage};

const SIZES: [usize; 2] = [50, 1000];
const CONNECTIONS: [usize; 2] = [1, 8];

/// One row of the table.
struct Row {
    kind: Kind,
    size: usize,
    connections: usize,
    contender: Contender,
    bytes: f64,
    rates: Vec<f64>,
    processor: Vec<f64>,
}

/// Days that the bucket of the results keeps, less what a measurement may spill into.
const DAYS: usize = 85;

pub(crate) async fn run(args: &Args, influxd: &Influxd) {
    assert!(
        args.runs * loads().len() <= DAYS,
        "every measurement takes a day, and InfluxDB keeps 90 of them"
    );
    for contender in CONTENDERS {
        store(&influxd.url(), contender.bucket).await;
    }
    let most = CONNECTIONS.into_iter().max().unwrap_or(1);
    let clients: Vec<Vec<Client>> = CONTENDERS
        .iter()
        .map(|contender| (0..most).map(|_| contender.client(&influxd.url())).collect())
        .collect();
    let mut rows = rows();
    let mut written = [0; Kind::ALL.len()];
    let mut making = Vec::new();
    for run in 0..args.runs {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            for (part, (size, connections)) in loads().into_iter().enumerate() {
                // A day of its own, so that no measurement writes what another one wrote.
                let start = load::days_ago(1 + run * loads().len() + part);
                let batches = Arc::new(load::batches(kind, args.points, size, start));
                let points: usize = batches.iter().map(Batch::len).sum();
                written[at] += points;
                making.push((kind, processor_of_making(&batches) / points as f64));
                // Another one begins in every run.
                for turn in 0..CONTENDERS.len() {
                    let number = (run + turn) % CONTENDERS.len();
                    let row = rows
                        .iter_mut()
                        .find(|row| row.is(kind, size, connections, CONTENDERS[number]))
                        .expect("a row for each");
                    let (rate, processor) = measure(&clients[number][..connections], &batches, points).await;
                    eprintln!("run {run}: {}: {rate:.0}/s, {processor:.1} µs", row.title());
                    row.rates.push(rate);
                    row.processor.push(processor);
                }
                if run == 0 && connections == 1 {
                    for row in rows.iter_mut().filter(|row| row.kind == kind && row.size == size) {
                        row.bytes = bytes_of_point(influxd, row.contender, &batches[0]).await;
                    }
                }
            }
        }
    }
    check(influxd, written).await;
    print(args, &rows, &making);
}

fn loads() -> Vec<(usize, usize)> {
    SIZES
        .into_iter()
        .flat_map(|size| CONNECTIONS.map(|connections| (size, connections)))
        .collect()
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        for (size, connections) in loads() {
            rows.extend(CONTENDERS.map(|contender| Row {
                kind,
                size,
                connections,
                contender,
                bytes: 0.0,
                rates: Vec::new(),
                processor: Vec::new(),
            }));
        }
    }
    rows
}

impl Row {
    fn is(&self, kind: Kind, size: usize, connections: usize, contender: Contender) -> bool {
        (self.kind, self.size, self.connections, self.contender) == (kind, size, connections, contender)
    }

    fn title(&self) -> String {
        format!(
            "{} | {} | {} | {}",
            self.kind.name(),
            self.size,
            self.connections,
            self.contender.name
        )
    }
}

/// Points a second, and processor time of this process in µs a point.
async fn measure(clients: &[Client], batches: &Arc<Vec<Batch>>, points: usize) -> (f64, f64) {
    let (before, began) = (usage::read().0, Instant::now());
    let tasks: Vec<_> = clients
        .iter()
        .cloned()
        .enumerate()
        .map(|(first, client)| {
            let (batches, step) = (Arc::clone(batches), clients.len());
            tokio::spawn(async move {
                for batch in batches.iter().skip(first).step_by(step) {
                    client.write(batch).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("everything is written");
    }
    let elapsed = began.elapsed().as_secs_f64();
    let processor = usage::read().0.saturating_sub(before).as_secs_f64() * 1e6;
    (points as f64 / elapsed, processor / points as f64)
}

/// Processor time in µs of making points of everything, which every client has to do first.
fn processor_of_making(batches: &[Batch]) -> f64 {
    let before = usage::read().0;
    for batch in batches {
        std::hint::black_box(batch.points());
    }
    usage::read().0.saturating_sub(before).as_secs_f64() * 1e6
}

/// Bytes that go to the server for a point, everything of HTTP included.
async fn bytes_of_point(influxd: &Influxd, contender: Contender, batch: &Batch) -> f64 {
    let tap = Tap::start(influxd.address()).await;
    contender.client(&tap.url()).write(batch).await;
    tap.take().len() as f64 / batch.len() as f64
}

/// What was acknowledged is there.
async fn check(influxd: &Influxd, written: [usize; Kind::ALL.len()]) {
    for contender in CONTENDERS {
        for (kind, written) in Kind::ALL.into_iter().zip(written) {
            let (end, field) = kind.place();
            let flux = format!(
                "from(bucket: \"{}{end}\") |> range(start: 0) |> filter(fn: (r) => r._field == \"{field}\") |> group() |> count()",
                contender.bucket
            );
            let found = crate::count(&influxd.query(&flux).await);
            assert_eq!(found, written, "{} of {}", kind.name(), contender.name);
        }
    }
}

fn print(args: &Args, rows: &[Row], making: &[(Kind, f64)]) {
    println!(
        "## Writing\n\n{} points a measurement, median of {} interleaved runs (lowest to highest); every point was read back.\n\
         Points a second are what InfluxDB takes while it compacts what came before; the processor time is that of the client alone.\n",
        args.points, args.runs
    );
    for kind in Kind::ALL {
        let sample = &load::batches(kind, 50, 50, load::days_ago(1))[0];
        let points = sample.points();
        let fields: usize = points[0].1.iter().map(|point| point.fields.len()).sum();
        let costs = making.iter().filter(|(of, _)| *of == kind).map(|(_, cost)| *cost);
        println!(
            "* {}: {:.1} fields a point, {} for each batch; making the points is {:.1} µs of the processor time of each client",
            kind.name(),
            fields as f64 / sample.len() as f64,
            if points.len() == 1 {
                "one request"
            } else {
                "two requests, the second with one line"
            },
            median(costs.collect())
        );
    }
    println!(
        "\n| points | in a batch | connections | client | points/s | CPU µs a point | bytes a point |\n|---|---|---|---|---|---|---|"
    );
    for row in rows {
        let (least, most) = crate::range(&row.rates);
        println!(
            "| {} | {:.0} ({least:.0} to {most:.0}) | {:.1} | {:.0} |",
            row.title(),
            median(row.rates.clone()),
            median(row.processor.clone()),
            row.bytes
        );
    }
    println!();
}
