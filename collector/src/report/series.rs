//! One subject over time, in points a step apart.

use ippm::UnixTime;

use crate::report::accounting::Account;
use crate::report::figures::Figures;
use crate::report::selection::{Step, Subject, Window};
use crate::report::view::Freshness;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuestion {
    /// Of what.
    pub subject: Subject,
    /// Over which time. Points that it cuts are given whole.
    pub window: Window,
    /// How far apart points begin; `None`: [`Step::suiting`] the window.
    pub step: Option<Step>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Of what.
    pub subject: Subject,
    /// What it covers: the window that was asked for, widened to whole points.
    pub window: Window,
    /// How far apart points begin.
    pub step: Step,
    /// Points of which anything was expected or measured, ascending. What is not there was not measured: nothing is
    /// interpolated.
    pub points: Vec<Point>,
    /// How old it is.
    pub freshness: Freshness,
}

/// What became of the slots that begin in one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its first instant.
    pub start: UnixTime,
    /// What was measured; `None` if nothing was.
    pub figures: Option<Figures>,
    /// What was expected, by class, with the overlays.
    pub account: Account,
}
