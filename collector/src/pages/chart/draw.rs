//! Where everything of a chart lies.

use std::fmt::Write as _;

use ippm::UnixTime;
use ippm::class::Class;
use plotters::coord::types::RangedCoordf64;

use crate::pages::chart::axis::{self, LossAxis, Tick, TimeAxis, place};
use crate::pages::chart::{Delay, Step};
use crate::pages::format;
use crate::pages::heat::Scale;

/// Left and right end of all panels.
const X: (i32, i32) = (46, 712);
/// Foot and head of the panel of delays; places grow downwards.
const RTT: (i32, i32) = (236, 26);
/// The lane of marks of loss below it.
const MARKS: (i32, i32) = (247, 239);
/// Foot and head of the panel of loss.
const LOSS: (i32, i32) = (344, 272);
/// Foot and head of the panel of variation.
const PDV: (i32, i32) = (434, 370);
/// The lane of classes.
const CLASSES: (i32, i32) = (470, 458);
const MOST_TIMES: usize = 8;
/// Smoke above this many times the usual 95th percentile is cut off and marked, so that one step does not flatten
/// all others.
const CLIP: u64 = 6;

/// A drawing, ready for the template.
#[derive(Debug)]
pub(crate) struct Drawing {
    pub(crate) times: Vec<Tick>,
    pub(crate) delays: Vec<Tick>,
    pub(crate) losses: Vec<Tick>,
    pub(crate) variations: Vec<Tick>,
    pub(crate) bands: [String; 3],
    pub(crate) median: String,
    pub(crate) floor: String,
    pub(crate) pdv99: String,
    pub(crate) pdv95: String,
    pub(crate) marks: Vec<Bar>,
    pub(crate) bars: Vec<Bar>,
    pub(crate) clipped: Vec<Bar>,
    pub(crate) classes: Vec<Bar>,
    pub(crate) maintenance: Vec<Bar>,
    pub(crate) silent: Vec<Bar>,
    pub(crate) columns: Vec<Column>,
}

/// A rectangle with a class of the style sheet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    pub(crate) class: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The whole height of one step, with what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) x: f64,
    pub(crate) width: f64,
    pub(crate) text: String,
    pub(crate) link: Option<String>,
}

/// Left end, right end, and what lies between.
type Piece<T> = (f64, f64, T);

impl Drawing {
    pub(crate) fn new(from: UnixTime, to: UnixTime, steps: &[Step]) -> Option<Self> {
        let time = TimeAxis::new(from, to)?;
        let pieces: Vec<Piece<&Step>> = steps
            .iter()
            .map(|step| (place(&time, &step.from, X), place(&time, &step.to, X), step))
            .filter(|(left, right, _)| left < right)
            .collect();
        let delays: Vec<Piece<Option<Delay>>> =
            pieces.iter().map(|(l, r, step)| (*l, *r, step.delay)).collect();
        let (low, high, clip) = extent(steps);
        let rtt = axis::delay(low, high);
        let pdv = axis::delay(0, widest(steps, clip));
        let y = |ns: u64| height(&rtt, ns.min(high), RTT);
        let v = |ns: u64| height(&pdv, ns, PDV);
        Some(Self {
            times: time.ticks(MOST_TIMES, X),
            delays: axis::delay_ticks(&rtt, 6, RTT),
            losses: LossAxis::ticks(LOSS),
            variations: axis::delay_ticks(&pdv, 3, PDV),
            bands: [
                band(&delays, |d| (y(d.min), y(d.p99))),
                band(&delays, |d| (y(d.p5), y(d.p95))),
                band(&delays, |d| (y(d.p25), y(d.p75))),
            ],
            median: line(&delays, |d| y(d.p50)),
            floor: line(&delays, |d| y(d.min)),
            pdv99: line(&delays, |d| v((d.p99 - d.min).min(widest(steps, clip)))),
            pdv95: line(&delays, |d| v((d.p95 - d.min).min(widest(steps, clip)))),
            marks: bars(&pieces, lost, |_| MARKS),
            bars: bars(&pieces, lost, |step| (LOSS.0, loss_head(step))),
            clipped: bars(&pieces, |step| over(step, high), |_| (RTT.1 + 4, RTT.1)),
            classes: bars(&pieces, class, |_| CLASSES),
            maintenance: bars(
                &pieces,
                |step| step.in_maintenance.then(|| "maint".to_owned()),
                |_| (CLASSES.0 + 5, CLASSES.0 + 1),
            ),
            silent: bars(
                &pieces,
                |step| {
                    (step.delay.is_none() && step.packets.is_none() && step.class.is_some()).then(String::new)
                },
                |_| RTT,
            ),
            columns: pieces
                .iter()
                .map(|(left, right, step)| Column {
                    x: *left,
                    width: right - left,
                    text: tip(step),
                    link: step.link.clone(),
                })
                .collect(),
        })
    }
}

