//! When packets leave, and when the round ends.

use super::Happening::{Reply as Answer, Stop};
use super::*;
use crate::round::schedule::Seed;

#[test]
fn nothing_to_do_is_done_at_once() {
    let (ended, end, _) = World::new(settings(), Vec::new()).run();
    assert_eq!(
        (ended.samples.len(), ended.cut_short, end),
        (0, None, Duration::ZERO)
    );
}

#[test]
fn packets_leave_at_the_beginning_of_their_cells_and_the_round_lingers() {
    let (ended, end, departures) = World::new(settings(), vec![flow(1, 3, 3000)]).run();
    let expected = [
        (ms(10), id(0, 0), 0),
        (ms(1010), id(0, 1), 1),
        (ms(2010), id(0, 2), 2),
    ];
    assert_eq!(departures, expected);
    assert_eq!(end, ms(2010 + 4000));
    assert_eq!(fates(&ended.samples[0].packets), "- - -");
}

#[test]
fn targets_take_turns_inside_a_cell() {
    let (_, _, departures) = World::new(settings(), vec![flow(1, 2, 2000), flow(2, 2, 2000)]).run();
    let order: Vec<_> = departures.iter().map(|(at, packet, _)| (*at, *packet)).collect();
    let expected = [
        (ms(10), id(0, 0)),
        (ms(510), id(1, 0)),
        (ms(1010), id(0, 1)),
        (ms(1510), id(1, 1)),
    ];
    assert_eq!(order, expected);
}

#[test]
fn a_signal_ends_the_sending_and_what_is_under_way_keeps_its_waiting_time() {
    let world = World::new(settings(), vec![flow(1, 10, 10_000)]);
    let (ended, end, _) = world.at(ms(1500), Stop).at(ms(3009), Answer(id(0, 1))).run();
    assert_eq!(fates(&ended.samples[0].packets), "- 1999");
    assert_eq!((ended.cut_short, end), (Some(CutShort::Signal), ms(1010 + 2000)));
}

#[test]
fn a_signal_after_the_last_departure_cuts_nothing_short() {
    let (ended, end, _) = World::new(settings(), vec![flow(1, 1, 1000)])
        .at(ms(100), Stop)
        .run();
    assert_eq!((ended.cut_short, end), (None, ms(2010)));
}

#[test]
fn whoever_waits_only_for_answers_ends_with_the_last_one() {
    let hasty = Settings {
        until_answered: true,
        ..settings()
    };
    let flows = || vec![flow(1, 1, 1000), flow(2, 2, 1000)];
    let one = || World::new(hasty, flows()).at(ms(600), Answer(id(0, 0)));
    // The last packet leaves at 760 ms.
    let two = || one().at(ms(800), Answer(id(1, 1)));
    let (ended, end, _) = two().at(ms(900), Answer(id(1, 0))).run();
    assert_eq!(end, ms(900));
    assert_eq!(ended.samples.len(), 2);
    let (_, end, departures) = two().run();
    let last = departures.last().unwrap().0;
    assert_eq!(
        end,
        last + hasty.linger,
        "a packet without an answer is waited for"
    );
}

#[test]
fn a_spread_that_does_not_fit_is_shortened_and_its_pace_kept() {
    let limited = Settings {
        deadline: Some(ms(1500 + 4000)),
        ..settings()
    };
    let (ended, end, departures) = World::new(limited, vec![flow(1, 3, 3000), flow(2, 3, 3000)]).run();
    assert_eq!(
        departures.iter().map(|(at, ..)| *at).collect::<Vec<_>>(),
        [ms(10), ms(510), ms(1010)]
    );
    assert_eq!(
        (ended.cut_short, end),
        (Some(CutShort::LateStart), ms(1010 + 4000))
    );
    let exact = Settings {
        deadline: Some(ms(2010 + 4000)),
        ..settings()
    };
    assert_eq!(World::new(exact, vec![flow(1, 3, 3000)]).run().0.cut_short, None);
}

