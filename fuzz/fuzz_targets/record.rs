//! Records of plans, as they come back from the ledger, and their time windows.

#![no_main]

use collector::plan::resolve::Resolved;
use ippm::UnixTime;
use ippm::plan::Plan;
use libfuzzer_sys::fuzz_target;

/// A slot of every period: 2026-11-21T00:00:00Z.
const MIDNIGHT: UnixTime = UnixTime::from_ns(1_795_219_200_000_000_000);

fuzz_target!(|text: &str| {
    let Ok(plan) = Plan::parse_record(text) else {
        return;
    };
    assert_eq!(plan.record(), text);
    assert!(plan.results() <= Plan::MAX_RESULTS);
    if let Ok(resolved) = Resolved::new(plan) {
        let open = resolved.open(MIDNIGHT).count();
        assert!(resolved.due(MIDNIGHT).count() <= open && open <= resolved.plan().tests.len());
    }
});
