//! Every pair at a glance, over one window.

use crate::report::accounting::Account;
use crate::report::figures::Figures;
use crate::report::latest::Standing;
use crate::report::selection::{Filter, Subject, Window};
use crate::report::view::Freshness;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixQuestion {
    /// Over which time.
    pub window: Window,
    /// Of whom.
    pub filter: Filter,
    /// Whether percentiles are wanted; without them the answer comes faster.
    pub with_percentiles: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// What it covers.
    pub window: Window,
    /// One for each subject that was expected or measured, ascending: a silent pair is there too.
    pub entries: Vec<MatrixEntry>,
    /// How old it is.
    pub freshness: Freshness,
}

/// One subject in the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixEntry {
    /// Which one.
    pub subject: Subject,
    /// What was measured in the window; `None` if nothing was.
    pub figures: Option<Figures>,
    /// What was expected in the window, by class.
    pub account: Account,
    /// How it stands now.
    pub standing: Standing,
}

/// By what pairs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Round-trip loss ratio.
    Loss,
    /// Median of the round-trip delay.
    Median,
    /// 95th percentile of the round-trip delay.
    P95,
    /// 99th percentile of the round-trip delay.
    P99,
    /// 99.9th percentile of the packet delay variation.
    Pdv,
    /// Mean absolute round-trip IPDV.
    Ipdv,
}
