//! What tasks achieve, measured on cities whose truth is known: each city is lived through twice more, once with a task for
//! everybody and once with none for anybody.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A city in which many leave, are found and are reached.
const CITY: [&str; 14] = [
    "rehearse",
    "--subscribers",
    "1500",
    "--warm-up-days",
    "30",
    "--days",
    "100",
    "--seed",
    "7",
    "--set=churn.scale=8",
    "--set=outcomes.reached_share=0.9",
    "--set=outcomes.campaign_reached_share=0.9",
    "--partitions",
    "1",
];

/// The comparison at 30 and at 60 days, if a share is held out and a talk keeps so many of those who would leave.
fn measured(folder: &Path, held_out: &str, kept: &str) -> [Value; 2] {
    let (rules, json) = (folder.join("rules.toml"), folder.join("report.json"));
    let text = format!(
        "[policy.hold_out]\nshare = {held_out}\nsalt = \"spring\"\n\
         [policy.score.task_at]\nkey = 0.0\nordinary = 0.0\nsmall = 0.0\n"
    );
    fs::write(&rules, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_churnwatch"))
        .args(CITY)
        .args(["--set", &format!("outcomes.kept_share={kept}"), "--force"])
        .arg("--config")
        .arg(&rules)
        .arg("--json")
        .arg(&json)
        .env_clear()
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    let total = &report["uplift"]["total"];
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("what tasks achieve"), "{printed}");
    [0, 1].map(|horizon| total[horizon].clone())
}

/// The share of a group that left.
fn left(comparison: &Value, group: &str) -> f64 {
    let count = |name: &str| comparison[group][name].as_f64().unwrap();
    assert!(count("left") + count("stayed") > 200.0, "{comparison}");
    count("left") / (count("left") + count("stayed"))
}

fn interval(comparison: &Value) -> (f64, f64) {
    let bound = |name: &str| comparison["difference"][name].as_f64().unwrap();
    (bound("low"), bound("high"))
}

#[test]
fn an_effect_of_known_size_is_found_within_its_interval() {
    let folder = tempfile::tempdir().unwrap();
    let found = measured(folder.path(), "0.5", "0.8");
    let nobody = measured(folder.path(), "1.0", "0.8");
    // Not zero, so that all are followed.
    let everybody = measured(folder.path(), "1e-9", "0.8");
    for horizon in [0, 1] {
        let truth = left(&nobody[horizon], "held_out") - left(&everybody[horizon], "with_task");
        let (low, high) = interval(&found[horizon]);
        println!("{truth:.3} in {low:.3} to {high:.3}: {}", found[horizon]);
        assert!(truth > 0.05, "tasks keep hardly anybody: {truth}");
        assert!((low..=high).contains(&truth), "{truth}: {}", found[horizon]);
        assert_eq!(found[horizon]["verdict"], "keeps");
    }
}

#[test]
fn where_a_talk_changes_no_mind_the_interval_holds_zero() {
    let folder = tempfile::tempdir().unwrap();
    for comparison in measured(folder.path(), "0.5", "0.0") {
        let (low, high) = interval(&comparison);
        println!("0 in {low:.3} to {high:.3}: {comparison}");
        assert!(
            left(&comparison, "held_out") > 0.05,
            "hardly anybody leaves"
        );
        assert!(low < 0.0 && high > 0.0, "{comparison}");
        assert_eq!(comparison["verdict"], "unclear");
    }
}
