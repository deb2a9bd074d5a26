//! Values that line protocol carries badly or not at all, written to the real server and looked for there.

use std::time::Duration;

use collector::store::influx::line;
use collector::store::point::{Point, Value, points_of};
use collector::store::{Report, Store};
use futures_util::stream;
use influxdb2::RequestError;
use ippm::{Family, UnixTime};

use super::{Facts, outcome, quoted};
use crate::client::{self, data_point};
use crate::influxd::Influxd;
use crate::{count, load, reports};

const OURS: &str = "awkward_ours";
const THEIRS: &str = "awkward_theirs";
/// The two tags of a point, in their order.
const FIRST: &str = "t";
const LAST: &str = "u";
/// A good point of the same call has a time so much later.
const NEIGHBOR: Duration = Duration::from_secs(1);

pub(super) async fn run(influxd: &Influxd, facts: &mut Facts) {
    let store = client::store(&influxd.url(), OURS).await;
    client::store(&influxd.url(), THEIRS).await;
    let theirs = influxdb2::Client::new(influxd.url(), Influxd::ORG, Influxd::TOKEN);
    let one = || Value::Integer(1);
    let text = |text: &str| Value::Text(text.to_owned());
    let cases = [
        (
            "tag with a space, a comma, `=` and `é`",
            FIRST,
            "a b,c=d é",
            one(),
        ),
        ("tag with a newline", FIRST, "a\nb", one()),
        (
            "tag that ends in a backslash, another tag after it",
            FIRST,
            "a\\",
            one(),
        ),
        ("tag that ends in a backslash, the last one", LAST, "a\\", one()),
        ("tag with a backslash before a comma", LAST, "a\\,b", one()),
        ("tag that is empty", FIRST, "", one()),
        ("text with a quote and a newline", FIRST, "a", text("b\"c\nd")),
        ("text that ends in a backslash", FIRST, "a", text("b\\")),
        ("text that ends in two backslashes", FIRST, "a", text("b\\\\")),
        ("text with a backslash before a quote", FIRST, "a", text("b\\\"c")),
        ("number that is NaN", FIRST, "a", Value::Float(f64::NAN)),
    ];
    // A time of its own for each, by which it is found again.
    let time = |number| load::days_ago(3).saturating_add(reports::PERIOD * load::number(number));
    let forging = time(cases.len()).as_ns();
    let forging = format!("b\\\" {forging}\nForged,t=y whole=7i {forging}\n#");
    let cases = cases
        .into_iter()
        .chain([("text that forges a point", FIRST, "a", text(&forging))]);
    for (number, (what, tag, content, value)) in cases.enumerate() {
        let time = time(number);
        let point = point(tag, content, value, time);
        let neighbor = self::point(
            FIRST,
            "neighbor",
            Value::Integer(2),
            time.saturating_add(NEIGHBOR),
        );
        let (both, to_write) = ([point.clone(), neighbor.clone()], theirs.clone());
        let refused_theirs = outcome(async move {
            let points = stream::iter(both.into_iter().map(data_point));
            match to_write.write(THEIRS, points).await {
                Ok(()) => String::new(),
                Err(error) => words(&error),
            }
        })
        .await;
        let refused_ours = ours(influxd, &[&point, &neighbor]).await;
        facts.tell(
            what,
            verdict(influxd, OURS, &point, &refused_ours).await,
            verdict(influxd, THEIRS, &point, &refused_theirs).await,
        );
    }
    too_old(influxd, store, theirs, facts).await;
}

/// A point with two tags, of which `tag` holds `content`; a field for each type of value.
fn point(tag: &str, content: &str, value: Value, time: UnixTime) -> Point {
    let field = match value {
        Value::Integer(_) => "whole",
        Value::Float(_) => "number",
        Value::Boolean(_) => "truth",
        Value::Text(_) => "text",
    };
    Point {
        measurement: "Awkward",
        tags: [FIRST, LAST]
            .map(|name| (name, if name == tag { content } else { "x" }.to_owned()))
            .to_vec(),
        fields: vec![(field, value)],
        time,
    }
}

/// Writes the lines that our encoder makes, as our store does: without a point that has none. Why the first point
/// was not stored, or nothing.
async fn ours(influxd: &Influxd, points: &[&Point]) -> String {
    let mut body = String::new();
    let mut refused = String::new();
    for point in points {
        if let Err(error) = line::push(&mut body, point) {
            refused = format!("before it is sent: {error}");
        }
    }
    let answer = reqwest::Client::new()
        .post(format!(
            "{}/api/v2/write?org={}&bucket={OURS}",
            influxd.url(),
            Influxd::ORG
        ))
        .header("Authorization", format!("Token {}", Influxd::TOKEN))
        .body(body)
        .send()
        .await
        .expect("an answer");
    if answer.status() != 204 {
        refused = format!("by InfluxDB: {}", quoted(&answer.text().await.expect("a text")));
    }
    refused
}

