//! `calibrate` on a small city: what it writes is a rules file that keeps its word.

use churnwatch::config::Config;
use std::path::Path;
use std::process::{Command, Output};

const NOW: &str = "2026-12-01T00:00:00+08:00";

fn churnwatch(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_churnwatch");
    Command::new(program).args(arguments).output().unwrap()
}

fn city(folder: &Path) -> (String, String) {
    let out = folder.to_str().unwrap();
    let made = churnwatch(&[
        "simulate",
        "--subscribers",
        "300",
        "--days",
        "90",
        "--seed",
        "11",
        "--set",
        "churn.scale=4",
        "--out",
        out,
    ]);
    assert!(made.status.success());
    (
        format!("{out}/events.ndjson.zst"),
        format!("{out}/truth.ndjson"),
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Tasks of a tier as expected, or as measured by the second replay.
fn tasks(printed: &str, after: &str, tier: &str, column: usize) -> f64 {
    let table = printed.split(after).nth(1).unwrap();
    let line = table.lines().find(|line| line.starts_with(tier)).unwrap();
    line.split_whitespace()
        .nth(column)
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn the_rules_written_keep_the_tasks_within_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let (events, truth) = city(folder.path());
    let own = folder.path().join("own.toml");
    // What is on trial beside the rules is not calibrated, and not in the way.
    let trial = folder.path().join("trial.toml");
    std::fs::write(&trial, "[line_state.onset]\nstop = 0.002\n").unwrap();
    let shadow = format!("[shadow]\nrules = {:?}\n", trial.to_str().unwrap());
    let stated = "[policy]\ntask_days = 20\n\n[log]\nlevel = \"warn\"\n\n";
    std::fs::write(&own, stated.to_owned() + &shadow).unwrap();
    let out = folder.path().join("next.toml");
    let run = |budget: &str| {
        churnwatch(&[
            "calibrate",
            "--events",
            &events,
            "--truth",
            &truth,
            "--now",
            NOW,
            "--rules",
            own.to_str().unwrap(),
            "--budget",
            budget,
            "--force",
            "--out",
            out.to_str().unwrap(),
        ])
    };
    let free = run("key=1000000");
    assert!(free.status.success(), "{}", text(&free.stderr));
    let unbounded = tasks(&text(&free.stdout), "as expected", "small", 3);
    let budget = (unbounded / 2.0).ceil();
    let held = run(&format!("small={budget}"));
    let printed = text(&held.stdout);
    let expected = tasks(&printed, "as expected", "small", 3);
    assert!(expected <= budget, "{printed}");
    let measured = tasks(&printed, "measured", "small", 1);
    assert!(measured <= unbounded * 0.8, "{printed}");

    let written = std::fs::read_to_string(&out).unwrap();
    assert!(
        written.contains("# Churn tasks for 1,000 subscribers"),
        "{written}"
    );
    let config = Config::load(Some(&out)).unwrap();
    assert_eq!(
        config.rules.policy.task_days, 20,
        "the file's own keys stay"
    );
    assert_eq!(config.log.level, "warn");
    let score = &config.rules.policy.score;
    assert!(score.task_at.small > 0.0 && score.task_at.key == 0.0);
    assert!(score.at_risk < score.critical);
    assert!(score.triggers.values().all(|weight| weight.weight >= 0.0));
    // The same again gives the same bytes.
    run(&format!("small={budget}"));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), written);

    // A budget that no least score can keep, and one that keeps itself.
    let over = run("small=0.1");
    let (printed, said) = (text(&over.stdout), text(&over.stderr));
    let warning =
        "warning: small: over budget by immediate signals alone; the old least score is kept";
    assert!(
        printed.contains(warning) && said.contains(warning),
        "{printed}{said}"
    );
    assert!(
        said.contains("warning: small: over the budget of 0.1"),
        "{said}"
    );
    let config = Config::load(Some(&out)).unwrap();
    assert_eq!(config.rules.policy.score.task_at.small, 0.0);
    let free = text(&run("small=1000000").stdout);
    assert!(
        free.contains("a least score makes no difference; the old one is kept"),
        "{free}"
    );
    for line in printed.lines().chain(free.lines()) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn wrong_usage_is_explained() {
    let base = ["calibrate", "--out", "x.toml", "--events"];
    for (arguments, explained) in [
        (
            &["missing.ndjson", "--budget", "gold=3"][..],
            "such as key=60",
        ),
        (&["missing.ndjson", "--budget", "key=-3"], "such as key=60"),
        (&["-", "--budget", "key=3"], "reads the events twice"),
        (&["missing.ndjson", "--budget", "key=3"], "missing.ndjson"),
    ] {
        let all: Vec<&str> = base.iter().chain(arguments).copied().collect();
        let output = churnwatch(&all);
        assert!(!output.status.success());
        let said = text(&output.stderr);
        assert!(said.contains(explained), "{said}");
    }
}
