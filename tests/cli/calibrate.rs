//! `calibrate` on a small city: what it writes is a rules file that keeps its word.

use churnwatch::config::Config;
use churnwatch::engine::settings::LineState::{
    self, Decay, Drift, Drop, LongAbsence, Normal, ShortAbsence, Stop,
};
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
    let run_with = |more: &[&str], budget: &str| {
        let arguments = [
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
        ];
        churnwatch(&[&arguments, more].concat())
    };
    let run = |budget: &str| run_with(&[], budget);
    // Fitting takes most of the time, and most of this is not about it.
    let run_kept = |budget: &str| run_with(&["--keep-hazards"], budget);
    let free = run_kept("key=1000000");
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
    // The hazards are fitted to the city, and the file and what is printed agree.
    let moves = &config.rules.line_state.moves;
    let defaults = &Config::embedded().unwrap().rules.line_state.moves;
    let mut changed = 0;
    for (from, to, key) in [
        (Normal, Drift, "onset.drift"),
        (Normal, ShortAbsence, "onset.short_absence"),
        (Normal, LongAbsence, "onset.long_absence"),
        (Drift, Normal, "back.drift"),
        (ShortAbsence, Normal, "back.short_absence"),
        (LongAbsence, Normal, "back.long_absence"),
        (Normal, Drop, "onset.drop"),
        (Normal, Stop, "onset.stop"),
        (Normal, Decay, "onset.decay"),
    ] {
        let of = |moves: &[[f64; LineState::COUNT]]| moves[from as usize][to as usize];
        let fitted = of(moves);
        let line = printed.lines().find(|line| line.starts_with(key)).unwrap();
        let said: f64 = line.split_whitespace().nth(2).unwrap().parse().unwrap();
        assert!((said - fitted).abs() < 1e-5, "{line}");
        changed += usize::from(fitted != of(defaults));
    }
    assert!(changed > 6, "{printed}");
    // P is of the rules written: below their threshold there is no alarm.
    let meaning = printed.split("what P of a fall came to").nth(1).unwrap();
    let low = meaning.lines().find(|line| line.contains("0.30..0.40"));
    assert!(low.unwrap().contains("  0  "), "{meaning}");
    assert!(
        meaning.contains("expected ") && meaning.contains(", seen "),
        "{meaning}"
    );
    assert!(printed.contains("left within 30 days"), "{printed}");

    // The same again gives the same bytes.
    run(&format!("small={budget}"));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), written);

    // A budget that no least score can keep is kept as nearly as can be, and one warning says all about it.
    let over = run_kept("small=0.1");
    let (printed, said) = (text(&over.stdout), text(&over.stderr));
    let alone = tasks(&printed, "as expected", "small", 4);
    let opened = tasks(&printed, "measured", "small", 1);
    assert!(opened < measured && opened < alone * 1.1, "{printed}");
    let warning = format!(
        "warning: small: of a budget of 0.1 tasks, immediate signals alone make {alone:.1}, and the written \
         rules open {opened:.1}; no least score"
    );
    let spaces = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&warning), "{said}");
    assert!(spaces(&printed).contains(&warning), "{printed}");
    assert_eq!(said.matches("warning: small").count(), 1, "{said}");
    let config = Config::load(Some(&out)).unwrap();
    assert!(config.rules.policy.score.task_at.small > score.task_at.small);
    // Nothing comes of it that the rules' own threshold did not have.
    assert!(printed.contains("so that of the rules stays"), "{printed}");
    assert!(
        printed.contains("Who left: the truth file tells.\n  by kind: "),
        "{printed}"
    );
    // Hazards that are kept are neither fitted nor written.
    let free = text(&run_kept("small=1000000").stdout);
    assert!(!free.contains("onset."), "{free}");
    assert!(!std::fs::read_to_string(&out).unwrap().contains(".onset]"));
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
        (
            &["-", "--budget", "key=3"],
            "reads the events several times",
        ),
        (&["missing.ndjson", "--budget", "key=3"], "missing.ndjson"),
        (
            &["/dev/null", "--budget", "key=3", "--budget", "key=4"],
            "--budget key=... is given twice",
        ),
        (&["/dev/null", "--budget", "key=3"], "none of 0 records"),
    ] {
        let all: Vec<&str> = base.iter().chain(arguments).copied().collect();
        let output = churnwatch(&all);
        assert!(!output.status.success());
        let said = text(&output.stderr);
        assert!(said.contains(explained), "{said}");
    }
}
