//! Whether the API does what its description says.

use crate::site::{Site, token};
use std::process::Command;

/// Below what a person may ask within a second. Whether a time lies ahead no description can say. An entry of the audit that
/// is of no task leads to an address that is of none, so answers are not followed.
const OPTIONS: &str = "--rate-limit 300/s --max-examples 100 --seed 1 \
    --exclude-checks positive_data_acceptance --phases examples,coverage,fuzzing";

/// `pip install schemathesis==4.32.5`; `SCHEMATHESIS` says where its program is, if not on the PATH.
#[test]
#[ignore = "needs schemathesis"]
fn the_api_is_as_described() {
    let site = Site::new();
    site.publish_some(20);
    let program = std::env::var("SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned());
    let bearer = format!("Authorization: Bearer {}", token("chen"));
    let description = format!("http://{}/api/openapi.json", site.address());
    let run = Command::new(program)
        .args(["run", &description, "-H", &bearer])
        .args(OPTIONS.split(' '))
        .status();
    assert!(run.expect("schemathesis").success());
}