/// What InfluxDB said.
fn words(error: &RequestError) -> String {
    let RequestError::Http { status, text } = error else {
        return quoted(&error.to_string());
    };
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let message = json["message"].as_str().unwrap_or(text);
    format!("by InfluxDB ({}): {}", status.as_u16(), quoted(message))
}

/// What `refused`, empty for nothing, and what lies in `bucket` at the time of `point` and after it mean together.
async fn verdict(influxd: &Influxd, bucket: &str, point: &Point, refused: &str) -> String {
    let counted = async |time: UnixTime, condition: &str| {
        let time = time.as_ns();
        let flux = format!(
            "from(bucket: \"{bucket}\") |> range(start: time(v: {time}), stop: time(v: {})) \
             |> filter(fn: (r) => {condition}) |> group() |> count()",
            time + 1
        );
        count(&influxd.query(&flux).await)
    };
    let literal = match &point.fields[0].1 {
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Boolean(value) => value.to_string(),
        // Rust escapes what occurs here as Flux does.
        Value::Text(text) => format!("{text:?}"),
    };
    let mut same = format!("r._measurement == \"Awkward\" and r._value == {literal}");
    for (name, content) in &point.tags {
        same.push_str(&format!(" and r.{name} == {content:?}"));
    }
    let all = counted(point.time, "exists r._field").await;
    // NaN, which no server takes, has no literal.
    let exact = if all == 0 {
        0
    } else {
        counted(point.time, &same).await
    };
    let verdict = match (refused, all, exact) {
        ("", 1, 1) => "ok".to_owned(),
        ("", 0, _) => "**wrong**: acknowledged, and nothing is stored".to_owned(),
        ("", ..) => format!("**wrong**: acknowledged, and something else is stored (points: {all})"),
        (panic, 0, _) if panic.starts_with("**") => panic.to_owned(),
        (refused, 0, _) => format!("refused {refused}"),
        (refused, ..) => format!("**wrong**: refused {refused}; and yet something is stored"),
    };
    match counted(point.time.saturating_add(NEIGHBOR), "exists r._field").await {
        0 => format!("{verdict}; **its good neighbor is lost with it**"),
        _ => verdict,
    }
}

/// Three results in one call, of which the second is older than the bucket keeps.
async fn too_old(influxd: &Influxd, store: impl Store, theirs: influxdb2::Client, facts: &mut Facts) {
    let times = [load::days_ago(4), load::days_ago(400), load::days_ago(5)];
    let report = |time: UnixTime| reports::report(&reports::body(0, time, 1), 0, time);
    let three: Vec<Report> = times.map(report).to_vec();
    let points: Vec<Point> = three
        .iter()
        .flat_map(|report| points_of(report, Family::V4))
        // Without the entries of the ledger.
        .filter(|point| point.measurement == "Ping")
        .collect();
    let stored = |bucket: &str| {
        format!(
            "from(bucket: \"{bucket}\") |> range(start: 0) |> filter(fn: (r) => r._field == \"measured\") |> group() |> count()"
        )
    };
    let theirs = outcome(async move {
        let points = stream::iter(points.into_iter().map(data_point));
        match theirs.write(THEIRS, points).await {
            Ok(()) => "**wrong**: acknowledged".to_owned(),
            Err(error) => format!("one error for all three, {}", words(&error)),
        }
    })
    .await;
    let ours = outcome(async move {
        match store.append(&three).await {
            Ok(appended) => {
                let refused: Vec<usize> = (1..)
                    .zip(&appended)
                    .filter(|(_, of_report)| !of_report.refused.is_empty())
                    .map(|(number, _)| number)
                    .collect();
                format!("ok: says that {refused:?} alone is refused")
            }
            Err(error) => format!("one error for all three: {}", quoted(&error.to_string())),
        }
    })
    .await;
    let told = [
        format!("{ours}; {} stored", count(&influxd.query(&stored(OURS)).await)),
        format!(
            "{theirs}; {} stored",
            count(&influxd.query(&stored(THEIRS)).await)
        ),
    ];
    let [ours, theirs] = told;
    facts.tell("three results, the second too old for the bucket", ours, theirs);
}
