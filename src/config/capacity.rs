//! `[policy.capacity]`: deputies who are known, and absences in order.

use crate::engine::settings::{CapacityRules, HolderCapacity};
use crate::layers::{Key, Layers, suggestion};
use std::collections::BTreeMap;

/// Checks what is stated of managers and queues. What is wrong is noted.
pub(super) fn check(layers: &mut Layers, rules: &CapacityRules) {
    for (table, default, holders) in [
        ("managers", "manager_per_day", &rules.managers),
        ("queues", "queue_per_day", &rules.queues),
    ] {
        for (name, capacity) in holders {
            deputy(layers, table, name, capacity, holders);
            // The default of all has the range of each.
            let range = layers.range(&Key::of("policy.capacity").child(default));
            let beyond = capacity.per_day.zip(range);
            if let Some((per_day, (min, max))) = beyond.filter(|(n, (_, max))| f64::from(*n) > *max)
            {
                let key = Key::of("policy.capacity").child(table).child(name);
                let remedy = format!("write a number from {min} to {max}");
                layers.problem(
                    &key.child("per_day"),
                    format!("{per_day} is out of range"),
                    remedy,
                );
            }
            let absences = capacity.absent.iter();
            let mut pairs = absences.clone().zip(absences.skip(1));
            if pairs.any(|(before, after)| after.first <= before.last) {
                let what = "has days that come twice, or not in order";
                let remedy = "put the absences in order, each day in one of them only";
                let key = Key::of("policy.capacity").child(table).child(name);
                layers.problem(&key.child("absent"), what, remedy);
            }
        }
    }
}

fn deputy(
    layers: &mut Layers,
    table: &str,
    name: &str,
    capacity: &HolderCapacity,
    holders: &BTreeMap<String, HolderCapacity>,
) {
    let Some(deputy) = &capacity.deputy else {
        return;
    };
    let key = Key::of("policy.capacity").child(table).child(name);
    let key = key.child("deputy");
    if deputy == name {
        let remedy = "name somebody else, or leave the key out for nobody";
        layers.problem(
            &key,
            format!("`{deputy}` would stand in for itself"),
            remedy,
        );
        return;
    }
    // A misspelt name would be a manager without customers, who never reads the tasks.
    let known: Vec<_> = holders.keys().map(String::as_str).collect();
    if !known.contains(&deputy.as_str()) {
        let what = format!("`{deputy}` is not in [policy.capacity.{table}]");
        let remedy = format!("{}, or add it there", suggestion(deputy, &known));
        layers.problem(&key, what, remedy);
    }
}
