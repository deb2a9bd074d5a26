//! Plans, as a probe reads them: from the collector and from its own cache.

#![no_main]

use ippm::UnixTime;
use ippm::wire::plan::PlanV1;
use libfuzzer_sys::fuzz_target;
use xprobe::fuzzing;

/// A time at which every test is due: 2026-11-21T00:00:00Z.
const MIDNIGHT: UnixTime = UnixTime::from_ns(1_795_219_200_000_000_000);

fuzz_target!(|body: &[u8]| {
    let fetched = fuzzing::plan(body, MIDNIGHT, false);
    let cached = fuzzing::plan(body, MIDNIGHT, true);
    match (&fetched, &cached) {
        // A cached plan leaves out the tests with a time window.
        (Ok(all), Ok(without_windows)) => assert!(without_windows <= all && *all <= 2048),
        (Err(fault), Err(again)) => {
            assert_eq!(fault, again);
            assert!(!fault.contains(char::is_control), "{fault:?}");
        }
        _ => panic!("{fetched:?} from the collector, {cached:?} from the cache"),
    }
    if let Ok(plan) = serde_json::from_slice::<PlanV1>(body) {
        let text = serde_json::to_vec(&plan).unwrap();
        assert_eq!(serde_json::from_slice::<PlanV1>(&text).unwrap(), plan);
    }
});
