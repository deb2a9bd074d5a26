//! The chart of one direction of a pair: smoke graph, loss, delay variation and classes over one axis of time.
//!
//! Axes and their ticks come from `plotters`; what is drawn is SVG of our own with classes instead of colors, so that
//! one style sheet serves light, dark and print, and the page needs no inline style.

pub mod axis;
mod draw;

use askama::Template;
use askama::filters::HtmlSafe;
use ippm::UnixTime;
use ippm::class::Class;

use crate::pages::chart::draw::Drawing;

/// Most steps of one chart: more would be narrower than a pixel.
pub const MAX_STEPS: usize = 1000;

/// One step of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its start.
    pub from: UnixTime,
    /// Its end.
    pub to: UnixTime,
    /// The delays in it; `None` if there is none.
    pub delay: Option<Delay>,
    /// The packets in it; `None` if none was sent.
    pub packets: Option<Packets>,
    /// What its expected results became: the gravest class and how many of how many have it; `None` if none was
    /// expected.
    pub class: Option<Gravest>,
    /// Whether announced work touched it.
    pub in_maintenance: bool,
    /// Where its rounds are listed, relative to the page; `None` for a step too long to be listed.
    pub link: Option<String>,
}

/// Quantiles of the delays of a step, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of quantiles say what they are")]
pub struct Delay {
    pub min: u64,
    pub p5: u64,
    pub p25: u64,
    pub p50: u64,
    pub p75: u64,
    pub p95: u64,
    pub p99: u64,
    pub max: u64,
}

/// Packets of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Packets {
    /// Packets sent; `None` if only ratios are known, as of the original's probes.
    pub sent: Option<u64>,
    /// Packets lost; `None` as above.
    pub lost: Option<u64>,
    /// Their ratio, 0 to 1.
    pub ratio: f64,
}

/// The gravest class of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gravest {
    /// The class.
    pub class: Class,
    /// Expected results with it.
    pub count: u64,
    /// Expected results.
    pub of: u64,
}

/// A chart.
#[derive(Debug, Template)]
#[template(path = "chart.svg")]
pub struct Chart {
    /// Distinguishes the charts of one page.
    id: String,
    title: String,
    about: String,
    drawing: Drawing,
}

impl HtmlSafe for Chart {}

impl Chart {
    /// The chart of `steps` over `[from, to)`; `None` if that is no time at all.
    ///
    /// `id` has to be unique on the page and may consist of letters and digits only. Steps beyond
    /// [`MAX_STEPS`] are left out.
    #[must_use]
    pub fn new(id: &str, title: &str, from: UnixTime, to: UnixTime, steps: &[Step]) -> Option<Self> {
        let steps = &steps[..steps.len().min(MAX_STEPS)];
        Some(Self {
            id: id.to_owned(),
            title: title.to_owned(),
            about: draw::about(steps),
            drawing: Drawing::new(from, to, steps)?,
        })
    }

    /// What it shows, in words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }
}

#[cfg(test)]
mod tests;
