//! A reflector with known truth: answers ICMP echo requests on a TUN device after an exactly known
//! delay, loses, duplicates, delays and forges exactly known packets, and writes down what it did.
//!
//! ```text
//! reflector --device NAME --scenario FILE --truth FILE
//! ```
//!
//! It creates the device in the network namespace that it runs in, brings it up, prints `ready` on
//! standard output and answers until it is killed or its standard input closes. Addresses and routes
//! are the caller's business: everything that is routed into the device is answered. The scenario is
//! described in `scenario.rs`, a line of the truth in `lab.rs`.

#[path = "lab.rs"]
mod lab;

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

/// Answers echo requests on a TUN device, and says what it did.
#[derive(Debug, Parser)]
struct Args {
    /// Name of the TUN device to create.
    #[arg(long)]
    device: String,
    /// What to do with which packet (TOML).
    #[arg(long)]
    scenario: std::path::PathBuf,
    /// Where to write what was seen and done, one JSON object a line.
    #[arg(long)]
    truth: std::path::PathBuf,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "reflector: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    let scenario = lab::scenario::Scenario::parse(&fs::read_to_string(&args.scenario)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let mut truth = BufWriter::new(File::create(&args.truth)?);
    let mut reflector = lab::Reflector::open(&args.device, scenario)?;
    writeln!(io::stdout(), "ready")?;
    io::stdout().flush()?;

    let stop = Arc::new(AtomicBool::new(false));
    stop_with_standard_input(&stop);
    let mut failed = Ok(());
    reflector.run(&stop, |line| {
        let written = serde_json::to_writer(&mut truth, &line)
            .map_err(io::Error::from)
            .and_then(|()| truth.write_all(b"\n"))
            // Whoever started us may kill us at any moment and read the file.
            .and_then(|()| truth.flush());
        if written.is_err() {
            failed = written;
        }
    })?;
    failed
}

/// A pipe that closes is the only message that a parent cannot forget to send.
fn stop_with_standard_input(stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        // Nobody is expected to write; a terminal or /dev/null that ends at once is no order to stop.
        let mut ignored = Vec::new();
        let piped = fs::metadata("/proc/self/fd/0").is_ok_and(|about| {
            use std::os::unix::fs::FileTypeExt;
            about.file_type().is_fifo()
        });
        if piped && io::stdin().read_to_end(&mut ignored).is_ok() {
            stop.store(true, Ordering::Relaxed);
        }
    });
}
