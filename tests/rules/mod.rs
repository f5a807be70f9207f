//! The program's own defaults with some TOML over them.

use churnwatch::config::{Config, reference};
use churnwatch::engine::Rules;
use std::sync::Arc;
use toml::{Table, Value};

/// The rules, and `[triggers]` as they were made from it.
pub fn rules(overrides: &str) -> (Arc<Rules>, Table) {
    let config = Config::from_toml_str(overrides, "overrides").unwrap();
    let mut table: Table = reference().parse().unwrap();
    merge(&mut table, overrides.parse().unwrap());
    let triggers = table["triggers"].as_table().unwrap().clone();
    (config.rules, triggers)
}

fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}
