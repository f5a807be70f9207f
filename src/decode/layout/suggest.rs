//! A first layout for records that nobody has described yet: a draft for people to correct.

use super::ber;
use super::clues::{Column, NAMES, all, chosen, time_of, unit_of};
use super::octets::Reading;
use super::shape;
use serde_json::Value;
use std::fmt::Write as _;

const ESSENTIAL: [&str; 3] = ["record_type", "msisdn", "event_timestamp"];
const QUANTITIES: [&str; 4] = [
    "duration_seconds",
    "uplink_volume_bytes",
    "downlink_volume_bytes",
    "amount",
];
const DELIMITERS: [char; 4] = [';', '\t', '|', ','];
/// What a sample looks like.
struct Sample {
    head: String,
    /// Every column or path with its first values.
    columns: Vec<Column>,
    /// Paths of octets that are numbers of people. The values have their digits.
    addresses: Vec<String>,
}

/// A draft of a layout for a file or topic of some name with these first records, as TOML.
pub fn suggest(name: &str, records: &[Vec<u8>]) -> String {
    let texts: Vec<String> = records
        .iter()
        .map(|record| String::from_utf8_lossy(record).into_owned())
        .collect();
    let sample = json(&texts)
        .or_else(|| of_ber(records))
        .unwrap_or_else(|| rows(&texts, records));
    let mut text = format!(
        "# A draft, made from the first {} records of {name}: read every line, and correct what is wrong.\n{}",
        records.len(),
        sample.head
    );
    text += "# Of times without an offset.\nzone = \"Asia/Shanghai\"\n\n[fields]\n";
    let chosen = chosen(&sample.columns);
    let is_free = |column: &&Column| chosen.iter().all(|known| known.column.0 != column.0);
    let clock = sample
        .columns
        .iter()
        .filter(is_free)
        .find(|(_, values)| all(values, "%H:%M:%S") || all(values, "%H:%M"));
    let mut used: Vec<&str> = chosen.iter().map(|known| known.column.0.as_str()).collect();
    for (field, _) in NAMES {
        match chosen.iter().find(|known| known.field == *field) {
            Some(known) => {
                let of_day = *field == "event_timestamp"
                    && !known.column.1.iter().any(|value| value.contains(':'));
                let line = match clock.filter(|_| of_day) {
                    Some(clock) => {
                        used.push(&clock.0);
                        joined(known.column, clock)
                    }
                    None if sample.addresses.contains(&known.column.0) => {
                        format!("{{ from = {:?}, read = \"address\" }}", known.column.0)
                    }
                    None => origin(field, &known.column.0, &known.column.1),
                };
                let guess = if known.by_values {
                    " # by its values only"
                } else {
                    ""
                };
                let _ = writeln!(text, "{field} = {line}{guess}");
            }
            None if *field == "record_id" => {
                text += "# No column is an id: records that are equal in everything count once.\nrecord_id = { hash = \"record\" }\n";
            }
            None if ESSENTIAL.contains(field) => {
                let _ = writeln!(
                    text,
                    "# Nothing looks like it; every record needs it.\n# {field} = {{ from = \"?\" }}"
                );
            }
            None => {}
        }
    }
    let unused = sample
        .columns
        .iter()
        .filter(|(column, _)| !used.contains(&column.as_str()));
    let unused: Vec<_> = unused.collect();
    if !unused.is_empty() {
        text += "\n# Not used:\n";
        for (column, values) in unused {
            let shown = values.iter().take(3).map(|value| shape::of(value));
            let shown: Vec<_> = shown.collect();
            let _ = writeln!(text, "#   {column}: {}", shown.join(" | "));
        }
    }
    text
}

/// A moment of a day and a time.
fn joined(day: &Column, clock: &Column) -> String {
    let both: Vec<String> = day
        .1
        .iter()
        .zip(&clock.1)
        .map(|(day, clock)| format!("{day} {clock}"))
        .collect();
    let time = time_of(&both).unwrap_or("?");
    format!(
        "{{ join = [{:?}, {:?}], with = \" \", time = {time:?} }}",
        day.0, clock.0
    )
}

fn origin(field: &str, column: &str, values: &[String]) -> String {
    match field {
        "event_timestamp" | "due_on" | "period" => match time_of(values) {
            Some(time) => format!("{{ from = {column:?}, time = {time:?} }}"),
            None => format!("{{ from = {column:?}, time = \"?\" }}"),
        },
        "record_type" | "cause_for_termination" => {
            let mut known: Vec<&String> = values.iter().collect();
            known.sort_unstable();
            known.dedup();
            let known: Vec<_> = known
                .iter()
                .take(12)
                .map(|value| format!("{value:?} = \"?\""))
                .collect();
            format!(
                "{{ from = {column:?}, values = {{ {} }} }}",
                known.join(", ")
            )
        }
        "duration_seconds" if values.iter().any(|value| value.contains(':')) => {
            format!("{{ from = {column:?}, unit = \"hh:mm:ss\" }}")
        }
        _ => {
            let unit = unit_of(field, column).map(|unit| format!(", unit = {unit:?}"));
            let comma =
                QUANTITIES.contains(&field) && values.iter().any(|value| value.contains(','));
            let decimal = if comma { ", decimal = \",\"" } else { "" };
            format!(
                "{{ from = {column:?}{}{decimal} }}",
                unit.unwrap_or_default()
            )
        }
    }
}