/// What a screen reader says of the whole chart.
pub(crate) fn about(steps: &[Step]) -> String {
    let medians: Vec<u64> = steps
        .iter()
        .filter_map(|step| step.delay)
        .map(|delay| delay.p50)
        .collect();
    let mut text = match (medians.iter().min(), medians.iter().max()) {
        (Some(low), Some(high)) => format!(
            "Median of the round-trip delay between {} and {} ms. ",
            format::ms(*low),
            format::ms(*high)
        ),
        _ => "No delays. ".to_owned(),
    };
    let lossy = steps.iter().filter(|step| lost(step).is_some()).count();
    // Writing into a String cannot fail.
    let _ = write!(text, "Loss in {lossy} of {} steps.", steps.len());
    text
}

/// Lowest and highest delay of the axis, and the limit of smoke.
fn extent(steps: &[Step]) -> (u64, u64, u64) {
    let delays = || steps.iter().filter_map(|step| step.delay);
    let mut usual: Vec<u64> = delays().map(|delay| delay.p95).collect();
    usual.sort_unstable();
    let limit = usual
        .get(usual.len() / 2)
        .map_or(u64::MAX, |middle| middle.saturating_mul(CLIP));
    // A median is never cut off: a path that became long is no outlier.
    let medians = delays().map(|delay| delay.p50).max().unwrap_or(1_000_000);
    let high = delays().map(|delay| delay.p99).max().unwrap_or(1_000_000);
    let low = delays().map(|delay| delay.min).min().unwrap_or(0);
    let high = high.min(limit.max(medians.saturating_add(medians / 4))).max(1000);
    (low.min(high), high, limit)
}

fn widest(steps: &[Step], limit: u64) -> u64 {
    let widths = steps
        .iter()
        .filter_map(|step| step.delay)
        .map(|delay| delay.p99.saturating_sub(delay.min));
    widths.max().unwrap_or(1_000_000).min(limit).max(1000)
}

#[expect(clippy::cast_precision_loss, reason = "places on a screen need no 53 bits")]
fn height(axis: &RangedCoordf64, ns: u64, units: (i32, i32)) -> f64 {
    place(axis, &(ns as f64 / 1e6), units)
}

/// A band between two heights as one path: even over each step, broken where there is nothing.
fn band(pieces: &[Piece<Option<Delay>>], heights: impl Fn(&Delay) -> (f64, f64)) -> String {
    let mut path = String::new();
    for run in runs(pieces) {
        let mut lower = String::new();
        for (at, (left, right, delay)) in run.iter().enumerate() {
            let _ = write!(
                path,
                "{}{left} {}H{right}",
                if at == 0 { "M" } else { "L" },
                heights(delay).1
            );
        }
        for (left, right, delay) in run.iter().rev() {
            let _ = write!(lower, "L{right} {}H{left}", heights(delay).0);
        }
        path.push_str(&lower);
        path.push('Z');
    }
    path
}

