//! The program's own defaults with some TOML over them.

use churnwatch::config::{Config, reference};
use churnwatch::engine::Rules;
use std::sync::Arc;
use toml::{Table, Value};

/// The rules under some texts, later ones over earlier ones, and the whole configuration that they were made from.
pub fn rules(overrides: &[&str]) -> (Arc<Rules>, Table) {
    let mut over = Table::new();
    for text in overrides {
        merge(&mut over, text.parse().unwrap());
    }
    let config = Config::from_toml_str(&over.to_string(), "overrides").unwrap();
    let mut all: Table = reference().parse().unwrap();
    merge(&mut all, over);
    (config.rules, all)
}

/// The same, with rules on trial that have some more texts over them.
#[allow(dead_code)] // Not every test tries any.
pub fn with_shadow(overrides: &[&str], shadow: &[&str]) -> Arc<Rules> {
    let live = Arc::into_inner(rules(overrides).0).unwrap();
    let shadow = rules(&[overrides, shadow].concat()).0;
    Arc::new(Rules {
        shadow: Some(shadow),
        ..live
    })
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
