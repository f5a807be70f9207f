//! What the country of the network changes in the defaults: its numbering plan, and whose operators count.

use crate::decode::{COUNTRIES, DecodeSettings};
use crate::layers::{Key, Layers, suggestion};
use toml::{Table, Value};

/// Makes the numbering plan of `decode.country` the defaults of `[decode]`.
pub(super) fn choose(layers: &mut Layers) {
    let decode = Key::of("decode");
    let key = decode.child("country");
    let Some(country) = key.get(layers.table()).and_then(Value::as_str) else {
        return;
    };
    let plan = COUNTRIES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(country));
    let Some((_, plan)) = plan else {
        let what = format!("`{country}` is not a country whose numbering plan is known");
        let known = COUNTRIES.map(|(country, _)| country);
        let remedy = format!(
            "{}; in another one leave the key out and state the other keys of [decode]",
            suggestion(country, &known)
        );
        layers.problem(&key, what, remedy);
        return;
    };
    match plan.parse::<Table>() {
        Ok(plan) => {
            for (name, value) in plan {
                layers.default(&decode.child(&name), value);
            }
        }
        Err(error) => layers.problem(&key, error.message(), "this is a fault of the program"),
    }
}

/// Writes keys of `[decode]` as they are called today, in the text of a ruleset that an earlier version wrote.
pub(super) fn renew(ruleset: &mut Table) {
    let Some(decode) = ruleset.get_mut("decode").and_then(Value::as_table_mut) else {
        return;
    };
    if let Some(Value::String(prefix)) = decode.remove("trunk_prefix") {
        let mut prefixes = Vec::new();
        if !prefix.is_empty() {
            prefixes.push(Value::String(prefix));
        }
        decode.insert("trunk_prefixes".to_owned(), Value::Array(prefixes));
    }
    if let Some(digits @ Value::Integer(_)) = decode.get("short_code_digits").cloned() {
        let both = Value::Array(vec![digits.clone(), digits]);
        decode.insert("short_code_digits".to_owned(), both);
    }
}

/// Forgets the operators of the defaults where some are stated, or where the network is in another country.
pub(super) fn keep_own_operators(layers: &mut Layers) {
    let code = Key::of("decode.country_code").get(layers.table());
    let abroad =
        code.and_then(Value::as_str) != Some(DecodeSettings::default().country_code.as_str());
    let (all, stated) = (Key::of("operator.numbers"), layers.stated());
    if !abroad && !stated.iter().any(|key| all.holds(key)) {
        return;
    }
    let is_stated = |key: &Key| {
        stated
            .iter()
            .any(|stated| stated == key || key.holds(stated))
    };
    let mut unstated = Vec::new();
    let operators = all.get(layers.defaults()).and_then(Value::as_table);
    all.walk(operators.unwrap_or(&Table::new()), &mut |key, _| {
        if !is_stated(key) {
            unstated.push(key.clone());
        }
    });
    for key in unstated {
        layers.remove(&key);
    }
}
