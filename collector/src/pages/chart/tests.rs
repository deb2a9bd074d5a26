use std::time::Duration;

use super::*;

const START: i64 = 1_795_219_200_000_000_000;

fn at(minutes: u64) -> UnixTime {
    UnixTime::from_ns(START).saturating_add(Duration::from_mins(minutes))
}

fn step(index: u64, p50_us: Option<u64>, lost: u64) -> Step {
    let delay = p50_us.map(|us| Delay {
        min: us * 900,
        p5: us * 920,
        p25: us * 960,
        p50: us * 1000,
        p75: us * 1050,
        p95: us * 1200,
        p99: us * 1500,
        max: us * 4000,
    });
    #[expect(clippy::cast_precision_loss, reason = "at most 280")]
    let packets = Packets {
        sent: Some(280),
        lost: Some(lost),
        ratio: lost as f64 / 280.0,
    };
    Step {
        from: at(index * 5),
        to: at(index * 5 + 5),
        delay,
        packets: Some(packets),
        class: Some(Gravest {
            class: if lost == 280 { Class::Down } else { Class::Ok },
            count: 1,
            of: 1,
        }),
        in_maintenance: false,
        link: None,
    }
}

fn svg(steps: &[Step]) -> String {
    let chart = Chart::new("a", "ams1 → <lon\"1>", at(0), at(steps.len() as u64 * 5), steps).unwrap();
    chart.render().unwrap()
}

#[test]
fn the_numbers_of_a_step_are_there_and_names_are_escaped() {
    let svg = svg(&[step(0, Some(420), 1), step(1, Some(430), 0)]);
    assert!(
        svg.contains("median 0.420 ms, p95 0.504, p99 0.630, floor 0.378, max 1.68"),
        "{svg}"
    );
    assert!(svg.contains("loss 0.36 % (1 of 280 packets)"), "{svg}");
    assert!(!svg.contains("<lon"), "{svg}");
    assert!(!svg.contains("style="), "{svg}");
}

#[test]
fn a_hole_breaks_the_smoke_and_is_hatched() {
    let silent = Step {
        delay: None,
        packets: None,
        class: Some(Gravest {
            class: Class::ProbeMissing,
            count: 1,
            of: 1,
        }),
        ..step(1, None, 0)
    };
    let drawing = Drawing::new(
        at(0),
        at(15),
        &[step(0, Some(400), 0), silent, step(2, Some(400), 0)],
    )
    .unwrap();
    assert_eq!(drawing.median.matches('M').count(), 2, "{}", drawing.median);
    assert_eq!(drawing.silent.len(), 1);
    assert_eq!(drawing.classes.len(), 3);
}

#[test]
fn nothing_received_is_a_mark_without_smoke() {
    let drawing = Drawing::new(at(0), at(10), &[step(0, None, 280), step(1, Some(400), 0)]).unwrap();
    let bar = &drawing.bars[0];
    assert_eq!((bar.class.as_str(), drawing.bars.len()), ("l8", 1));
    assert!(bar.height > 70.0, "{bar:?}");
    assert_eq!(drawing.silent, []);
    assert_eq!(drawing.median.matches('M').count(), 1);
}

#[test]
fn one_lost_packet_of_thousands_is_seen() {
    let mut lossy = step(0, Some(400), 0);
    lossy.packets = Some(Packets {
        sent: Some(100_000),
        lost: Some(1),
        ratio: 1e-5,
    });
    let drawing = Drawing::new(at(0), at(5), &[lossy]).unwrap();
    assert!(drawing.bars[0].height >= 1.0);
    assert_eq!(drawing.marks[0].class, "l1");
}

#[test]
fn one_wild_step_does_not_flatten_the_others_and_is_marked() {
    let steps: Vec<Step> = (0..20).map(|index| step(index, Some(400), 0)).collect();
    let mut wild = steps.clone();
    wild[7].delay.as_mut().unwrap().p99 = 900_000_000;
    let drawing = Drawing::new(at(0), at(100), &wild).unwrap();
    assert_eq!(drawing.clipped.len(), 1);
    assert!(drawing.delays.last().unwrap().text.parse::<f64>().unwrap() < 5.0);
    assert_eq!(Drawing::new(at(0), at(100), &steps).unwrap().clipped, []);
}

#[test]
fn quiet_neighbors_are_one_rectangle() {
    let steps: Vec<Step> = (0..144).map(|index| step(index, Some(400), 0)).collect();
    let drawing = Drawing::new(at(0), at(720), &steps).unwrap();
    assert_eq!(drawing.classes.len(), 1);
    assert_eq!(drawing.columns.len(), 144);
}

#[test]
fn a_chart_of_nothing_still_has_its_axes() {
    let drawing = Drawing::new(at(0), at(60), &[]).unwrap();
    assert!(!drawing.times.is_empty() && !drawing.delays.is_empty());
    assert!(Chart::new("a", "t", at(5), at(5), &[]).is_none());
}
