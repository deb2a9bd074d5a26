//! Findings as lines for people and as JSON for scripts.

use serde::Serialize;

use super::finding::{Finding, Severity};

/// Wide enough for the longest name of a check.
const NAME: usize = 16;
/// Wide enough for the longest word of a severity.
const WORD: usize = 8;

/// The findings, one line each, with what follows and what to do below those that need it, then one
/// line with the sum.
pub(super) fn lines(findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in findings {
        lines.push(format!(
            "{:WORD$} {:NAME$} {}",
            finding.severity.as_str(),
            finding.check,
            crate::exit::one_line(&finding.found)
        ));
        let indent = " ".repeat(WORD + NAME + 2);
        if !finding.consequence.is_empty() {
            lines.push(format!("{indent}-> {}", finding.consequence));
        }
        if let Some(remedy) = &finding.remedy {
            lines.push(format!("{indent}$  {}", crate::exit::one_line(remedy)));
        }
    }
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    lines.push(format!(
        "{} checks: ok {}, note {}, warning {}, failure {}",
        findings.len(),
        count(Severity::Ok),
        count(Severity::Note),
        count(Severity::Warning),
        count(Severity::Failure)
    ));
    lines
}

/// The findings in the form that scripts read.
pub(super) fn json(findings: &[Finding]) -> Printed<'_> {
    Printed {
        schema: 1,
        findings: findings.iter().map(PrintedFinding::from).collect(),
    }
}

/// What `doctor --json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Printed<'a> {
    schema: u32,
    findings: Vec<PrintedFinding<'a>>,
}

#[derive(Debug, Serialize)]
struct PrintedFinding<'a> {
    check: &'a str,
    severity: &'a str,
    found: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    consequence: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
}

impl<'a> From<&'a Finding> for PrintedFinding<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            check: finding.check,
            severity: finding.severity.as_str(),
            found: &finding.found,
            consequence: &finding.consequence,
            remedy: finding.remedy.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> [Finding; 2] {
        [
            Finding::ok("sockets", "datagram"),
            Finding::warning(
                "receive_buffer",
                "too\nsmall",
                "replies are lost",
                "sysctl -w x=1",
            ),
        ]
    }

    #[test]
    fn what_needs_mending_has_its_consequence_and_its_command_below_it() {
        assert_eq!(
            lines(&findings()),
            [
                "ok       sockets          datagram",
                "warning  receive_buffer   too small",
                "                          -> replies are lost",
                "                          $  sysctl -w x=1",
                "2 checks: ok 1, note 0, warning 1, failure 0",
            ]
        );
    }

    #[test]
    fn scripts_get_the_same_as_json_without_empty_keys() {
        let json = serde_json::to_value(json(&findings())).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"schema": 1, "findings": [
                {"check": "sockets", "severity": "ok", "found": "datagram"},
                {"check": "receive_buffer", "severity": "warning", "found": "too\nsmall",
                 "consequence": "replies are lost", "remedy": "sysctl -w x=1"},
            ]})
        );
    }
}