fn json(texts: &[String]) -> Option<Sample> {
    let records: Option<Vec<Value>> = texts
        .iter()
        .map(|text| serde_json::from_str(text).ok())
        .collect();
    let records = records.filter(|records| records.iter().any(Value::is_object))?;
    let mut columns: Vec<Column> = Vec::new();
    for record in &records {
        leaves("", record, &mut |path, value| match columns
            .iter_mut()
            .find(|(known, _)| known == path)
        {
            Some((_, values)) => values.push(value),
            None => columns.push((path.to_owned(), vec![value])),
        });
    }
    Some(Sample {
        head: "format = \"json\"\n".to_owned(),
        columns,
        addresses: Vec::new(),
    })
}

fn of_ber(records: &[Vec<u8>]) -> Option<Sample> {
    let texts: Option<Vec<String>> = records.iter().map(|record| ber::json(record)).collect();
    let mut sample = json(&texts?)?;
    sample.head =
        "# Records of 3GPP TS 32.298 are read by the layout `3gpp-ber` that comes with the program: try it first.\n\
         format = \"ber\"\n# Values are octets in hexadecimal; `read` says what they mean.\n"
            .to_owned();
    for (path, values) in &mut sample.columns {
        let digits = |value: &String| {
            let mut digits = String::new();
            Reading::Address
                .convert(value, &mut digits)
                .then_some(digits)
        };
        let digits: Option<Vec<String>> = values.iter().map(digits).collect();
        match digits {
            _ if all(values, "3gpp") => {}
            Some(digits) => {
                *values = digits;
                sample.addresses.push(path.clone());
            }
            // Apart from each other, so that digits in octets pass for nothing else.
            None => values.iter_mut().for_each(|value| *value = apart(value)),
        }
    }
    Some(sample)
}

/// Octets with blanks between.
fn apart(hexadecimal: &str) -> String {
    let digits: Vec<char> = hexadecimal.chars().collect();
    let octets: Vec<String> = digits.chunks(2).map(String::from_iter).collect();
    octets.join(" ")
}

/// Every value below one, with its path.
pub fn leaves(path: &str, value: &Value, visit: &mut dyn FnMut(&str, String)) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let below = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                leaves(&below, value, visit);
            }
        }
        Value::Array(entries) => {
            for value in entries {
                leaves(&format!("{path}[*]"), value, visit);
            }
        }
        Value::Null => {}
        Value::String(text) => visit(path, text.clone()),
        value => visit(path, value.to_string()),
    }
}

fn rows(texts: &[String], records: &[Vec<u8>]) -> Sample {
    let first = texts.first().map_or("", String::as_str);
    let count = |delimiter: &char| {
        texts
            .iter()
            .map(|text| text.matches(*delimiter).count())
            .min()
            .unwrap_or(0)
    };
    let delimiter = DELIMITERS.into_iter().max_by_key(count).unwrap_or(',');
    let quote = if texts.iter().any(|text| text.contains('"')) {
        Some(b'"')
    } else {
        None
    };
    let dialect = super::csv::Dialect::new(delimiter as u8, quote, None, None, true);
    let names = dialect.all_cells(first);
    let has_digits = |cell: &String| cell.bytes().any(|b| b.is_ascii_digit());
    let header = !names.is_empty()
        && names
            .iter()
            .filter(|name| !name.is_empty())
            .all(|name| !has_digits(name));
    let names: Vec<String> = match header {
        true => names,
        false => (1..=names.len()).map(|place| format!("#{place}")).collect(),
    };
    let mut columns: Vec<Column> = names.into_iter().map(|name| (name, Vec::new())).collect();
    for text in texts.iter().skip(usize::from(header)) {
        for ((_, values), cell) in columns.iter_mut().zip(dialect.all_cells(text)) {
            if !cell.is_empty() {
                values.push(cell);
            }
        }
    }
    let mut head = "format = \"csv\"\n".to_owned();
    if records.iter().any(|record| str::from_utf8(record).is_err()) {
        head += "# The sample is not UTF-8: such as \"gb18030\" or \"windows-1252\".\nencoding = \"?\"\n";
    }
    let _ = writeln!(
        head,
        "csv = {{ delimiter = {:?}, header = {header} }}",
        delimiter.to_string()
    );
    Sample {
        head,
        columns,
        addresses: Vec::new(),
    }
}
