//! Two collectors on one bucket behind one nginx: a report that is posted a hundred times is there once.

#![cfg(test)]

#[path = "durability/collector.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod collector_process;
#[path = "support/influxd.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod influxd;
#[path = "support/nginx.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod nginx;
#[path = "support/posted.rs"]
mod posted;
#[path = "support/reports.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod reports;

use std::fs;
use std::net::Ipv4Addr;

use ippm::wire::report::ReportV1;

use crate::collector_process::Collector;
use crate::influxd::Influxd;
use crate::nginx::Nginx;

const BUCKET: &str = "shared";
const POSTS: usize = 100;

#[test]
fn a_report_posted_a_hundred_times_to_two_collectors_is_stored_once() {
    let Some(influxd) = Influxd::start() else { return };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    // They differ in what they show: the family that has the legacy-named fields.
    let mut collectors = [4, 6].map(|family| {
        let folder = folders[usize::from(family == 6)].path();
        fs::write(folder.join("token"), Influxd::TOKEN).unwrap();
        let settings = format!(
            "[store]\nbackend = \"influx\"\n[store.influx]\nurl = \"{}\"\norg = \"{}\"\nbucket = \"{BUCKET}\"\ntoken_file = \"token\"\n\
             [legacy]\nfamily = {family}\n",
            influxd.url(),
            Influxd::ORG,
        );
        Collector::configure(&settings, folder, &["ams1"])
    });
    let key = collectors[0].key("ams1");
    fs::copy(
        folders[0].path().join("keys.toml"),
        folders[1].path().join("keys.toml"),
    )
    .unwrap();
    collectors[0].run(&["setup"]);
    let addresses = [collectors[0].address(), collectors[1].address()];
    let Some(nginx) = Nginx::start(&addresses) else {
        return;
    };
    collectors.iter_mut().for_each(Collector::start);

    let body = serde_json::to_vec(&the_report()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let csv = runtime.block_on(async {
        let statuses = post_at_once(&nginx, &addresses, &key, &body).await;
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        influxd
            .query(&format!(
                "from(bucket: \"{BUCKET}\") |> range(start: -1d) |> count() |> group()"
            ))
            .await
    });
    let counts: Vec<Vec<&str>> = csv
        .lines()
        .skip(2)
        .filter(|line| !line.is_empty())
        .map(|line| line.split(',').collect())
        .collect();
    assert!(counts.len() > 2 * 25, "two results with their fields: {csv}");
    let names: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    let value = names.iter().position(|name| *name == "_value").unwrap();
    let field = names.iter().position(|name| *name == "_field").unwrap();
    for row in counts {
        assert_eq!(
            row[value], "1",
            "field {} of one identity is stored once",
            row[field]
        );
    }
}

/// Half of the posts through nginx, a quarter straight to each collector; answers their statuses.
async fn post_at_once(
    nginx: &Nginx,
    addresses: &[std::net::SocketAddr; 2],
    key: &str,
    body: &[u8],
) -> Vec<u16> {
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&nginx.certificate()).unwrap()])
        .resolve("localhost", (Ipv4Addr::LOCALHOST, nginx.https).into())
        .no_proxy()
        .build()
        .unwrap();
    let mut posts = tokio::task::JoinSet::new();
    for number in 0..POSTS {
        let url = match number % 4 {
            0 => format!("http://{}/api/v2/reports", addresses[0]),
            1 => format!("http://{}/api/v2/reports", addresses[1]),
            _ => format!("https://localhost:{}/backend/api/v2/reports", nginx.https),
        };
        let post = client
            .post(url)
            .header("X-API-Key", key)
            .header("Content-Type", "application/json")
            .body(body.to_vec());
        posts.spawn(async move { post.send().await.unwrap().status().as_u16() });
    }
    posts.join_all().await
}

/// One round with a result for each family.
fn the_report() -> ReportV1 {
    let (source, target) = (reports::name("ams1"), reports::name("lon1"));
    let time = reports::round(reports::two_hours_ago(), 0);
    let summary = reports::summary(time, "0.5 - 0.7 0.6 !");
    let entries = [ippm::Family::V4, ippm::Family::V6].map(|family| {
        let measurement = reports::measurement(&target, family, &ippm::TestName::icmp(), summary.clone());
        collector::store::Entry::Native(measurement)
    });
    posted::wire(&reports::report(&source, time, entries.to_vec()))
}
