//! The statement as a page asks for it.

use std::time::Duration;

use ippm::TestName;
use ippm::roster::Roster;

use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::pages::choice::SlaChoice;
use crate::report::directory::Directory;
use crate::report::selection::Window;
use crate::report::sla::gather::{self, Ground, NoRecord, Question, SlaError};
use crate::report::sla::statement::{Period, Statement};
use crate::routes::pages::ask;
use crate::routes::read;

/// How long a statement may take: that of a month and of a whole mesh reads a million cells.
const MOST: Duration = Duration::from_mins(1);

/// The statement, if a month was chosen, and whether it is about synthetic history.
pub(super) async fn statement(
    context: &Context,
    choice: &SlaChoice,
) -> Result<(Option<Statement>, bool), ApiError> {
    let Some(month) = &choice.month else {
        return Ok((None, false));
    };
    let bad = |problem: String| ApiError::new(Code::BadQuery, problem);
    let now = context.clock.now();
    let period = Period::month(month, &choice.zone, now).map_err(|error| bad(error.to_string()))?;
    let profile = context
        .config
        .sla
        .iter()
        .find(|profile| profile.name == choice.profile);
    let profile = profile.ok_or_else(|| bad(format!("no profile is called {:?}", choice.profile)))?;
    let loaded = context.watch.loaded();
    let Some(roster) = loaded.roster.as_deref() else {
        return Err(ApiError::new(
            Code::RosterUnavailable,
            "there is no roster yet, so there is nothing to state",
        ));
    };
    let question = Question {
        period,
        profile: profile.clone(),
        sites: choice.sites.clone(),
        source: None,
        target: None,
        family: None,
        test: TestName::icmp(),
    };
    let statement = gathered(context, roster, &question, now);
    match tokio::time::timeout(MOST, statement).await {
        Ok(Ok((statement, is_synthetic))) => Ok((Some(statement), is_synthetic)),
        Ok(Err(error @ (SlaError::Store(_) | SlaError::History(_)))) => {
            Err(read::unavailable(context, &error))
        }
        Ok(Err(error)) => Err(bad(error.to_string())),
        Err(_) => Err(read::unavailable(context, &"the time limit is over")),
    }
}

async fn gathered(
    context: &Context,
    roster: &Roster,
    question: &Question,
    now: ippm::UnixTime,
) -> Result<(Statement, bool), SlaError> {
    let directory = Directory::of(roster);
    let ground = Ground {
        directory: &directory,
        roster,
        loads: &[],
        legacy_period: context.config.legacy.period,
        raw_retention: context.config.retention.raw,
        hour_retention: context.config.retention.hour,
        now,
    };
    let statement = gather::read(&*context.store, &ground, question, &mut NoRecord).await?;
    let is_synthetic = match Window::new(question.period.from, question.period.to) {
        Ok(window) => ask::is_synthetic(context, None, window, Some(window.to())).await?,
        Err(_) => false,
    };
    Ok((statement, is_synthetic))
}
