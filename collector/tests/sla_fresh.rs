//! A statement does not depend on whether the cells of its hours are made yet.
#![cfg(test)]

mod support {
    #[expect(dead_code, reason = "shared with other tests, each of which uses a part")]
    pub(crate) mod reports;
    #[expect(dead_code, reason = "shared with other tests, each of which uses a part")]
    pub(crate) mod sla_story;
}

use std::time::Duration;

use collector::metrics::Metrics;
use collector::report::sla::statement::Statement;
use collector::rollup::Rollup;
use collector::rollup::mark::Marks;
use collector::statement::{csv, html, json, text};
use ippm::cell::DAY;

use support::sla_story::{Kept, ROSTER, Round, Story, at, outage, outage_without_cells, packets, question};

fn every_form(statement: &Statement) -> [String; 4] {
    [
        json::Document::of(statement).write().unwrap(),
        csv::write(statement),
        text::write(statement),
        html::write(statement).unwrap(),
    ]
}

/// Makes every cell, as the collector does in the background.
async fn pass(story: &Story) -> u64 {
    let metrics = Metrics::default();
    let rollup = Rollup {
        store: &story.store,
        marks: &Marks::default(),
        metrics: &metrics,
    };
    rollup.pass(at("15:00:00"), DAY).await.unwrap();
    metrics.cells_written.get()
}

/// Checks that the statement does not change when cells are made, and that some were.
async fn check(story: &Story) -> Statement {
    let before = story.state().await;
    assert!(0 < pass(story).await, "cells were still to be made");
    let after = story.state().await;
    assert_eq!(every_form(&before), every_form(&after));
    assert_eq!(before, after);
    after
}

#[actix_web::test]
async fn a_statement_before_the_first_cell_is_the_one_after_it() {
    let statement = check(&outage_without_cells().await).await;
    assert_eq!(
        every_form(&statement),
        every_form(&outage().await.state().await),
        "and the one over cells from the beginning"
    );
}

#[actix_web::test]
async fn results_that_came_after_their_cell_count() {
    let story = Story::new(ROSTER);
    story.plan("ams1", "lon1").await;
    let rounds = |lost: usize| move |_: &str| Round::Measured(packets("1", move |at| at < lost));
    story
        .rounds("ams1", "lon1", "10:00:00", "12:30:00", rounds(0))
        .await;
    pass(&story).await;
    // The rest of an hour that is cut, and an hour without a cell.
    story
        .rounds("ams1", "lon1", "12:30:00", "14:00:00", rounds(1))
        .await;
    story.maintenance("12:02:00", "12:12:00").await;
    let statement = check(&story).await;
    let figures = &statement.pairs[0].figures;
    assert_eq!(
        (figures.accounting.all.expected, figures.accounting.all.measured),
        (48, 48)
    );
    assert_eq!(figures.including.loss.part(), 18);
}

#[actix_web::test]
async fn a_marker_that_a_measured_result_supersedes_does_not_count() {
    let story = Story::new(ROSTER);
    story.plan("ams1", "lon1").await;
    let whole = ("10:00:00", "14:00:00");
    let unmeasured = |_: &str| Round::Unmeasured;
    story.rounds("ams1", "lon1", whole.0, whole.1, unmeasured).await;
    pass(&story).await;
    let measured = |_: &str| Round::Measured(packets("1", |at| at == 3));
    story
        .rounds("ams1", "lon1", "11:05:00", "11:10:00", measured)
        .await;
    // The hour had a result for each of its slots before: only its number of results tells.
    let statement = check(&story).await;
    let all = statement.pairs[0].figures.accounting.all;
    assert_eq!((all.measured, all.unmeasured, all.missing()), (1, 47, 0));
}

#[actix_web::test]
async fn a_renamed_probe_is_no_exception() {
    let renamed = ROSTER.replace(r#""name":"lon1""#, r#""name":"lon1","alias":["lon-old"]"#);
    let story = Story::new(&renamed);
    story.plan("ams1", "lon1").await;
    story.plan("lon1", "ams1").await;
    let round = |_: &str| Round::Measured(packets("1", |at| at == 0));
    for (source, target) in [("ams1", "lon-old"), ("lon-old", "ams1")] {
        story.rounds(source, target, "10:00:00", "12:30:00", round).await;
    }
    for (source, target) in [("ams1", "lon1"), ("lon1", "ams1")] {
        story.rounds(source, target, "12:30:00", "14:00:00", round).await;
    }
    let statement = check(&story).await;
    for pair in &statement.pairs {
        assert_eq!(pair.figures.accounting.all.measured, 48);
        assert_eq!(pair.figures.including.loss.part(), 48);
    }
}

#[actix_web::test]
async fn where_results_have_expired_cells_are_what_there_is() {
    let story = Story::new(ROSTER);
    story.plan("ams1", "lon1").await;
    let round = |_: &str| Round::Measured(packets("1", |_| false));
    story.rounds("ams1", "lon1", "10:00:00", "10:30:00", round).await;
    pass(&story).await;
    story.rounds("ams1", "lon1", "10:30:00", "14:00:00", round).await;
    for (hours, measured) in [(5, 48), (2, 6 + 12)] {
        let kept = Kept {
            rows: Duration::from_hours(hours),
            ..Kept::EVERYTHING
        };
        let statement = story.ask(&question(), kept, &[]).await.unwrap();
        let all = statement.pairs[0].figures.accounting.all;
        assert_eq!(all.measured, measured, "{hours} h");
        // The reports came, whatever became of what was in them.
        assert_eq!(all.left_out, 48 - measured, "{hours} h");
    }
}
