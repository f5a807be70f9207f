//! Restarts with other rules: what was said stays, and a replay uses the rules that were in force.

use crate::support::client::ReadRecord;
use crate::support::fault_scenario::FaultScenario;
use crate::support::installation::Running;
use crate::support::oracle::Verdict;
use crate::support::process::Signal;
use serde_json::Value;

/// No snapshot is taken while it runs: each restart replays everything.
const EXTRA: &str = "\
run.instance_id = \"one\"
state.snapshot_interval_seconds = 86400
state.recovery_seconds_max = 3600
";
/// Rules after rules: what tasks are like, what fires, what is refused, and back.
const RULES: [&[(&str, &str)]; 4] = [
    &[],
    &[("CHURNWATCH_POLICY__TASK_DAYS", "12")],
    &[
        ("CHURNWATCH_WINDOW__GRACE_HOURS", "9"),
        ("CHURNWATCH_BASELINE__LAG_DAYS", "3"),
    ],
    &[],
];

#[test]
fn rules_changed_between_runs() {
    let mut scenario = FaultScenario::new("rules", 300, 1, EXTRA);
    let mut said: Vec<ReadRecord> = Vec::new();
    let mut versions = Vec::new();
    // Hardly anything is said of a city's first weeks.
    scenario.load_share(0.3);
    for rules in RULES {
        let mut running = scenario.installation.run_with(rules);
        running.wait_ready();
        scenario.load_share(0.17);
        scenario.wait_processed(&mut [&mut running]);
        running.process.signal(Signal::Kill);
        running.process.wait();

        let now = scenario.installation.read("tasks");
        let version = version(&running);
        let mut opened = 0;
        for partition in 0..scenario.installation.partitions {
            let of = |tasks: &[ReadRecord]| -> Vec<ReadRecord> {
                let of = tasks.iter().filter(|task| task.partition == partition);
                of.cloned().collect()
            };
            let (before, now) = (of(&said), of(&now));
            assert!(now.starts_with(&before), "what was said stays");
            for task in &now[before.len()..] {
                let task: Value = serde_json::from_str(task.text()).unwrap();
                // A task names the rules that it was opened by.
                if task["status"] == "open" {
                    assert_eq!(task["rules_version"], *version, "{task}");
                    opened += 1;
                }
            }
        }
        assert!(opened > 5, "only {opened} tasks were opened by these rules");
        versions.push(version);
        said = now;
        let verdict = Verdict::without_oracle(&scenario.installation);
        assert!(verdict.is_clean(), "{verdict}");
    }
    assert_eq!(versions[0], versions[3]);
    versions.dedup();
    assert_eq!(versions.len(), RULES.len(), "each restart has other rules");
}

/// The rules that a process says it was started with.
fn version(running: &Running) -> String {
    let log = running.process.stderr();
    let mut lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let rules = lines.find_map(|line| Some(line["rules"].as_str()?.to_owned()));
    rules.unwrap_or_else(|| panic!("it does not name its rules:\n{log}"))
}
