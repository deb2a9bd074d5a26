//! What one check says: what was found, what follows from it, and the command that mends it.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// As it should be.
    Ok,
    /// Nothing to mend, but good to know; or nothing could be found out.
    Note,
    /// Rounds run, and their numbers may describe this host instead of the path.
    Warning,
    /// No round is measured or delivered like this.
    Failure,
}

impl Severity {
    /// The word that is printed.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// What one check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The check: a word that scripts may rely on.
    pub(crate) check: &'static str,
    pub(crate) severity: Severity,
    /// What was found.
    pub(crate) found: String,
    /// What follows from it for a measurement; empty if nothing does.
    pub(crate) consequence: String,
    /// The command that mends it, or what else to do; none if nothing is to be done.
    pub(crate) remedy: Option<String>,
    is_permission: bool,
}

impl Finding {
    /// The check that opens the sockets.
    pub(crate) const SOCKETS: &'static str = "sockets";

    /// As it should be.
    pub(crate) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Severity::Ok, found.into(), String::new(), None)
    }

    /// Good to know.
    pub(crate) fn note(
        check: &'static str,
        found: impl Into<String>,
        consequence: impl Into<String>,
    ) -> Self {
        Self::new(check, Severity::Note, found.into(), consequence.into(), None)
    }

    /// Spoils what is measured.
    pub(crate) fn warning(
        check: &'static str,
        found: impl Into<String>,
        consequence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self::new(check, Severity::Warning, found.into(), consequence.into(), remedy)
    }

    /// Keeps a round from being measured or delivered.
    pub(crate) fn failure(
        check: &'static str,
        found: impl Into<String>,
        consequence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self::new(check, Severity::Failure, found.into(), consequence.into(), remedy)
    }

    /// The same finding, which is that a permission is missing.
    pub(crate) fn for_permission(self) -> Self {
        Self {
            is_permission: true,
            ..self
        }
    }

    /// Whether a permission is missing, which has an exit status of its own.
    pub(crate) fn is_permission(&self) -> bool {
        self.is_permission
    }

    fn new(
        check: &'static str,
        severity: Severity,
        found: String,
        consequence: String,
        remedy: Option<String>,
    ) -> Self {
        Self {
            check,
            severity,
            found,
            consequence,
            remedy,
            is_permission: false,
        }
    }
}
