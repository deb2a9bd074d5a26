//! What becomes of values and answers that are out of the ordinary: facts, executed in this run.

mod answers;
mod servers;
mod values;

use std::any::Any;
use std::panic;
use std::time::Duration;

use tokio::task::JoinError;

use crate::influxd::Influxd;

/// How long a client without a time limit is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most characters of a foreign text.
const QUOTED: usize = 120;

/// The table: what was tried, what ours made of it, and what influxdb2 did.
#[derive(Default)]
struct Facts(Vec<[String; 3]>);

impl Facts {
    fn tell(&mut self, what: &str, ours: String, theirs: String) {
        self.0.push([what.to_owned(), ours, theirs]);
    }
}

pub(crate) async fn run(influxd: &Influxd) {
    let mut facts = Facts::default();
    // A panic is one of the facts, and needs no trace.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    values::run(influxd, &mut facts).await;
    answers::run(influxd, &mut facts).await;
    servers::run(&mut facts).await;
    panic::set_hook(hook);
    println!("## What is out of the ordinary\n\n| case | ours | influxdb2 |\n|---|---|---|");
    for row in facts.0 {
        println!("| {} |", row.join(" | "));
    }
}

/// What `attempt` says, or that it panics or never ends; tokio catches the panic of a task with `catch_unwind`.
async fn outcome(attempt: impl Future<Output = String> + Send + 'static) -> String {
    let mut task = tokio::spawn(attempt);
    match tokio::time::timeout(PATIENCE, &mut task).await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => format!("**panics**: {}", message(error)),
        Err(_) => {
            task.abort();
            format!("**still waits** after {} s", PATIENCE.as_secs())
        }
    }
}

fn message(error: JoinError) -> String {
    let payload: Box<dyn Any + Send> = match error.try_into_panic() {
        Ok(payload) => payload,
        Err(error) => return quoted(&error.to_string()),
    };
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    quoted(text.unwrap_or_default())
}

/// A text that fits into a cell of the table.
fn quoted(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .map(|c| if c == '|' { '/' } else { c })
        .take(QUOTED)
        .collect();
    text.trim().to_owned()
}
