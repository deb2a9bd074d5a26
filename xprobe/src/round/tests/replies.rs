//! What becomes of the packets.

use super::Happening::{Error, From, Reply as Answer, WrongKey};
use super::*;

/// Runs ten packets, one a second from 10 ms on, to one target.
#[track_caller]
fn check(script: &[(u64, Happening)], expected: &str) -> Ended {
    let world = World::new(settings(), vec![flow(1, 3, 3000)]);
    let world = script
        .iter()
        .fold(world, |world, &(at, happening)| world.at(ms(at), happening));
    let (ended, _, _) = world.run();
    assert_eq!(fates(&ended.samples[0].packets), expected);
    ended
}

#[test]
fn a_reply_is_received_up_to_the_waiting_time_and_late_afterwards() {
    check(&[(15, Answer(id(0, 0)))], "5 - -");
    check(
        &[(2010, Answer(id(0, 0))), (3011, Answer(id(0, 1)))],
        "2000 late -",
    );
}

#[test]
fn without_stamps_the_bracket_decides_what_is_late_and_never_becomes_a_delay() {
    let mut round = Round::new(settings(), vec![flow(1, 2, 0)]);
    for (sequence, arrival) in [(0, 2010), (1, 2016)] {
        let at = ms(10 + 5 * u64::from(sequence));
        assert!(matches!(round.poll(at), Action::Send { .. }));
        round.on_sent(id(0, sequence), reading(at));
        let from = IpAddr::from([192, 0, 2, 1]);
        let reply = Reply {
            from,
            key: KEY,
            packet: id(0, sequence),
            hop_limit: None,
            dscp: None,
            stamp: None,
        };
        round.on_reply(&reply, reading(ms(arrival)));
    }
    let ended = round.into_ended(UnixTime::from_ns(0));
    assert_eq!(fates(&ended.samples[0].packets), "undated late");
    assert_eq!((ended.stamps_missing, ended.stamps_discarded), (1, 0));
}

#[test]
fn a_reply_that_lay_in_our_socket_is_as_fast_as_it_was_on_the_wire() {
    let mut round = Round::new(settings(), vec![flow(1, 1, 0)]);
    round.poll(ms(10));
    round.on_sent(id(0, 0), reading(ms(10)));
    round.on_tx_stamp(id(0, 0), wall(ms(10)));
    let from = IpAddr::from([192, 0, 2, 1]);
    let reply = Reply {
        from,
        key: KEY,
        packet: id(0, 0),
        hop_limit: None,
        dscp: None,
        stamp: Some(wall(ms(13))),
    };
    round.on_reply(&reply, reading(ms(9000)));
    assert_eq!(
        fates(&round.into_ended(UnixTime::from_ns(0)).samples[0].packets),
        "3"
    );
}

#[test]
fn the_first_reply_counts_and_the_others_are_duplicates_even_of_a_late_one() {
    let ended = check(
        &[
            (15, Answer(id(0, 0))),
            (16, Answer(id(0, 0))),
            (3500, Answer(id(0, 1))),
            (3600, Answer(id(0, 1))),
        ],
        "5 late -",
    );
    let duplicates: Vec<u32> = ended.samples[0]
        .packets
        .iter()
        .map(|packet| packet.duplicates)
        .collect();
    assert_eq!((duplicates, ended.strays), (vec![1, 1, 0], 0));
}

#[test]
fn an_overtaken_reply_is_reordered() {
    let ended = check(&[(1015, Answer(id(0, 1))), (1500, Answer(id(0, 0)))], "1490 5 -");
    assert_eq!(ended.samples[0].summary().unwrap().reordered, 1);
}

#[test]
fn what_does_not_answer_a_packet_of_ours_is_a_stray_and_changes_nothing() {
    let strays = [
        From(STRANGER, id(0, 0)),
        WrongKey(id(0, 0)),
        Answer(id(0, 1)),
        Answer(id(0, 3)),
        Answer(id(0, u32::MAX)),
        Answer(id(1, 0)),
        Answer(id(u32::MAX, 0)),
    ];
    for stray in strays {
        let ended = check(&[(12, stray)], "- - -");
        assert_eq!(ended.strays, 1, "{stray:?}");
        assert_eq!(
            check(&[(12, stray), (15, Answer(id(0, 0)))], "5 - -").strays,
            1,
            "{stray:?}"
        );
    }
}

#[test]
fn a_packet_that_our_kernel_refused_is_unsent_and_a_reply_to_it_a_stray() {
    let mut world = World::new(settings(), vec![flow(1, 3, 3000)]);
    world.refused = vec![id(0, 1)];
    let (ended, _, _) = world
        .at(ms(1500), Answer(id(0, 1)))
        .at(ms(2020), Answer(id(0, 2)))
        .run();
    assert_eq!(fates(&ended.samples[0].packets), "- unsent 10");
    assert_eq!(ended.strays, 1);
    let summary = ended.samples[0].summary().unwrap();
    assert_eq!((summary.sent, summary.received, summary.unsent), (2, 1, 1));
}