#[test]
fn a_process_that_was_stopped_over_its_deadline_says_so() {
    let limited = Settings {
        deadline: Some(ms(2100 + 4000)),
        ..settings()
    };
    let mut world = World::new(limited, vec![flow(1, 3, 3000)]);
    world.stall = Some((ms(1010), ms(2101)));
    let (ended, end, departures) = world.run();
    assert_eq!(departures.len(), 1);
    assert_eq!((ended.cut_short, end), (Some(CutShort::Deadline), ms(10 + 4000)));
}

#[test]
fn what_a_stall_held_up_is_made_up_without_exceeding_any_rate() {
    let flows = (1..=3).map(|last| flow(last, 20, 2000)).collect();
    let mut world = World::new(settings(), flows);
    world.stall = Some((ms(100), ms(1100)));
    let (ended, _, departures) = world.run();
    assert!(ended.samples.iter().all(|sample| sample.packets.len() == 20));
    for pair in departures.windows(2) {
        assert!(pair[1].0 >= pair[0].0 + Duration::from_micros(50), "{pair:?}");
    }
    for flow in 0..3 {
        let own: Vec<_> = departures
            .iter()
            .filter(|(_, packet, _)| packet.flow == flow)
            .collect();
        assert!(
            own.windows(2).all(|pair| pair[1].0 >= pair[0].0 + ms(5)),
            "flow {flow}"
        );
        // 10 of 20 were held up; at one every 5 ms they are made up long before the thirteenth is due.
        let due = ms(1210) + Duration::from_nanos(100_000_000 * u64::from(flow) / 3);
        assert_eq!(own[12].0, due, "flow {flow}");
    }
}

#[test]
fn a_target_that_must_wait_holds_up_no_other() {
    let mut round = Round::new(settings(), vec![flow(1, 3, 0), flow(2, 1, 0)]);
    let Action::Send { packet, .. } = round.poll(ms(10)) else {
        unreachable!()
    };
    round.on_sent(packet, reading(ms(10)));
    let soon = ms(10) + Duration::from_micros(50);
    let Action::Wait { until } = round.poll(ms(10)) else {
        unreachable!()
    };
    assert_eq!(until, soon);
    assert!(matches!(
        round.poll(soon),
        Action::Send {
            packet: PacketId { flow: 1, .. },
            ..
        }
    ));
}

#[test]
fn a_departure_that_was_not_asked_for_is_not_booked() {
    let mut round = Round::new(settings(), vec![flow(1, 3, 3000), flow(2, 3, 3000)]);
    round.on_sent(id(0, 1), reading(ms(10)));
    round.on_sent(id(1, 0), reading(ms(10)));
    round.on_unsent(id(7, 0), ms(10));
    assert_eq!(round.progress(), (0, 0));
}

/// Three packets over three seconds, each at its place of the random schedule.
fn random(last: u8, probe: &str) -> Flow {
    let probe = probe.parse().unwrap();
    let target = format!("target{last}").parse().unwrap();
    let start = UnixTime::from_ns(EPOCH_NS);
    let seed = Seed::new(&probe, &ippm::TestName::icmp(), &target, ippm::Family::V4, start);
    Flow {
        rhythm: Rhythm::Random(seed),
        ..flow(last, 3, 3000)
    }
}

