//! The state machine driven by hand, with invented instants.

use super::*;

#[test]
fn nothing_to_do_is_done_at_once() {
    let settings = Settings {
        key: 1,
        start: Duration::ZERO,
        linger: Duration::from_secs(4),
        last_departure: None,
        limits: Limits::HARD,
    };
    assert_eq!(
        Round::new(settings, Vec::new()).poll(Duration::ZERO),
        Action::Finish
    );
}
