//! The wall clock really steps, for the whole machine: only where nothing else runs.

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::ClockId;

use crate::network::{Network, V4, V6, measure_in, ten};

/// Steps `CLOCK_REALTIME`, and puts it back by `CLOCK_MONOTONIC` when dropped.
struct Stepped {
    /// REALTIME − MONOTONIC before anything was touched.
    offset: TimeSpec,
}

impl Stepped {
    fn new() -> Self {
        Self {
            offset: ClockId::CLOCK_REALTIME.now().unwrap() - ClockId::CLOCK_MONOTONIC.now().unwrap(),
        }
    }

    /// Sets the clock `seconds` beside the truth.
    fn step(&self, seconds: i64) {
        let truth = ClockId::CLOCK_MONOTONIC.now().unwrap() + self.offset;
        ClockId::CLOCK_REALTIME
            .set_time(truth + TimeSpec::new(seconds, 0))
            .unwrap();
    }
}

impl Drop for Stepped {
    fn drop(&mut self) {
        self.step(0);
    }
}

#[test]
fn a_clock_that_steps_ten_seconds_costs_delays_and_falsifies_none() {
    if std::env::var("IXPQOS_EXCLUSIVE").as_deref() != Ok("1") {
        println!("skipped: needs the whole machine (IXPQOS_EXCLUSIVE=1)");
        return;
    }
    let Some(network) = Network::new("answer = { delay = \"40ms\" }") else {
        return;
    };
    let clock = Stepped::new();
    let (tests, namespace) = (vec![ten(V4), ten(V6)], &network.namespace);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            // Every step falls between a request and its reply, or into the pause: both are allowed.
            for seconds in [10, 0, -10, 0] {
                std::thread::sleep(Duration::from_millis(110));
                clock.step(seconds);
            }
        });
        measure_in(namespace, tests, None)
    });
    drop(clock);
    let fitness = &outcome.fitness;
    assert!((1..=4).contains(&fitness.clock_steps), "{fitness:?}");
    let mut undated = 0;
    for result in &outcome.results {
        let summary = result.sample.as_ref().unwrap().summary().unwrap();
        assert_eq!(
            (summary.sent, summary.received, summary.late),
            (10, 10, 0),
            "steps lose nothing"
        );
        let delay = summary.delay.unwrap();
        undated += 10 - delay.count;
        assert!(
            delay.min.as_ns() >= 40_000_000 && delay.max.as_ns() < 90_000_000,
            "{delay:?}"
        );
    }
    assert_eq!(fitness.stamps_discarded, undated);
    assert!(undated >= 1, "{fitness:?}");
}
