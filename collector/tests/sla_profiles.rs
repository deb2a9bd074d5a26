//! SLA profiles as an operator writes them.
#![cfg(test)]

use std::time::Duration;

use collector::config::Config;
use collector::config::layer::{Fault, Sources};
use collector::report::sla::profile::{AvailabilityForm, DelayTarget, Profile, Quantile};
use ippm::limit::LossLimit;

fn profiles(text: &str, environment: &[(&str, &str)]) -> Result<Vec<Profile>, Vec<Fault>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("collector.toml");
    std::fs::write(&file, text).unwrap();
    let sources = Sources {
        file: Some(&file),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        flags: Vec::new(),
    };
    Config::load(&sources).map(|config| config.sla)
}

#[test]
fn a_profile_has_what_it_leaves_out_from_the_default_one() {
    let text = "[sla.default]\nwindow = 6\n[sla.gold]\ntitle = \"Gold\"\ntarget_availability = \"99.95%\"\n\
                target_delay = \"5ms\"\ntarget_delay_percentile = \"p99.9\"\navailability_form = \"downtime\"\n";
    let profiles = profiles(text, &[]).unwrap();
    let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(names, ["default", "gold"]);
    let gold = &profiles[1];
    assert_eq!((gold.window, gold.threshold.as_ppm()), (6, 500_000));
    assert_eq!(
        (gold.title.as_str(), gold.form),
        ("Gold", AvailabilityForm::Downtime)
    );
    assert_eq!(gold.targets.unavailability, LossLimit::from_ppm(500).ok());
    let delay = DelayTarget {
        quantile: Quantile::P999,
        limit: Duration::from_millis(5),
    };
    assert_eq!(gold.targets.delay, Some(delay));
    assert_eq!(gold.targets.loss, None);
}

#[test]
fn the_environment_reaches_a_profile_too() {
    let profiles = profiles("", &[("IXPQOS_SLA__DEFAULT__TARGET_LOSS", "0.05%")]).unwrap();
    assert_eq!(profiles[0].targets.loss, LossLimit::from_ppm(500).ok());
}

#[test]
fn faults_of_a_profile_are_named_with_their_path() {
    let text = "[sla.gold]\nwindow = 0\ntarget_loss = \"lots\"\nlos = 1\n[sla.\"Very Bold\"]\nwindow = 3\n";
    let faults = profiles(text, &[]).unwrap_err();
    let mut paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "sla.Very Bold",
            "sla.gold.los",
            "sla.gold.target_loss",
            "sla.gold.window"
        ]
    );
}
