//! Which tests of a plan are done in a slot: the one function that answers a plan request and that tells, months
//! later, what was expected.

use ippm::UnixTime;
use ippm::plan::{self, Plan, Test};

use crate::plan::window::{WindowError, Windows};

/// A plan whose windows are understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    plan: Plan,
    windows: Vec<Windows>,
}

/// A test of a plan and its windows.
#[derive(Debug, Clone, Copy)]
pub struct ResolvedTest<'a> {
    test: &'a Test,
    windows: &'a Windows,
}

impl Resolved {
    /// Reads the windows of `plan`.
    ///
    /// # Errors
    ///
    /// [`WindowError`] of the first that is none.
    pub fn new(plan: Plan) -> Result<Self, WindowError> {
        let windows = plan
            .tests
            .iter()
            .map(|test| Windows::parse(&test.windows))
            .collect::<Result<_, _>>()?;
        Ok(Self { plan, windows })
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its tests.
    pub fn tests(&self) -> impl Iterator<Item = ResolvedTest<'_>> {
        let tests = self.plan.tests.iter().zip(&self.windows);
        tests.map(|(test, windows)| ResolvedTest { test, windows })
    }

    /// The tests that a plan request for the slot at `slot_start` is answered with: those without a window, and
    /// those of which a window is open when the slot begins.
    pub fn open(&self, slot_start: UnixTime) -> impl Iterator<Item = &Test> {
        self.tests()
            .filter(move |test| test.windows.is_open(slot_start))
            .map(|test| test.test)
    }

    /// Whether `test`, one of this plan's, is among [`Resolved::open`].
    #[must_use]
    pub fn is_open(&self, test: &Test, slot_start: UnixTime) -> bool {
        self.open(slot_start).any(|open| std::ptr::eq(open, test))
    }

    /// The tests that the probe has to do in the slot at `slot_start`: of the open ones those that are due.
    pub fn due(&self, slot_start: UnixTime) -> impl Iterator<Item = &Test> {
        self.open(slot_start)
            .filter(move |test| plan::is_due(slot_start, test.period))
    }
}

impl<'a> ResolvedTest<'a> {
    /// The test.
    #[must_use]
    pub fn test(self) -> &'a Test {
        self.test
    }

    /// When it is done.
    #[must_use]
    pub fn windows(self) -> &'a Windows {
        self.windows
    }
}
