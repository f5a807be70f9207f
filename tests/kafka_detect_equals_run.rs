//! The same input through files and through Kafka gives the same tasks.

#![allow(clippy::unwrap_used)]

mod support;

use support::city::City;
use support::installation::Installation;
use support::oracle::Oracle;

const PARTITIONS: i32 = 3;
const SUBSCRIBERS: u32 = 240;
const DAYS: u32 = 50;

#[test]
fn the_same_input_gives_the_same_tasks_through_files_and_through_kafka() {
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
    Oracle::ask(&installation, &city.events)
        .judge(&installation)
        .assert_exactly_once();
}
