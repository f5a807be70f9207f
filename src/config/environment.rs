//! Environment variables over the file: `CHURNWATCH_SECTION__KEY=value`.

use super::settings::PROPERTIES;
use crate::layers::{AUTO, Key, Layers, Origin, Problem};
use std::ffi::OsString;
use toml::{Table, Value};

const PREFIX: &str = "CHURNWATCH_";
/// Their secrets are taken as they stand.
const RECEIVERS: &str = "board.alerts.receivers";

/// Lays every variable of ours over what is there.
///
/// Other variables with our prefix are left alone: Kubernetes sets some, such as `CHURNWATCH_SERVICE_HOST`, for a
/// service of our name.
pub(super) fn overlay(layers: &mut Layers, variables: impl Iterator<Item = (OsString, OsString)>) {
    let ours = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let mut ours: Vec<_> = ours.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    ours.sort();
    for (name, value) in ours {
        let path = name[PREFIX.len()..].to_lowercase();
        if !path.contains("__") {
            forgotten_underscore(layers, name, &path);
            continue;
        }
        let Ok(text) = value.into_string() else {
            layers.extend([Problem {
                origin: Origin::Environment(name),
                key: String::new(),
                what: "is not valid UTF-8".into(),
                remedy: "write the value in UTF-8".into(),
            }]);
            continue;
        };
        let key = key_of(&path);
        let value = value_of(&key, layers.defaults(), text);
        layers.value(&key, value, &Origin::Environment(name));
    }
}

fn key_of(path: &str) -> Key {
    let path = path.replace("__", ".");
    match path
        .strip_prefix(PROPERTIES)
        .and_then(|rest| rest.strip_prefix('.'))
    {
        Some(property) => Key::of(PROPERTIES).child(&property.replace('_', ".")),
        None => Key::of(&path),
    }
}

fn value_of(key: &Key, defaults: &Table, text: String) -> Value {
    let parsed = || format!("v = {text}").parse::<Table>().ok()?.remove("v");
    let is_property = key.ancestors().nth(1) == Some(Key::of(PROPERTIES));
    let is_secret = Key::of(RECEIVERS).holds(key) && matches!(key.last(), Some("secret" | "url"));
    match key.get(defaults) {
        // As it stands: a password may look like a number.
        _ if is_property || is_secret => Value::String(text),
        Some(Value::String(default)) => match parsed() {
            Some(quoted @ Value::String(_)) => quoted,
            Some(number @ Value::Integer(_)) if default == AUTO => number,
            _ => Value::String(text),
        },
        _ => parsed().unwrap_or(Value::String(text)),
    }
}

/// `CHURNWATCH_WINDOW_DAYS` would be ignored without a word.
fn forgotten_underscore(layers: &mut Layers, name: String, path: &str) {
    let underscores = path.match_indices('_').map(|(at, _)| at);
    let keys = underscores.map(|at| (at, Key::of(&format!("{}.{}", &path[..at], &path[at + 1..]))));
    let mut known = keys.filter(|(_, key)| key.get(layers.defaults()).is_some());
    let Some((at, key)) = known.next() else {
        return;
    };
    let split = PREFIX.len() + at;
    let remedy = format!("did you mean {}__{}?", &name[..split], &name[split + 1..]);
    layers.extend([Problem {
        origin: Origin::Environment(name),
        key: key.to_string(),
        what: "the parts of a name are separated by two underscores".into(),
        remedy,
    }]);
}
