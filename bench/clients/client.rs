//! The two clients, as something that writes batches.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use collector::store::cell::Resolution;
use collector::store::influx::setup::Retention;
use collector::store::influx::{Influx, Options};
use collector::store::point::{Point, Value};
use collector::store::{Appended, Store};
use futures_util::stream;
use influxdb2::models::DataPoint;
use ippm::Family;

use crate::influxd::Influxd;
use crate::load::Batch;

/// Whoever is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// The bucket that it alone writes to, and in which names those of others begin.
    pub(crate) bucket: &'static str,
    is_ours: bool,
    is_compressed: bool,
}

/// With what each of them ships: ours compresses as it is configured by default, influxdb2 does not.
pub(crate) const CONTENDERS: [Contender; 4] = [
    contender("ours", "ours_gzip", true, true),
    contender("influxdb2", "theirs", false, false),
    contender("ours, no gzip", "ours", true, false),
    contender("influxdb2, gzip", "theirs_gzip", false, true),
];

const fn contender(
    name: &'static str,
    bucket: &'static str,
    is_ours: bool,
    is_compressed: bool,
) -> Contender {
    Contender {
        name,
        bucket,
        is_ours,
        is_compressed,
    }
}

impl Contender {
    /// A client with a pool of its own, which uses one connection.
    pub(crate) fn client(self, url: &str) -> Client {
        if self.is_ours {
            let options = Options {
                gzip: self.is_compressed,
                ..options(url, self.bucket)
            };
            return Client::Ours(Arc::new(Influx::new(&options).expect("a store")));
        }
        let mut builder = influxdb2::ClientBuilder::new(url, Influxd::ORG, Influxd::TOKEN);
        if self.is_compressed {
            builder = builder.gzip(true);
        }
        Client::Theirs {
            client: builder.build().expect("a client"),
            bucket: self.bucket,
        }
    }
}

/// A client of one connection.
#[derive(Debug, Clone)]
pub(crate) enum Client {
    Ours(Arc<Influx>),
    Theirs {
        client: influxdb2::Client,
        bucket: &'static str,
    },
}

impl Client {
    /// Makes points of `batch` and writes them.
    ///
    /// # Panics
    ///
    /// If anything of it is not stored.
    pub(crate) async fn write(&self, batch: &Batch) {
        match (self, batch) {
            (Self::Ours(store), Batch::Results(report)) => {
                let appended = store.append(slice::from_ref(&**report)).await.expect("appended");
                assert_eq!(appended, [Appended::default()]);
            }
            (Self::Ours(store), Batch::Hours(cells)) => {
                store.put_cells(Resolution::Hour, cells).await.expect("put");
            }
            (Self::Ours(store), Batch::Small(versions)) => {
                store.put_maintenance(versions).await.expect("put");
            }
            (Self::Theirs { client, bucket }, batch) => {
                for (end, points) in batch.points() {
                    let points = stream::iter(points.into_iter().map(data_point));
                    client
                        .write(&format!("{bucket}{end}"), points)
                        .await
                        .expect("written");
                }
            }
        }
    }
}

/// The same values for influxdb2.
pub(crate) fn data_point(point: Point) -> DataPoint {
    let mut builder = DataPoint::builder(point.measurement).timestamp(point.time.as_ns());
    for (name, value) in point.tags {
        builder = builder.tag(name, value);
    }
    for (name, value) in point.fields {
        builder = match value {
            Value::Integer(value) => builder.field(name, value),
            Value::Float(value) => builder.field(name, value),
            Value::Boolean(value) => builder.field(name, value),
            Value::Text(value) => builder.field(name, value),
        };
    }
    builder.build().expect("at least one field")
}

/// As the collector has them by default, but one request at a time: it would send a batch of 1000 as two halves.
pub(crate) fn options(url: &str, bucket: &str) -> Options {
    Options {
        url: url.to_owned(),
        org: Influxd::ORG.to_owned(),
        bucket: bucket.to_owned(),
        token: Influxd::TOKEN.into(),
        ca: None,
        legacy_family: Family::V4,
        connect_limit: Duration::from_secs(3),
        request_limit: Duration::from_secs(20),
        append_limit: Duration::from_secs(20),
        concurrency: 1,
        gzip: true,
    }
}

/// Our store on `bucket`, with all of its buckets made.
pub(crate) async fn store(url: &str, bucket: &str) -> Influx {
    let store = Influx::new(&options(url, bucket)).expect("a store");
    store.setup(&Retention::DEFAULT).await.expect("buckets");
    store
}
