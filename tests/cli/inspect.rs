//! `churnwatch inspect snapshots` and `inspect subscriber` over files that the library wrote. There is no Kafka.

use crate::support::scenario::{
    FRIEND, HOTLINE, MACHINE, Scenario, call, crowd, days, invoice, profile, usual,
};
use churnwatch::engine::{IMAGE_FORMAT, Shard};
use churnwatch::journal::{Epoch, Manifest};
use churnwatch::model::{Body, Msisdn};
use churnwatch::snapshot::{SnapshotRepository, SnapshotRequest, Spawn};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const GROUP: &str = "churnwatch";
/// Of the crowd, the one who calls a competitor and pays late.
const WHO: &str = "8613900000007";
const MASKED: &str = "861***07";

/// A scenario with a history of some weeks, in which [`WHO`] has a task.
fn scenario() -> Scenario {
    let mut scenario = Scenario::new("");
    let crowd: Vec<_> = crowd(400).iter().map(|who| format!("86{who}")).collect();
    scenario.live(&crowd, days("2026-03-01", "2026-03-05"), |who, day| {
        usual(&who[2..], day) % 4
    });
    let due = invoice("2026-02-01", "2026-03-20", 88);
    scenario.event(WHO, "2026-03-06 09:00", profile(|p| p.vip = true));
    scenario.event(WHO, "2026-03-06 09:10", due);
    scenario.event(WHO, "2026-03-06 09:20", call(HOTLINE));
    scenario
}

/// A store in a directory, and a configuration file that names it.
struct Store {
    folder: tempfile::TempDir,
    repository: SnapshotRepository,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = folder.path().join("snapshots");
        std::fs::create_dir(&snapshots).unwrap();
        let text = format!(
            "kafka.bootstrap = \"127.0.0.1:1\"\nstate.snapshots = \"{}\"\n",
            snapshots.display()
        );
        std::fs::write(folder.path().join("churnwatch.toml"), text).unwrap();
        let objects = churnwatch::snapshot::open(snapshots.to_str().unwrap()).unwrap();
        let at_once: Spawn = Arc::new(|job| job());
        Self {
            folder,
            repository: SnapshotRepository::new(objects, GROUP, at_once),
        }
    }

    /// Writes and publishes a snapshot. Returns the path of its last part.
    fn publish(&mut self, shard: &mut Shard, partition: i32, seq: u64) -> PathBuf {
        let manifest = Manifest {
            format: 0,
            partition,
            seq,
            writer: 0xabc,
            journal_from: 0,
            next_offsets: vec![1_000],
            epoch: Epoch {
                group: GROUP.to_owned(),
                engine: 1,
                ruleset_id: 7,
                ruleset: "[window]\nclock = \"event\"\n".to_owned(),
                topics: vec!["cdr (cdr)".to_owned()],
            },
            taken_ms: 1_790_000_000_000,
            subscribers: 0,
            parts: Vec::new(),
        };
        let image = shard.image();
        self.repository.begin(SnapshotRequest { image, manifest });
        let (_, manifest) = self.repository.written().unwrap();
        let manifest = manifest.unwrap();
        self.repository.published(&manifest);
        let key = &manifest.parts.last().unwrap().key;
        self.folder.path().join("snapshots").join(key)
    }

    /// Exit status, stdout and stderr of `inspect`.
    fn inspect(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        inspect(&self.folder.path().join("churnwatch.toml"), arguments, &[])
    }
}