/// A line of steps as one path.
fn line(pieces: &[Piece<Option<Delay>>], height: impl Fn(&Delay) -> f64) -> String {
    let mut path = String::new();
    for run in runs(pieces) {
        for (at, (left, right, delay)) in run.iter().enumerate() {
            let _ = if at == 0 {
                write!(path, "M{left} {}H{right}", height(delay))
            } else {
                write!(path, "V{}H{right}", height(delay))
            };
        }
    }
    path
}

/// Neighbors with delays, without a hole between them.
fn runs(pieces: &[Piece<Option<Delay>>]) -> Vec<Vec<Piece<Delay>>> {
    let mut runs: Vec<Vec<Piece<Delay>>> = Vec::new();
    for (left, right, delay) in pieces {
        let Some(delay) = delay else { continue };
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|(_, end, _)| (end - left).abs() < 1e-6) => {
                run.push((*left, *right, *delay));
            }
            _ => runs.push(vec![(*left, *right, *delay)]),
        }
    }
    runs
}

fn bars(
    pieces: &[Piece<&Step>],
    class: impl Fn(&Step) -> Option<String>,
    units: impl Fn(&Step) -> (i32, i32),
) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for (left, right, step) in pieces {
        let Some(class) = class(step) else { continue };
        let (foot, head) = units(step);
        let bar = Bar {
            class,
            x: *left,
            y: f64::from(head),
            width: right - left,
            height: f64::from(foot - head),
        };
        // Neighbors that look alike are one rectangle: a quiet day is one, not 144.
        match bars.last_mut() {
            Some(last)
                if last.class == bar.class
                    && (last.y - bar.y).abs() < 1e-6
                    && (last.x + last.width - bar.x).abs() < 1e-6 =>
            {
                last.width = right - last.x;
            }
            _ => bars.push(bar),
        }
    }
    bars
}

fn lost(step: &Step) -> Option<String> {
    let ratio = step.packets?.ratio;
    (ratio > 0.0).then(|| format!("l{}", Scale::loss().level(ratio)))
}

#[expect(clippy::cast_possible_truncation, reason = "a place of the drawing")]
fn loss_head(step: &Step) -> i32 {
    let ratio = step.packets.map_or(0.0, |packets| packets.ratio);
    // At least one unit: a loss that is there is seen.
    (place(&LossAxis, &ratio, LOSS).round() as i32).min(LOSS.0 - 1)
}

fn over(step: &Step, high: u64) -> Option<String> {
    step.delay
        .is_some_and(|delay| delay.p99 > high)
        .then(|| "clip".to_owned())
}

fn class(step: &Step) -> Option<String> {
    step.class.map(|gravest| format!("c-{}", gravest.class))
}

/// What a step says when it is pointed at.
fn tip(step: &Step) -> String {
    let mut text = format!("{} to {}", format::minute(step.from), format::minute(step.to));
    if let Some(delay) = step.delay {
        let _ = write!(
            text,
            "\nmedian {} ms, p95 {}, p99 {}, floor {}, max {}",
            format::ms(delay.p50),
            format::ms(delay.p95),
            format::ms(delay.p99),
            format::ms(delay.min),
            format::ms(delay.max)
        );
    }
    if let Some(packets) = step.packets {
        let _ = write!(text, "\nloss {} %", format::percent(packets.ratio));
        if let (Some(lost), Some(sent)) = (packets.lost, packets.sent) {
            let _ = write!(
                text,
                " ({} of {} packets)",
                format::count(lost),
                format::count(sent)
            );
        }
    }
    match step.class {
        Some(gravest) if gravest.class == Class::Ok => {
            let _ = write!(text, "\n{} results, all ok", gravest.of);
        }
        Some(gravest) => {
            let _ = write!(
                text,
                "\n{} of {} results {}",
                gravest.count, gravest.of, gravest.class
            );
        }
        None => text.push_str("\nno result expected"),
    }
    if step.in_maintenance {
        text.push_str("\nmaintenance");
    }
    text
}
