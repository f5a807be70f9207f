//! What neither the types nor the ranges of the defaults say: names to choose from, and the form of lists and of tables
//! that the operator extends.

use super::board::BoardUser;
use super::output::{Envelope, OutputFormat};
use super::route::RouteSource;
use super::settings::{LogFormat, Threads};
use crate::engine::settings::{ClockKind, Consent, HolderCapacity, TriggerWeight};
use crate::layers::{Key, Layers, plain};
use crate::model::{PlaybookStep, Talk};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use toml::Value;

/// Key or pattern, how to read it, how it is written.
type Form = (
    &'static str,
    fn(Value) -> Result<(), toml::de::Error>,
    &'static str,
);

const HOLDER_CAPACITY: &str = "write { per_day = 12, deputy = \"NAME\", absent = [\"2026-12-24/2027-01-06\"] }, or some of these";

const FORMS: &[Form] = &[
    (
        "kafka.properties.*",
        form::<String>,
        "write text, a number, true or false",
    ),
    (
        "http.listen",
        form::<SocketAddr>,
        "write an IP address and port, such as 127.0.0.1:9464 or [::1]:9464",
    ),
    (
        "board.listen",
        form::<SocketAddr>,
        "write an IP address and port, such as 127.0.0.1:9465 or [::1]:9465",
    ),
    (
        "board.proxies",
        form::<Vec<std::net::IpAddr>>,
        "write a list of IP addresses, such as [\"10.0.0.7\"]",
    ),
    (
        "board.users.*",
        form::<BoardUser>,
        "write { role = \"manager\", managers = [\"AM-17\"], token_sha256 = \"...\" }, or role = \"lead\" with a region, or \"admin\"",
    ),
    (
        "route.sources",
        form::<Vec<RouteSource>>,
        "write [[route.sources]] with `topic` below it, and `feed` where all records are of one",
    ),
    (
        "output.format",
        form::<OutputFormat>,
        "write \"json\", \"avro\" or \"protobuf\"",
    ),
    (
        "output.envelope",
        form::<Envelope>,
        "write \"none\" or \"cloudevents\"",
    ),
    (
        "log.format",
        form::<LogFormat>,
        "write \"auto\", \"pretty\" or \"json\"",
    ),
    (
        "run.workers",
        form::<Threads>,
        "write \"auto\" or a number from 1 to 256",
    ),
    (
        "window.clock",
        form::<ClockKind>,
        "write \"auto\", \"wall\" or \"event\"",
    ),
    (
        "operator.numbers.*",
        form::<OperatorNumbers>,
        "write { hotlines = [\"10086\"], marketing = [\"10085\"] }",
    ),
    (
        "policy.capacity.managers.*",
        form::<HolderCapacity>,
        HOLDER_CAPACITY,
    ),
    (
        "policy.capacity.queues.*",
        form::<HolderCapacity>,
        HOLDER_CAPACITY,
    ),
    (
        "policy.credit.brand_points.*",
        form::<i32>,
        "write a whole number of points",
    ),
    (
        "policy.credit.tenure_points",
        form::<Vec<(u32, i32)>>,
        "write [[years, points], ...]",
    ),
    (
        "policy.credit.spend_points",
        form::<Vec<(u32, i32)>>,
        "write [[spend, points], ...] in whole numbers",
    ),
    (
        "policy.credit.star_points",
        form::<[i32; 5]>,
        "write five whole numbers, for 1 to 5 stars",
    ),
    (
        "policy.score.triggers.*",
        form::<TriggerWeight>,
        "write { weight = 2.5, half_life_days = 21.0 }",
    ),
    (
        "policy.win_back.consent",
        form::<Consent>,
        "write \"nobody\", \"agreed\" or \"not_refused\"",
    ),
    (
        "policy.playbook.*",
        form::<Vec<PlaybookStep>>,
        "write [[policy.playbook.STAGE]] with `action`, `zh` and `en` below it",
    ),
    (
        "policy.talk.*",
        form::<Talk>,
        "write rapport, listen, advise and follow_up below [policy.talk.NAME], each { zh = \"...\", en = \"...\" }",
    ),
];

/// `[operator.numbers]`, one operator.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorNumbers {
    #[serde(default)]
    pub hotlines: Vec<String>,
    #[serde(default)]
    pub marketing: Vec<String>,
}

fn form<T: DeserializeOwned>(value: Value) -> Result<(), toml::de::Error> {
    value.try_into::<T>().map(drop)
}

/// Checks every form. What fails is noted and put back to its default, so that the sections can be read.
pub(super) fn check(layers: &mut Layers) {
    for (pattern, read, written) in FORMS {
        for key in Key::matching(pattern, layers.table()) {
            let Some(Err(error)) = key.get(layers.table()).cloned().map(read) else {
                continue;
            };
            layers.problem(&key, plain(&error), *written);
            layers.reset(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::assembly::{SCHEMA, reference};

    #[test]
    fn every_form_is_of_a_key() {
        let defaults = reference().parse().unwrap();
        let patterns = FORMS.iter().map(|(pattern, ..)| *pattern);
        // The defaults have none of these.
        let unnamed = [
            "kafka.properties.*",
            "board.users.*",
            "policy.capacity.managers.*",
            "policy.capacity.queues.*",
        ];
        for pattern in patterns.filter(|pattern| !unnamed.contains(pattern)) {
            assert!(!Key::matching(pattern, &defaults).is_empty(), "{pattern}");
        }
    }

    #[test]
    fn every_number_of_the_defaults_has_a_range() {
        let mut numbers = 0;
        for (key, value, limit) in Layers::new(&SCHEMA, &reference()).keys() {
            // Pairs of a bound and points: both may be any number.
            let is_list_of_numbers = |value: &Value| {
                let entries = value.as_array().and_then(|list| list.first());
                entries.is_some_and(|entry| entry.is_integer() || entry.is_float())
            };
            if value.is_integer() || value.is_float() || is_list_of_numbers(&value) {
                numbers += 1;
                assert!(limit.is_some(), "{key} has no range");
            }
        }
        assert!(numbers > 140, "the walk found {numbers} numbers");
    }
}
