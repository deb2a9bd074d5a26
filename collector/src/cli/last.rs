//! `last`: the latest results of a probe, as a running collector tells them.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as Arguments;
use comfy_table::{CellAlignment, Table, presets};
use ippm::ProbeName;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::auth::KEY_HEADER;
use crate::cli::{Args, Failure};
use crate::config::reader::secret_file;

/// How long a collector may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// The environment variable that may hold the key.
const KEY_VARIABLE: &str = "IXPQOS_KEY";

/// Which probe, and whom to ask.
#[derive(Debug, Clone, Arguments)]
pub struct LastArgs {
    /// The probe
    pub probe: ProbeName,
    /// The collector to ask; the configured address of this host if left out
    #[arg(long)]
    url: Option<String>,
    /// File that holds a read key, or the probe's own
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Asks the collector and prints a table.
pub(super) fn last(args: &Args, last: &LastArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let base = match &last.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", args.load()?.server.listen),
    };
    let key = match &last.key_file {
        Some(path) => Some(secret_file("--key-file", path).map_err(|fault| Failure::Faulty(vec![fault]))?),
        // No flag: every user of a host can read the arguments of a process.
        None => std::env::var(KEY_VARIABLE).ok().map(SecretString::from),
    };
    let answer = actix_web::rt::System::new().block_on(ask(&base, &last.probe, key.as_ref()))?;
    let time = answer["time"].as_str().unwrap_or("never");
    writeln!(
        out,
        "{}: round of {time}\n{}",
        last.probe,
        table(&answer).trim_fmt()
    )
    .map_err(Failure::io("stdout"))
}

async fn ask(base: &str, probe: &ProbeName, key: Option<&SecretString>) -> Result<Value, Failure> {
    // Some other part of the program may have chosen the same provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let refused = |error: reqwest::Error| Failure::Refused(format!("{base}: {}", causes(&error)));
    let mut url: reqwest::Url = base
        .parse()
        .map_err(|error| Failure::fault("--url", format_args!("{base:?}: {error}")))?;
    url.path_segments_mut()
        .map_err(|()| Failure::fault("--url", format_args!("{base:?} is no base of a path")))?
        .pop_if_empty()
        .extend(["api", "v1", "data", "probe", probe.as_str(), "last"]);
    let client = reqwest::Client::builder()
        .timeout(ANSWER_TIME)
        // The key goes to the collector that was named and nowhere else.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(refused)?;
    let mut request = client.get(url);
    if let Some(key) = key {
        request = request.header(KEY_HEADER, key.expose_secret());
    }
    let response = request.send().await.map_err(refused)?;
    let status = response.status();
    let body: Value = response.json().await.map_err(refused)?;
    if status.is_success() {
        return Ok(body);
    }
    let text = body["error"].as_str().unwrap_or("no reason given");
    Err(Failure::Refused(format!("{base}: {status}: {text}")))
}

fn table(answer: &Value) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "TARGET",
        "FAMILY",
        "CLASS",
        "LOSS",
        "MIN ms",
        "AVG ms",
        "MAX ms",
        "STDDEV ms",
    ]);
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let items = answer["probes"].as_array().map(Vec::as_slice).unwrap_or_default();
    for item in items {
        let text = |key: &str| match &item[key] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => "-".to_owned(),
        };
        let ms = |key: &str| {
            item[key]
                .as_f64()
                .map_or_else(|| "-".to_owned(), |ms| format!("{ms:.3}"))
        };
        let loss = item["ping_loss"]
            .as_f64()
            .map_or_else(|| "-".to_owned(), |loss| format!("{:.1} %", loss * 100.0));
        table.add_row([
            text("name"),
            text("family"),
            text("class"),
            loss,
            ms("ping_min"),
            ms("ping_avg"),
            ms("ping_max"),
            ms("ping_jitter"),
        ]);
    }
    table
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
