//! What `deploy/` says is what the program does.

use churnwatch::config::{Config, Problems};
use churnwatch::model::Feed;
use churnwatch::telemetry::{
    BatchReport, BoardReport, BoardTelemetry, FeedDelay, KeyReport, LagReport, ReceiverLabels,
    RestoreReport, RouteLag, ShardReport, Telemetry, metrics_table,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const EXAMPLE: &str = include_str!("../../deploy/churnwatch.toml");
const ALERTS: &str = include_str!("../../deploy/prometheus-alerts.yml");
const METRICS: &str = include_str!("../../deploy/metrics.md");
const UNIT: &str = include_str!("../../deploy/churnwatch.service");
const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// Kind and labels of every metric the program has, by name.
fn metrics() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let telemetry = Telemetry::new().unwrap();
    telemetry.set_rules_version("v");
    let lag = LagReport {
        topic: "cdr",
        partition: 0,
        records: 0,
        seconds: 0.0,
    };
    lag.emit(&telemetry);
    let shard = ShardReport {
        feeds: vec![FeedDelay {
            feed: Feed::Cdr,
            watermark_delay_seconds: 0.0,
            outage_days: 0,
        }],
        ..ShardReport::default()
    };
    shard.emit(&telemetry);
    let restore = RestoreReport {
        partition: 0,
        remaining_records: 0,
        seconds: 0.0,
    };
    restore.emit(&telemetry);
    let mut batch = BatchReport::default();
    batch.field_fault(Feed::Cdr, "cause_for_termination", "unknown");
    batch.emit(&telemetry);
    KeyReport { topic: "cdr" }.emit(&telemetry);
    let routed = RouteLag {
        topic: "raw",
        partition: 0,
    };
    routed.emit(&telemetry, 0);
    let text = telemetry.render().unwrap() + &board_metrics();
    let kinds = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let described = kinds.map(|(name, kind)| {
        let labels = text.lines().find_map(|line| {
            let rest = line.strip_prefix(name)?;
            // A histogram has its labels on series of other names.
            rest.strip_prefix("_count")
                .unwrap_or(rest)
                .strip_prefix('{')
        });
        let labels = labels.map_or("", |rest| rest.split('}').next().unwrap());
        let labels = labels
            .split(',')
            .filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()));
        (name.to_owned(), (kind.to_owned(), labels.collect()))
    });
    described.collect()
}

/// The metrics page of a board.
fn board_metrics() -> String {
    let telemetry = BoardTelemetry::new().unwrap();
    telemetry.nothing_waits(["retention-tasks"]);
    let crm = ReceiverLabels {
        receiver: "crm",
        channel: "webhook",
    };
    telemetry.none_waits(crm, &["new"]);
    let report = BoardReport {
        tasks: vec![("key", 0, 0)],
        ..BoardReport::default()
    };
    telemetry.render(&report).unwrap()
}

#[test]
fn the_table_of_metrics_is_complete_and_true() {
    let rows = METRICS
        .lines()
        .filter(|line| line.starts_with("| `churnwatch_"));
    let unquoted = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let documented: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').collect();
            let labels = cells[3]
                .split(',')
                .map(unquoted)
                .filter(|label| !label.is_empty());
            (unquoted(cells[1]), (unquoted(cells[2]), labels.collect()))
        })
        .collect();
    assert_eq!(documented, metrics());
}

/// The rows are generated: `UPDATE=1 cargo test --test house the_table_of_metrics` writes them.
#[test]
fn the_table_of_metrics_is_the_declared_one() {
    let is_row = |line: &&str| line.starts_with("| `churnwatch_");
    let lines = || METRICS.lines();
    let before: String = lines().take_while(|line| !is_row(line)).map(line).collect();
    let behind = lines().skip_while(|line| !is_row(line)).skip_while(is_row);
    let behind: String = behind.map(line).collect();
    let generated = before + &metrics_table() + &behind;
    if std::env::var_os("UPDATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/metrics.md");
        return std::fs::write(path, generated).unwrap();
    }
    assert_eq!(METRICS, generated);
}

