//! The page `/sla`: the statement of a month, made to be printed.

use askama::Template;
use ippm::UnixTime;

use crate::pages::choice::SlaChoice;
use crate::pages::layout::{Age, Section, Shell};
use crate::pages::{format, link};
use crate::report::sla::profile::Profile;
use crate::report::sla::statement::Statement;
use crate::statement::html::Fragment;

/// The page.
#[derive(Debug, Template)]
#[template(path = "sla.html")]
pub struct SlaPage {
    shell: Shell,
    month: String,
    zone: String,
    sites: String,
    profiles: Vec<ProfileOption>,
    statement: Option<Fragment>,
    /// The query of the same statement in other forms.
    query: String,
}

#[derive(Debug)]
struct ProfileOption {
    name: String,
    text: String,
    is_chosen: bool,
}

impl SlaPage {
    /// The page of `statement`, or the form alone if none was asked for.
    #[must_use]
    pub fn new(
        choice: &SlaChoice,
        profiles: &[Profile],
        statement: Option<&Statement>,
        now: UnixTime,
        is_synthetic: bool,
    ) -> Self {
        let sites = choice.sites.join(", ");
        let month = choice.month.clone().unwrap_or_else(|| last_month(now));
        let option = |profile: &Profile| ProfileOption {
            name: profile.name.clone(),
            text: match profile.title.as_str() {
                "" => profile.name.clone(),
                title => format!("{title} ({})", profile.name),
            },
            is_chosen: profile.name == choice.profile,
        };
        Self {
            shell: Shell {
                is_synthetic,
                age: statement.map(|statement| Age {
                    now,
                    newest: Some(statement.period.to),
                    words: "Data end",
                }),
                ..Shell::plain("SLA statement", Section::Sla)
            },
            query: query(choice, &month),
            month,
            zone: choice.zone.clone(),
            sites,
            profiles: profiles.iter().map(option).collect(),
            statement: statement.map(Fragment::of),
        }
    }
}

/// The month before the one of `now`, in UTC.
fn last_month(now: UnixTime) -> String {
    let day: u64 = format::strftime(now, "%d").parse().unwrap_or(1);
    let before = now.saturating_sub(std::time::Duration::from_hours(24 * day));
    format::strftime(before, "%Y-%m")
}

/// The same statement from the interface, which takes each site by itself.
fn query(choice: &SlaChoice, month: &str) -> String {
    let mut parameters = vec![
        ("month", month),
        ("tz", choice.zone.as_str()),
        ("profile", choice.profile.as_str()),
    ];
    parameters.extend(choice.sites.iter().map(|site| ("site", site.as_str())));
    link::query(&parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture::NOW;

    fn page(query: &[(&str, &str)]) -> String {
        let query: Vec<(String, String)> = query
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        let choice = SlaChoice::parse(&query).unwrap();
        SlaPage::new(&choice, &[], None, NOW, false).render().unwrap()
    }

    #[test]
    fn without_a_month_the_last_one_is_offered_and_nothing_computed() {
        let html = page(&[]);
        assert!(
            html.contains("value=\"2026-10\"") && html.contains("value=\"UTC\""),
            "{html}"
        );
    }

    #[test]
    fn what_was_chosen_stays_in_the_form_and_is_escaped() {
        let html = page(&[
            ("month", "2026-\"><b>"),
            ("sites", "AMS, LON"),
            ("tz", "Europe/Rome"),
        ]);
        assert!(
            html.contains("AMS, LON") && html.contains("Europe/Rome"),
            "{html}"
        );
        assert!(!html.contains("\"><b>"), "{html}");
    }

    #[test]
    fn the_last_month_of_any_day_is_the_one_before() {
        for (time, month) in [
            ("2026-01-01T00:00:00Z", "2025-12"),
            ("2026-03-31T23:59:59Z", "2026-02"),
            ("2026-11-21T06:45:10Z", "2026-10"),
        ] {
            assert_eq!(last_month(ippm::wire::time::parse(time).unwrap()), month);
        }
    }
}