#[test]
fn the_first_icmp_error_of_a_packet_is_kept_and_decides_nothing() {
    let ended = check(
        &[
            (11, Error(1, 0, 1)),
            (12, Error(1, 0, 13)),
            (15, Answer(id(0, 0))),
            (1011, Error(1, 1, 0)),
        ],
        "5 - -",
    );
    let codes: Vec<_> = ended.samples[0]
        .packets
        .iter()
        .map(|packet| packet.icmp_error.map(|e| e.code))
        .collect();
    assert_eq!(codes, [Some(1), Some(0), None]);
}

#[test]
fn an_icmp_error_about_nothing_we_sent_is_passed_over() {
    let ended = check(
        &[
            (11, Error(9, 0, 1)),
            (11, Error(1, 1, 1)),
            (11, Error(1, 65_535, 1)),
        ],
        "- - -",
    );
    assert!(
        ended.samples[0]
            .packets
            .iter()
            .all(|packet| packet.icmp_error.is_none())
    );
}

#[test]
fn two_tests_of_one_address_share_its_sequence_numbers() {
    let world = World::new(settings(), vec![flow(1, 2, 2000), flow(1, 2, 2000)]);
    let (ended, _, departures) = world
        .at(ms(1600), Error(1, 1, 1))
        .at(ms(1600), Error(1, 2, 4))
        .run();
    let numbers: Vec<_> = departures
        .iter()
        .map(|(_, packet, number)| (*packet, *number))
        .collect();
    assert_eq!(
        numbers,
        [(id(0, 0), 0), (id(1, 0), 1), (id(0, 1), 2), (id(1, 1), 3)]
    );
    assert_eq!(ended.samples[1].packets[0].icmp_error.unwrap().code, 1);
    assert_eq!(ended.samples[0].packets[1].icmp_error.unwrap().code, 4);
}

#[test]
fn of_packets_with_the_same_number_on_the_wire_an_error_means_the_latest() {
    let mut round = Round::new(settings(), vec![flow(1, 65_538, 400_000)]);
    let mut now = ms(10);
    for sequence in 0..65_537 {
        while !matches!(round.poll(now), Action::Send { .. }) {
            now += ms(1);
        }
        round.on_sent(id(0, sequence), reading(now));
    }
    let error = IcmpError {
        kind: 3,
        code: 1,
        from: IpAddr::from([192, 0, 2, 254]),
        mtu: None,
    };
    round.on_icmp_error(IpAddr::from([192, 0, 2, 1]), 0, error);
    round.on_icmp_error(IpAddr::from([192, 0, 2, 1]), 1, error);
    let sample = round.into_ended(UnixTime::from_ns(0)).samples.remove(0);
    let hit: Vec<usize> = (0..)
        .zip(&sample.packets)
        .filter(|(_, p)| p.icmp_error.is_some())
        .map(|(i, _)| i)
        .collect();
    assert_eq!(hit, [1, 65_536]);
}

/// Any happening at all, sensible or not.
fn happenings() -> impl Strategy<Value = Happening> {
    let packet = || (0u32..4, 0u32..6).prop_map(|(flow, sequence)| id(flow, sequence));
    prop_oneof![
        4 => packet().prop_map(Answer),
        1 => packet().prop_map(|packet| From(STRANGER, packet)),
        1 => packet().prop_map(WrongKey),
        1 => (1u8..5, 0u16..8, 0u8..14).prop_map(|(last, number, code)| Error(last, number, code)),
    ]
}

proptest! {
    #[test]
    fn whatever_arrives_every_reply_is_counted_once(
        script in proptest::collection::vec((0u64..8000, happenings()), 0..60),
        refused in proptest::collection::vec((0u32..3, 0u32..5), 0..4),
    ) {
        let mut world = World::new(settings(), vec![flow(1, 5, 5000), flow(2, 4, 3000), flow(3, 1, 0)]);
        world.refused = refused.into_iter().map(|(flow, sequence)| id(flow, sequence)).collect();
        let (mut replies, end) = (0, ms(4010 + 4000));
        for (at, happening) in script {
            replies += u64::from(!matches!(happening, Error(..)) && ms(at) < end);
            world = world.at(ms(at), happening);
        }
        let (ended, _, departures) = world.run();
        let packets: Vec<&Packet> = ended.samples.iter().flat_map(|sample| &sample.packets).collect();
        prop_assert_eq!(packets.len(), 10);
        let answered = packets.iter().filter(|p| matches!(p.fate, Fate::Returned { .. } | Fate::Late)).count();
        let duplicates: u64 = packets.iter().map(|packet| u64::from(packet.duplicates)).sum();
        prop_assert!(ended.strays + duplicates + answered as u64 <= replies);
        prop_assert_eq!(packets.iter().filter(|p| p.fate != Fate::Unsent).count(), departures.len());
    }

    #[test]
    fn strays_never_change_a_sample(
        replies in proptest::collection::vec((0u64..6000, 0u32..5), 0..20),
        strays in proptest::collection::vec((0u64..6000, 0u32..5), 0..20),
    ) {
        let run = |strays: &[(u64, u32)]| {
            let mut world = World::new(settings(), vec![flow(1, 5, 5000)]);
            for &(at, sequence) in &replies {
                world = world.at(ms(at), Answer(id(0, sequence)));
            }
            for &(at, sequence) in strays {
                world = world.at(ms(at), WrongKey(id(0, sequence))).at(ms(at), From(STRANGER, id(0, sequence)));
            }
            world.run().0.samples
        };
        prop_assert_eq!(run(&strays), run(&[]));
    }
}