fn inspect(
    config: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_churnwatch"))
        .arg("inspect")
        .args(arguments)
        .arg("--config")
        .arg(config)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn objects(lines: &str) -> Vec<Value> {
    let objects = lines.lines().map(serde_json::from_str);
    objects.collect::<Result<_, _>>().unwrap()
}

/// Changes one byte in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn whole_snapshots_are_listed_and_all_is_well() {
    let (mut store, mut scenario) = (Store::new(), scenario());
    store.publish(&mut scenario.shard, 2, 10);
    scenario.event(WHO, "2026-03-06 10:00", call(FRIEND));
    let second = store.publish(&mut scenario.shard, 2, 20);
    store.publish(&mut Scenario::new("").shard, 10, 5);

    let (status, printed, errors) = store.inspect(&["snapshots", "--json"]);
    assert_eq!((status, errors.as_str()), (Some(0), ""));
    let parts = objects(&printed);
    let of = |part: &Value| {
        let number = |name: &str| part[name].as_u64().unwrap();
        let kind = part["kind"].as_str().unwrap().to_owned();
        let numbers = ["partition", "seq", "parts", "subscribers", "format"].map(number);
        assert_eq!(part["writer"], "0000000000000abc");
        assert_eq!(part["taken_at"], "2026-09-21T22:13:20+08:00");
        assert!(part["problem"].is_null());
        (kind, numbers)
    };
    let parts_of: Vec<_> = parts.iter().map(of).collect();
    let format = u64::from(IMAGE_FORMAT);
    let expected = [
        ("full", [2, 10, 1, 400, format]),
        ("incremental", [2, 20, 2, 400, format]),
        ("full", [10, 5, 1, 0, format]),
    ];
    assert_eq!(
        parts_of,
        expected.map(|(kind, numbers)| (kind.to_owned(), numbers))
    );
    let bytes = std::fs::metadata(second).unwrap().len();
    assert_eq!(parts[1]["bytes"].as_u64(), Some(bytes));

    let (status, table, _) = store.inspect(&["snapshots"]);
    assert_eq!((status, table.lines().count()), (Some(0), 4), "{table}");
    let rows = table.lines().skip(1);
    assert!(
        rows.clone().all(|row| row.ends_with("  whole")),
        "a head, and a row for each part:\n{table}"
    );
    let (_, one, _) = store.inspect(&["snapshots", "--partition", "10"]);
    assert_eq!(one.lines().nth(1), rows.clone().last());
}

#[test]
fn damage_and_what_builds_upon_it_is_found() {
    let (mut store, mut scenario) = (Store::new(), scenario());
    let first = store.publish(&mut scenario.shard, 0, 10);
    scenario.event(WHO, "2026-03-06 10:00", call(FRIEND));
    store.publish(&mut scenario.shard, 0, 20);
    store.publish(&mut scenario.shard, 1, 7);
    damage(&first);

    let (status, printed, errors) = store.inspect(&["snapshots", "--json"]);
    assert_eq!(status, Some(1));
    assert!(errors.contains("2 of 3 parts"), "{errors}");
    let parts = objects(&printed);
    let problem = |index: usize| parts[index]["problem"].as_str().unwrap_or_default();
    assert!(problem(0).contains("checksum"), "{printed}");
    assert!(problem(1).contains("builds upon churnwatch/0/00000000000000000010-"));
    assert_eq!(problem(2), "");

    // Only what was asked for counts.
    let (status, ..) = store.inspect(&["snapshots", "--partition", "1"]);
    assert_eq!(status, Some(0));
    std::fs::remove_file(&first).unwrap();
    let (status, table, _) = store.inspect(&["snapshots"]);
    assert_eq!(status, Some(1));
    assert!(table.contains("BAD: builds upon"), "{table}");
}

#[test]
fn a_part_under_another_s_name_is_found() {
    let (mut store, mut scenario) = (Store::new(), scenario());
    let part = store.publish(&mut scenario.shard, 0, 10);
    let renamed = part.with_file_name("00000000000000000011-0000000000000abc.part");
    std::fs::rename(&part, renamed).unwrap();
    let (status, table, _) = store.inspect(&["snapshots"]);
    assert_eq!(status, Some(1));
    assert!(table.contains("is not what its name says"), "{table}");
}