fn line(text: &str) -> String {
    format!("{text}\n")
}

#[test]
fn every_alert_is_on_metrics_that_exist() {
    let known = metrics();
    let mut named = BTreeSet::new();
    for word in ALERTS.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        if word.starts_with("churnwatch_") {
            let family = word.trim_end_matches("_bucket");
            assert!(known.contains_key(family), "there is no metric {word}");
            named.insert(family);
        }
    }
    assert!(named.len() >= 9, "the alerts are on {named:?}");
    let alerts = ALERTS.matches("- alert: ").count();
    assert_eq!(
        ALERTS.matches(" remedy: ").count(),
        alerts,
        "each alert tells what to do"
    );
}

/// A feed of few records is not hidden by one of many.
#[test]
fn what_is_lost_is_judged_feed_by_feed() {
    for alert in [
        "ChurnwatchDeadLetters",
        "ChurnwatchExpired",
        "ChurnwatchFieldFaults",
    ] {
        let start = ALERTS.find(&format!("- alert: {alert}\n")).unwrap();
        let rule = ALERTS[start..].split("annotations:").next().unwrap();
        let (lost, _) = rule.split_once("\n          > ").unwrap();
        assert!(lost.contains("sum by (job, feed"), "{alert}");
        assert!(rule.contains("* sum by (job, feed) ("), "{alert}");
    }
}

#[test]
fn the_alerts_name_labels_that_exist() {
    let known = metrics();
    for (at, _) in ALERTS.match_indices("churnwatch_") {
        let rest = &ALERTS[at..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap();
        if let Some(selector) = rest[end..].strip_prefix('{') {
            let label = selector.split(['=', '!']).next().unwrap();
            let name = rest[..end].trim_end_matches("_bucket");
            assert!(known[name].1.contains(label), "{name} has no {label}");
        }
    }
}

fn load(text: &str) -> Result<Config, Problems> {
    Config::from_toml_str(text, "deploy/churnwatch.toml")
}

#[test]
fn the_example_configuration_is_valid() {
    let config = load(EXAMPLE).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.kafka.bootstrap.split(',').count(), 3);
}

#[test]
fn the_example_is_valid_with_its_proposals_switched_on() {
    let proposals = EXAMPLE.replace("\n#\"", "\n\"");
    assert_ne!(proposals, EXAMPLE);
    let proposals = match cfg!(feature = "tls") {
        true => proposals,
        // Without TLS, `security.protocol` is refused, as tests/cli/config.rs shows.
        false => proposals.replace("SASL_SSL", "SASL_PLAINTEXT"),
    };
    let config = load(&proposals).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.kafka.properties.len(), 4);
}

#[test]
fn the_script_creates_the_topics_of_the_configuration() {
    let config = load(EXAMPLE).unwrap();
    let output = Command::new("bash")
        .arg("deploy/kafka-topics.sh")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("KAFKA_TOPICS", "echo")
        .env("BOOTSTRAP", "kafka1:9092")
        .env("PARTITIONS", "7")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut created = BTreeMap::new();
    for line in printed.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let after = |flag: &str| {
            words
                .iter()
                .skip_while(|word| **word != flag)
                .nth(1)
                .copied()
        };
        assert_eq!(after("--bootstrap-server"), Some("kafka1:9092"));
        assert_eq!(after("--partitions"), Some("7"), "{line}");
        created.insert(after("--topic").unwrap().to_owned(), line.to_owned());
    }
    let inputs = config.topics.inputs().into_keys();
    let outputs = config.topics.outputs().map(|(_, topic)| topic);
    let wanted = inputs.chain(outputs).map(str::to_owned);
    let journal = config.topics.journal(&config.kafka.group);
    let more = [journal.clone(), config.topics.board.clone()];
    let wanted: BTreeSet<_> = wanted.chain(more).collect();
    assert_eq!(created.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    for setting in [
        "cleanup.policy=delete",
        "retention.ms=-1",
        "retention.bytes=-1",
    ] {
        let line = &created[&journal];
        assert!(line.contains(&format!("--config {setting}")), "{line}");
    }
    let window_ms = u64::from(config.rules.window.days) * 86_400_000;
    for topic in config.topics.inputs().into_keys() {
        let kept = created[topic]
            .split(['=', ' '])
            .filter_map(|word| word.parse::<u64>().ok());
        assert!(
            kept.max() > Some(window_ms),
            "{topic} is kept for less than the window"
        );
    }
}

