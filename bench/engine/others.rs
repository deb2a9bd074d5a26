//! Two ping libraries, at the pace of our engine, one RTT on a line.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use surge_ping::{Client, Config, PingIdentifier, PingSequence};
use tokio::time::{Instant, sleep_until};

#[derive(clap::Args, Clone)]
pub(crate) struct Args {
    /// Packets to each target
    #[arg(long, default_value_t = 100)]
    pub(crate) count: u32,
    /// Milliseconds between two of them
    #[arg(long, default_value_t = 100)]
    interval_ms: u64,
    /// Literal addresses
    #[arg(required = true)]
    pub(crate) targets: Vec<IpAddr>,
}

impl Args {
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// Targets begin one after the other, evenly.
    fn start(&self, index: usize) -> Duration {
        self.interval() * u32::try_from(index).expect("few targets")
            / u32::try_from(self.targets.len()).expect("few targets")
    }
}

/// `target index nanoseconds`, with `-` for a packet without a delay.
pub(crate) fn print(target: IpAddr, index: usize, rtt: Option<Duration>) {
    match rtt {
        Some(rtt) => println!("{target} {index} {}", rtt.as_nanos()),
        None => println!("{target} {index} -"),
    }
}

const TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) fn surge(args: &Args) {
    run(args, |args, index| async move {
        let target = args.targets[index];
        let client = Client::new(&Config::default()).expect("a socket");
        let identifier = PingIdentifier(u16::try_from(index).expect("few targets"));
        let mut pinger = client.pinger(target, identifier).await;
        pinger.timeout(TIMEOUT);
        let mut rtts = Vec::new();
        let mut due = Instant::now() + args.start(index);
        for sequence in 0..args.count {
            sleep_until(due).await;
            due += args.interval();
            let sequence = PingSequence(u16::try_from(sequence).expect("few packets"));
            rtts.push(pinger.ping(sequence, &[0; 56]).await.ok().map(|(_, rtt)| rtt));
        }
        rtts
    });
}

pub(crate) fn ping_rs(args: &Args) {
    run(args, |args, index| async move {
        let target = args.targets[index];
        // More than 24 bytes are refused.
        let data: &'static [u8] = &[0; 24];
        let mut rtts = Vec::new();
        let mut due = Instant::now() + args.start(index);
        for _ in 0..args.count {
            sleep_until(due).await;
            due += args.interval();
            let reply = ping_rs::send_ping_async(&target, TIMEOUT, Arc::new(data), None).await;
            rtts.push(
                reply
                    .ok()
                    .map(|reply| Duration::from_millis(u64::from(reply.rtt))),
            );
        }
        rtts
    });
}

/// Runs one task for each target, and prints what they bring.
fn run<F, T>(args: &Args, task: F)
where
    F: Fn(Args, usize) -> T,
    T: Future<Output = Vec<Option<Duration>>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let tasks: Vec<_> = (0..args.targets.len())
            .map(|index| tokio::spawn(task(args.clone(), index)))
            .collect();
        for (task, target) in tasks.into_iter().zip(&args.targets) {
            for (index, rtt) in task.await.expect("a task that ends").into_iter().enumerate() {
                print(*target, index, rtt);
            }
        }
    });
}
