//! The same input through files and through Kafka gives the same tasks.

use crate::support::city::City;
use crate::support::client::NewRecord;
use crate::support::installation::Installation;
use crate::support::oracle::{Kind, Oracle};
use crate::support::process::Signal;

const PARTITIONS: i32 = 3;
const SUBSCRIBERS: u32 = 240;
const DAYS: u32 = 50;

#[test]
fn detect_equals_run() {
    // Sliced sweeps and small transactions on one side, none of both on the other.
    let installation = Installation::one_topic(
        "equal",
        PARTITIONS,
        "window.clock = \"event\"\nrun.batch_records_max = 700\n",
    );
    let city = City::build(installation.folder(), SUBSCRIBERS, DAYS, 11);
    let mut load = installation.load(&city.events);
    assert_eq!(load.wait().code(), Some(0), "{}", load.stderr());
    let mut running = installation.run();
    installation.wait_processed(&mut running);
    let oracle = Oracle::ask(&installation, &city.events);
    oracle.judge(&installation).assert_exactly_once();
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
    it_notices_forgeries(&installation, &oracle);
}

/// The oracle would see it if something were lost, there twice, or wrong.
fn it_notices_forgeries(installation: &Installation, oracle: &Oracle) {
    let again = |key: &str| {
        let record = installation.read(key).pop().unwrap();
        let again = NewRecord {
            partition: Some(record.partition),
            key: record.key,
            value: record.value,
            headers: record.headers,
        };
        installation.produce(key, [again.clone()]);
        again
    };
    again("signals");
    again("dead_letters");
    let task = again("tasks");
    let verdict = oracle.judge(installation);
    // A task counts as a record and as a revision.
    assert_eq!(verdict.count(Kind::Duplicated), 2 + 2, "{verdict}");

    let text = String::from_utf8(task.value.clone().unwrap()).unwrap();
    let forged = text.replace("\"stars\":", "\"stars\":1");
    let forged = NewRecord {
        value: Some(forged.into_bytes()),
        ..task
    };
    installation.produce("tasks", [forged]);
    installation.produce("cdr", [installation.keyed("13700000000", "one more")]);
    let verdict = oracle.judge(installation);
    assert_eq!(verdict.count(Kind::Invented), 1, "{verdict}");
    assert!(verdict.count(Kind::Lost) >= 1, "offsets: {verdict}");
    let counts = [Kind::Duplicated, Kind::OutOfOrder].map(|kind| verdict.count(kind));
    assert_eq!(counts, [2 + 3, 0], "{verdict}");
}