/// A setting of the unit.
fn unit(key: &str) -> Option<&'static str> {
    UNIT.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn the_unit_waits_for_the_shutdown_and_does_not_retry_a_wrong_configuration() {
    let stop = unit("TimeoutStopSec")
        .unwrap()
        .trim_end_matches('s')
        .parse::<u16>()
        .unwrap();
    assert!(stop > load(EXAMPLE).unwrap().run.shutdown_seconds);
    assert_eq!(unit("RestartPreventExitStatus"), Some("2"));
}

#[test]
fn the_unit_reloads_and_may_write_where_snapshots_go() {
    assert_eq!(unit("ExecReload"), Some("/bin/kill -HUP $MAINPID"));
    let state = Path::new("/var/lib").join(unit("StateDirectory").unwrap());
    let snapshots = load(EXAMPLE).unwrap().state.snapshots;
    let below = Path::new(&snapshots).strip_prefix(&state).unwrap();
    assert_ne!(below, Path::new(""), "the unit's own directory");
    // Everything else is read-only, so the path above must be the one that is not.
    assert_eq!(unit("ProtectSystem"), Some("strict"));
    assert_eq!(unit("StateDirectoryMode"), Some("0700"));
}

#[test]
fn the_alerts_name_outcomes_that_exist() {
    let text = Telemetry::new().unwrap().render().unwrap() + &board_metrics();
    let mut named = 0;
    for (at, _) in ALERTS.match_indices("{outcome=\"") {
        let start = ALERTS[..at]
            .rfind(|c: char| !c.is_ascii_lowercase() && c != '_')
            .unwrap()
            + 1;
        let metric = &ALERTS[start..at];
        let outcome = ALERTS[at..].split('"').nth(1).unwrap();
        let known = text.lines().any(|line| {
            line.starts_with(metric) && line.contains(&format!("outcome=\"{outcome}\""))
        });
        assert!(known, "{metric} has no outcome {outcome}");
        named += 1;
    }
    assert_eq!(
        named, 9,
        "dead letters twice, what expired, what counted, three of snapshots, and alerts sent and failed"
    );
}

/// What `docs/operations.md` says that the program says when it refuses to start.
#[test]
fn every_refusal_that_is_explained_is_in_the_program() {
    let rows = OPERATIONS
        .split("## When it refuses to start")
        .nth(1)
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("| `"));
    let mut sources = String::new();
    let mut folders: Vec<_> = ["runtime", "kafka", "journal"]
        .map(|room| Path::new("src").join(room))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    // Lines of one text are joined as the compiler joins them, and what is filled in stands for anything.
    let lines: Vec<&str> = sources.lines().map(str::trim_start).collect();
    let sources = lines.join("\n").replace("\\\n", "");
    let mut explained = 0;
    for row in rows {
        let cell = row.split('|').nth(1).unwrap();
        for quoted in cell.split('`').skip(1).step_by(2) {
            for part in quoted.split("...") {
                let part = part.trim_matches(|c: char| c == ' ' || c == ',');
                assert!(sources.contains(part), "the program never says `{part}`");
            }
            explained += 1;
        }
    }
    assert!(explained >= 16, "only {explained} refusals are explained");
}
