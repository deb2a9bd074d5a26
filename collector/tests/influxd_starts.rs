//! The InfluxDB 2 of the tests is a real one.

#![cfg(test)]

#[path = "support/influxd.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod influxd;

#[tokio::test]
async fn an_influxd_keeps_its_data_when_it_is_killed_and_started_again() {
    let Some(mut influxd) = influxd::Influxd::start() else {
        return;
    };
    assert!(
        influxd
            .query("buckets() |> keep(columns: [\"name\"])")
            .await
            .contains("first"),
        "{}",
        influxd.address()
    );
    influxd.kill();
    influxd.start_again();
    assert!(
        influxd
            .query("buckets() |> keep(columns: [\"name\"])")
            .await
            .contains("first")
    );
}