#[test]
fn where_there_are_no_snapshots_it_is_said() {
    let store = Store::new();
    let (status, printed, errors) = store.inspect(&["snapshots"]);
    assert_eq!((status, printed.as_str()), (Some(0), ""));
    assert!(errors.starts_with("no snapshots in "), "{errors}");
    let (status, _, errors) = store.inspect(&["subscriber", WHO]);
    assert_eq!(status, Some(1));
    assert!(errors.contains("no snapshots in "), "{errors}");

    let config = store.folder.path().join("churnwatch.toml");
    for (place, reason) in [
        ("/there/is/no/such/directory", "there is no such directory"),
        ("memory:", "ends with its process"),
    ] {
        let variables = [("CHURNWATCH_STATE__SNAPSHOTS", place)];
        let (status, _, errors) = inspect(&config, &["snapshots"], &variables);
        assert_eq!(status, Some(1));
        assert!(
            errors.contains("state.snapshots") && errors.contains(reason),
            "{errors}"
        );
    }
    assert!(!Path::new("/there").exists());
}

#[test]
fn a_subscriber_is_shown_as_the_newest_snapshot_knows_them() {
    let (mut store, mut scenario) = (Store::new(), scenario());
    store.publish(&mut scenario.shard, 2, 10);
    scenario.event(WHO, "2026-03-06 10:00", call(HOTLINE));
    store.publish(&mut scenario.shard, 2, 20);
    store.publish(&mut Scenario::new("").shard, 0, 5);

    // As records may have it, too.
    let (status, printed, errors) = store.inspect(&["subscriber", "13900000007"]);
    assert_eq!((status, errors.as_str()), (Some(0), ""));
    let shown: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(shown["msisdn"], MASKED);
    assert_eq!(shown["snapshot"]["partition"], 2);
    assert_eq!(shown["snapshot"]["seq"], 20);
    assert_eq!(shown["snapshot"]["taken_at"], "2026-09-21T22:13:20+08:00");
    assert_eq!(shown["standing"][0], "in service");
    assert_eq!(shown["account"]["tier"], "key");
    assert_eq!(shown["account"]["owed"], "88.00");
    assert_eq!(shown["account"]["bills"][0]["due_on"], "2026-03-20");
    let hotline = &shown["triggers"]["competitor_hotline"];
    assert_eq!(hotline["fired_on"], "2026-03-06");
    assert_eq!(
        hotline["remembers"],
        "2 contacts with competitors' hotlines within the cool-down"
    );
    assert_eq!(
        shown["triggers"]["zero_usage_days"]["remembers"],
        "no fall of use that was reported and lasts"
    );
    let reason = shown["open_tasks"][0]["reasons"]["competitor_hotline"].as_str();
    assert!(reason.unwrap().starts_with("Contact no. 2"));
    let days = shown["window"].as_array().unwrap();
    let window = scenario.window(WHO);
    assert_eq!(days.len(), window.len());
    for (shown, (day, bucket)) in days.iter().zip(&window) {
        assert_eq!(shown["day"], day.to_string());
        assert_eq!(shown["outgoing"], bucket.outgoing);
        assert_eq!(shown["voice_seconds"], bucket.voice_seconds());
    }
    assert!(window.last().unwrap().1.outgoing >= 2);
    assert_eq!(
        shown["window"][days.len() - 3]["known"],
        true,
        "a closed day"
    );
    assert!(shown["window"][days.len() - 1]["known"].is_null());

    // The number, and that of a counterparty, only for those who ask; the latter for nobody.
    for number in [WHO, FRIEND, HOTLINE] {
        assert!(!printed.contains(number), "{number} in\n{printed}");
    }
    let (_, clear, _) = store.inspect(&["subscriber", WHO, "--show-msisdn"]);
    assert_eq!(clear, printed.replace(MASKED, WHO));
}

#[test]
fn a_damaged_snapshot_is_passed_over_for_the_one_before() {
    let (mut store, mut scenario) = (Store::new(), scenario());
    store.publish(&mut scenario.shard, 0, 10);
    scenario.event(WHO, "2026-03-06 10:00", call(FRIEND));
    let second = store.publish(&mut scenario.shard, 0, 20);
    damage(&second);
    let (status, printed, errors) = store.inspect(&["subscriber", WHO]);
    assert_eq!(status, Some(0));
    let shown: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(shown["snapshot"]["seq"], 10);
    assert!(
        errors.contains("passed over") && errors.contains("checksum"),
        "{errors}"
    );
}

