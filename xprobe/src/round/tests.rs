//! The state machine driven by hand, with invented instants.

use std::collections::BTreeMap;

use ippm::{Fate, Packet};
use proptest::prelude::*;

use super::*;

const KEY: u64 = 0x0bad_cafe_0bad_cafe;
/// Wall clock at the round's start; any moment will do.
const EPOCH_NS: i64 = 1_795_000_000_000_000_000;
const STRANGER: [u8; 4] = [203, 0, 113, 1];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn flow(last: u8, count: u64, spread: u64) -> Flow {
    let destination = IpAddr::from([192, 0, 2, last]);
    Flow {
        destination,
        count,
        spread: ms(spread),
        timeout: ms(2000),
    }
}

fn settings() -> Settings {
    Settings {
        key: KEY,
        start: ms(10),
        linger: ms(4000),
        until_answered: false,
        last_departure: None,
        limits: Limits::HARD,
    }
}

fn id(flow: u32, sequence: u32) -> PacketId {
    PacketId { flow, sequence }
}

/// Something that happens in the world of a test.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// A reply to a packet, from its destination.
    Reply(PacketId),
    /// A reply from somebody else.
    From([u8; 4], PacketId),
    /// A reply with another key.
    WrongKey(PacketId),
    /// An ICMP error about what went to 192.0.2.x with this sequence number.
    Error(u8, u16, u8),
    /// The process is asked to end.
    Stop,
}

/// A world without surprises: packets leave when they are due, stamps are as good as the clocks.
struct World {
    round: Round,
    /// What happens when.
    script: BTreeMap<Duration, Vec<Happening>>,
    /// Packets that our own kernel refuses.
    refused: Vec<PacketId>,
    /// The process is off the processor from the first time to the second.
    stall: Option<(Duration, Duration)>,
    departures: Vec<(Duration, PacketId, u16)>,
}

impl World {
    fn new(settings: Settings, flows: Vec<Flow>) -> Self {
        let round = Round::new(settings, flows);
        Self {
            round,
            script: BTreeMap::new(),
            refused: Vec::new(),
            stall: None,
            departures: Vec::new(),
        }
    }

    fn at(mut self, at: Duration, happening: Happening) -> Self {
        self.script.entry(at).or_default().push(happening);
        self
    }

    /// Runs to the end and returns when that was.
    fn run(mut self) -> (Ended, Duration, Vec<(Duration, PacketId, u16)>) {
        let mut now = Duration::ZERO;
        loop {
            if let Some((from, to)) = self.stall
                && now >= from
            {
                (now, self.stall) = (now.max(to), None);
            }
            while let Some(entry) = self.script.first_entry().filter(|entry| *entry.key() <= now) {
                let (at, happenings) = entry.remove_entry();
                for happening in happenings {
                    self.happen(at, happening);
                }
            }
            match self.round.poll(now) {
                Action::Finish => {
                    return (
                        self.round.into_ended(UnixTime::from_ns(EPOCH_NS)),
                        now,
                        self.departures,
                    );
                }
                Action::Send { packet, .. } if self.refused.contains(&packet) => {
                    self.round.on_unsent(packet, now);
                }
                Action::Send {
                    packet,
                    wire_sequence,
                    ..
                } => {
                    self.departures.push((now, packet, wire_sequence));
                    self.round.on_sent(packet, reading(now));
                    self.round.on_tx_stamp(packet, wall(now));
                }
                Action::Wait { until } => {
                    assert!(until > now, "a wait that is over at {now:?}");
                    let next = self.script.first_key_value().map(|(&at, _)| at);
                    now = next.map_or(until, |at| at.min(until)).max(now);
                }
            }
        }
    }

    fn happen(&mut self, at: Duration, happening: Happening) {
        let destination = |packet: PacketId| match self.round.flows.get(packet.flow as usize) {
            Some(ledger) => ledger.flow.destination,
            None => IpAddr::from(STRANGER),
        };
        let (from, key, packet) = match happening {
            Happening::Reply(packet) => (destination(packet), KEY, packet),
            Happening::From(from, packet) => (IpAddr::from(from), KEY, packet),
            Happening::WrongKey(packet) => (destination(packet), !KEY, packet),
            Happening::Error(last, wire_sequence, code) => {
                let error = IcmpError {
                    kind: 3,
                    code,
                    from: IpAddr::from([192, 0, 2, 254]),
                    mtu: None,
                };
                return self
                    .round
                    .on_icmp_error(IpAddr::from([192, 0, 2, last]), wire_sequence, error);
            }
            Happening::Stop => return self.round.stop(),
        };
        let reply = Reply {
            from,
            key,
            packet,
            hop_limit: Some(61),
            dscp: None,
            stamp: Some(wall(at)),
        };
        self.round.on_reply(&reply, reading(at));
    }
}

fn wall(at: Duration) -> UnixTime {
    UnixTime::from_ns(EPOCH_NS).saturating_add(at)
}

fn reading(at: Duration) -> Reading {
    Reading { at, wall: wall(at) }
}

/// The fates in the words of STYLE: the delay in ms, `-` for a loss, `late`, `unsent`.
fn fates(packets: &[Packet]) -> String {
    let word = |packet: &Packet| match packet.fate {
        Fate::Returned { rtt: Some(rtt), .. } => (rtt.as_ns() / 1_000_000).to_string(),
        Fate::Returned { rtt: None, .. } => "undated".to_owned(),
        Fate::Late => "late".to_owned(),
        Fate::Lost => "-".to_owned(),
        Fate::Unsent => "unsent".to_owned(),
    };
    packets.iter().map(word).collect::<Vec<_>>().join(" ")
}

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

use Happening::{Error, From, Reply as Answer, Stop, WrongKey};

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
        last_departure: Some(ms(1500)),
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
        last_departure: Some(ms(2010)),
        ..settings()
    };
    assert_eq!(World::new(exact, vec![flow(1, 3, 3000)]).run().0.cut_short, None);
}

#[test]
fn a_process_that_was_stopped_over_its_deadline_says_so() {
    let limited = Settings {
        last_departure: Some(ms(2100)),
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