#[test]
fn packets_leave_when_their_schedule_says_and_in_its_order() {
    let flows = || (1..=4).map(|last| random(last, "ams1")).collect::<Vec<_>>();
    let mut expected: Vec<_> = (0..)
        .zip(flows())
        .flat_map(|(rank, flow)| {
            (0..3).map(move |packet| (ms(10) + flow.due(packet.into(), 0, 1), id(rank, packet)))
        })
        .collect();
    expected.sort_unstable();
    let (_, _, departures) = World::new(settings(), flows()).run();
    let found: Vec<_> = departures.iter().map(|(at, packet, _)| (*at, *packet)).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_rates_hold_for_packets_at_random_places_too() {
    // As many as one address may receive, in cells of 5 ms: half of the neighbors lie closer together.
    let full = |last| Flow {
        count: 600,
        ..random(last, "ams1")
    };
    let (ended, _, departures) = World::new(settings(), vec![full(1), full(2)]).run();
    assert_eq!(ended.cut_short, None);
    for flow in 0..2 {
        let own: Vec<_> = departures
            .iter()
            .filter(|(_, packet, _)| packet.flow == flow)
            .collect();
        assert_eq!(own.len(), 600);
        assert!(
            own.windows(2).all(|pair| pair[1].0 >= pair[0].0 + ms(5)),
            "flow {flow}"
        );
        // Held back they leave at most one cell late: packet i not after the end of cell i + 1.
        for (index, (at, ..)) in (1..).zip(&own) {
            assert!(*at < ms(10 + 5 * (index + 1)), "{index}: {at:?}");
        }
    }
}

#[test]
fn a_wake_up_that_is_always_late_does_not_slow_a_round_at_its_full_rate_down() {
    let mut round = Round::new(
        settings(),
        vec![Flow {
            count: 200,
            ..flow(1, 1, 1000)
        }],
    );
    let mut now = ms(0);
    let mut departures = Vec::new();
    loop {
        match round.poll(now) {
            Action::Wait { until } if departures.len() < 200 => now = until + Duration::from_micros(80),
            Action::Send { packet, due, .. } => {
                departures.push((now, due));
                round.on_sent(packet, reading(now));
            }
            _ => break,
        }
    }
    assert_eq!(departures.len(), 200);
    let (last, due) = departures[199];
    assert_eq!(due, ms(10 + 995));
    assert_eq!(
        last,
        due + Duration::from_micros(80),
        "late by one wake-up, not by two hundred"
    );
}

#[test]
fn what_leaves_late_is_late_against_the_schedule_and_not_against_the_packet_before() {
    let mut round = Round::new(settings(), vec![flow(1, 3, 3000)]);
    let mut lags = Vec::new();
    // The process sleeps over the second departure, and over the third.
    for mut now in [ms(10), ms(2500), ms(2500)] {
        let (packet, due) = loop {
            match round.poll(now) {
                Action::Send { packet, due, .. } => break (packet, due),
                Action::Wait { until } => now = until,
                Action::Finish => unreachable!(),
            }
        };
        round.on_sent(packet, reading(now));
        lags.push(now.saturating_sub(due).as_millis());
    }
    // Due at 10, 1010 and 2010 ms; the third keeps its 5 ms from the second.
    assert_eq!(lags, [0, 1490, 495]);
}

#[test]
fn a_long_waiting_time_shortens_its_own_flow_only() {
    let patient = Flow {
        timeout: ms(6000),
        ..flow(1, 3, 3000)
    };
    let limited = Settings {
        // Time for three seconds of packets that wait four, and for one second of those that wait six.
        deadline: Some(ms(10 + 3000 + 4000)),
        ..settings()
    };
    let (ended, end, departures) = World::new(limited, vec![patient, flow(2, 3, 3000)]).run();
    let of = |flow| {
        departures
            .iter()
            .filter(|(_, packet, _)| packet.flow == flow)
            .count()
    };
    assert_eq!((of(0), of(1)), (2, 3));
    assert_eq!(ended.cut_short, Some(CutShort::LateStart));
    assert_eq!(
        end,
        ms(1010 + 6000),
        "the second packet of the patient flow is waited for longest"
    );
}

#[test]
fn a_machine_that_slept_has_so_much_less_time() {
    let limited = Settings {
        deadline: Some(ms(10 + 3000 + 4000)),
        ..settings()
    };
    let mut round = Round::new(limited, vec![flow(1, 3, 3000)]);
    assert!(matches!(round.poll(ms(10)), Action::Send { .. }));
    round.on_sent(id(0, 0), reading(ms(10)));
    round.lose(ms(1500));
    assert!(matches!(round.poll(ms(1010)), Action::Send { .. }));
    round.on_sent(id(0, 1), reading(ms(1010)));
    // The third is due at 2010 ms, half a second after the last departure that is left time for.
    assert_eq!(
        round.poll(ms(1010)),
        Action::Wait {
            until: ms(1010 + 4000)
        }
    );
    let ended = round.into_ended(UnixTime::from_ns(0));
    assert_eq!(ended.cut_short, Some(CutShort::Deadline));
}