#[test]
fn of_the_erased_nothing_is_known() {
    let (mut store, mut scenario) = (Store::new(), scenario());
    store.publish(&mut scenario.shard, 0, 10);
    let (status, ..) = store.inspect(&["subscriber", WHO]);
    assert_eq!(status, Some(0));
    let request = "a-request".into();
    scenario.event(WHO, "2026-03-06 10:00", Body::Erase { request });
    store.publish(&mut scenario.shard, 0, 20);
    let (status, printed, errors) = store.inspect(&["subscriber", WHO, "--show-msisdn"]);
    assert_eq!((status, printed.as_str()), (Some(1), ""));
    let nothing = format!("nothing is known of subscriber {MASKED}");
    assert!(errors.contains(&nothing), "{errors}");
    assert!(!errors.contains(WHO), "{errors}");
}

#[test]
fn who_is_not_there_is_not_named() {
    let (mut store, mut scenario) = (Store::new(), scenario());
    let first = store.publish(&mut scenario.shard, 0, 10);
    let absent = "13812345678";
    let (status, printed, errors) = store.inspect(&["subscriber", absent]);
    assert_eq!((status, printed.as_str()), (Some(1), ""));
    assert!(
        errors.contains("nothing is known of subscriber 861***78") && !errors.contains(absent),
        "{errors}"
    );
    // Whoever cannot be looked for may be there after all.
    damage(&first);
    let (_, _, errors) = store.inspect(&["subscriber", absent]);
    assert!(
        errors.contains("without a whole snapshot, not searched: 0"),
        "{errors}"
    );
    let (status, _, errors) = store.inspect(&["subscriber", "139 0000 号"]);
    assert_eq!(status, Some(2));
    assert!(
        errors.contains("the MSISDN holds a character") && !errors.contains("139"),
        "{errors}"
    );
}

#[test]
fn standing_is_told_in_plain_words() {
    use churnwatch::model::{Body, ProfileFlags, SuspensionReason};
    let mut scenario = scenario();
    let standing = |scenario: &Scenario, who: &str| {
        let described = scenario.shard.describe(&Msisdn::new(who).unwrap());
        described.unwrap().standing
    };
    let [machine, late, gone, leaving, plain] = [1, 2, 3, 4, 5].map(|n| format!("86139{n:08}"));
    let at = "2026-03-06 11:00";
    scenario.event(&machine, at, profile(|p| p.flags = MACHINE));
    scenario.event(&late, at, Body::Suspension(SuspensionReason::Arrears));
    scenario.event(&gone, at, Body::Cancellation);
    scenario.event(&leaving, at, Body::PortOutApplication);
    scenario.event(
        &leaving,
        at,
        profile(|p| {
            p.flags = ProfileFlags {
                not_pursued: true,
                machine: false,
            }
        }),
    );
    assert_eq!(
        standing(&scenario, &machine),
        ["in service", "a machine: no trigger looks at it"]
    );
    assert_eq!(
        standing(&scenario, &late),
        ["suspended for arrears since 2026-03-06"]
    );
    assert_eq!(
        standing(&scenario, &gone),
        [
            "cancelled on 2026-03-06",
            "counts as churned: no task is opened"
        ]
    );
    assert_eq!(
        standing(&scenario, &leaving),
        [
            "port-out applied for on 2026-03-06: nobody may be contacted",
            "not pursued: no task is opened"
        ]
    );
    assert_eq!(
        standing(&scenario, &plain),
        ["in service; nothing is known of profile and bills"]
    );
    let described = scenario
        .shard
        .describe(&Msisdn::new(&late).unwrap())
        .unwrap();
    assert_eq!(
        described.triggers["arrears"].remembers,
        "a suspension, which was reported"
    );
    assert!(
        scenario
            .shard
            .describe(&Msisdn::new("13812345678").unwrap())
            .is_none()
    );
}
