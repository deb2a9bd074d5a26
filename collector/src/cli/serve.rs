//! `serve`, and what it makes by itself when there is no configuration file.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

use ippm::{ProbeName, wire};
use secrecy::ExposeSecret as _;

use crate::cli::keys::{self, Wanted};
use crate::cli::{Args, Failure, start_log};
use crate::clock::Clock;
use crate::config::Config;
use crate::config::layer::Fault;
use crate::key::Role;
use crate::startup::{self, Application};

/// The roster of a try-out: two probes on this host.
const TRIAL_ROSTER: &str = "{\n  \"probes\": [\n    { \"name\": \"p1\", \"proto\": 4, \"address\": \"127.0.0.1\" },\n    { \"name\": \"p2\", \"proto\": 4, \"address\": \"127.0.0.2\" }\n  ]\n}\n";
/// Probes of the roster that get a key at a first start: enough to try it, and not a page of secrets.
const TRIAL_PROBES: usize = 2;
/// Who else gets one.
const TRIAL_READERS: [(Role, &str); 2] = [(Role::Read, "operator"), (Role::Admin, "operator")];

/// Runs a collector until it is told to stop.
pub(super) fn serve(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let config = args.load_with_store()?;
    start_log();
    for warning in config.warnings() {
        log::warn!("{warning}");
    }
    if args.config.is_none() {
        if !config.server.listen.ip().is_loopback() {
            let problem =
                "without a configuration file only a loopback address is bound; name one with --config";
            return Err(Failure::Faulty(vec![Fault::new("server.listen", problem)]));
        }
        first_start(&config, out)?;
    }
    let listen = config.server.listen;
    actix_web::rt::System::new().block_on(async move {
        let clock = Clock::system();
        let store = startup::storage::open(&config)?;
        let listener =
            TcpListener::bind(listen).map_err(Failure::io(format!("cannot listen on {listen}")))?;
        let application =
            Application::build(config, listener, store, clock).map_err(Failure::io("cannot start"))?;
        application
            .run_as_service()
            .await
            .map_err(Failure::io("the server failed"))
    })
}

/// Makes the data directory, a roster and keys, each only if it is not there, and prints the keys.
fn first_start(config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let named = |path: &Path| Failure::io(path.display().to_string());
    let dir = &config.store.data_dir;
    fs::create_dir_all(dir).map_err(named(dir))?;
    let roster = &config.access.roster_file;
    if !roster.exists() {
        fs::write(roster, TRIAL_ROSTER).map_err(named(roster))?;
    }
    let path = &config.access.keys_file;
    if path.exists() {
        return Ok(());
    }
    let now = Clock::system().now();
    let mut text = format!(
        "First start: store, roster and keys are in {}.\nThese keys are shown this once:\n\n",
        dir.display()
    );
    let probes = trial_probes(roster)?;
    let probes_keys = probes.iter().map(|probe| (Role::Probe, probe.as_str()));
    // Writing to a String cannot fail.
    for (role, subject) in probes_keys.chain(TRIAL_READERS) {
        let id = format!("first-{role}-{subject}");
        let wanted = Wanted {
            role,
            subject,
            id: Some(&id),
            not_after: None,
        };
        let (_, secret) = keys::add(path, &wanted, now)?;
        let _ = writeln!(
            text,
            "  {:<6} {subject:<9} {}",
            role.to_string(),
            secret.expose_secret()
        );
    }
    let listen = config.server.listen;
    if let Some(probe) = probes.first() {
        let _ = write!(
            text,
            "\nMeasure from another terminal:\n  XPROBE_KEY=<key of {probe}> xprobe -n {probe} -r http://{listen}\nand see it:\n  IXPQOS_KEY=<read key> collector last {probe} --url http://{listen}\n"
        );
    }
    let _ = write!(
        text,
        "\nThe pages: http://{listen}/ in a browser, any user name, the read key as password.\n\n"
    );
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Failure::io("stdout"))
}

/// The first probes of the roster that report.
fn trial_probes(roster: &Path) -> Result<Vec<ProbeName>, Failure> {
    let text = fs::read(roster).map_err(Failure::io(roster.display().to_string()))?;
    let roster = wire::roster::parse(&text)
        .map_err(|error| Failure::Faulty(vec![Fault::new(roster.display().to_string(), error)]))?;
    let sources = roster.probes().iter().filter(|probe| probe.is_source());
    Ok(sources
        .take(TRIAL_PROBES)
        .map(|probe| probe.name.clone())
        .collect())
}
