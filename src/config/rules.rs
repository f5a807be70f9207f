//! The engine's sections as [`Rules`].

use super::forms::OperatorNumbers;
use super::{capacity, shadow};
use crate::decode::Decoder;
use crate::engine::rules::Rules;
use crate::engine::settings::{Competitors, PolicyRules, WindowRules};
use crate::engine::triggers::{REGISTRY, Trigger};
use crate::layers::{Key, Layers, plain, suggestion};
use crate::model::{Calendar, Motive, Number, Purpose, Stage, Talk};
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::{Table, Value};
use xxhash_rust::xxh3::xxh3_64;

/// Sections that decide what the engine does; the version of the rules is their fingerprint.
const SECTIONS: [&str; 8] = [
    "window",
    "operator",
    "population",
    "baseline",
    "line_state",
    "robots",
    "triggers",
    "policy",
];

/// The chapters of `[policy.playbook]`: lifecycle stages, and the purposes besides keeping the subscriber.
const CHAPTERS: [&str; 9] = [
    Stage::Acquire.name(),
    Stage::Promote.name(),
    Stage::Mature.name(),
    Stage::Decline.name(),
    Stage::Leave.name(),
    Stage::Churned.name(),
    Purpose::Care.name(),
    Purpose::Grow.name(),
    Purpose::WinBack.name(),
];

/// Reads and checks the engine's sections. What is wrong is noted.
pub(super) fn build(layers: &mut Layers, decoder: Option<&Decoder>) -> Option<Rules> {
    let window: Option<WindowRules> = layers.read("window");
    let calendar = window.as_ref().and_then(|window| calendar(layers, window));
    // In the form that the numbers of records get, so that the two can be equal.
    let number = |digits: &str| match decoder {
        Some(decoder) => decoder.number(digits),
        None => Number::from_digits(digits.as_bytes()),
    };
    let competitors = competitors(layers, &number);
    let population = layers.read("population");
    let baseline = layers.read("baseline");
    let line_state = layers.read("line_state");
    let robots = layers.read("robots");
    let triggers = triggers(layers);
    let policy = policy(layers);
    Some(Rules {
        version: version(layers)?,
        calendar: calendar?,
        window: window?,
        competitors: competitors?,
        population: population?,
        baseline: baseline?,
        line_state: line_state?,
        machines: robots?,
        triggers: triggers?,
        policy: policy?,
        shadow: None,
    })
}

fn calendar(layers: &mut Layers, window: &WindowRules) -> Option<Calendar> {
    match Calendar::new(&window.time_zone) {
        Ok(calendar) => Some(calendar),
        Err(error) => {
            let remedy = "write the name of an IANA time zone, such as Europe/Berlin or UTC";
            layers.problem(&Key::of("window.time_zone"), error.to_string(), remedy);
            None
        }
    }
}

/// `[operator]`: the numbers of all operators but our own.
fn competitors(layers: &mut Layers, number: &dyn Fn(&str) -> Number) -> Option<Competitors> {
    let own: String = layers.read("operator.name")?;
    let operators: BTreeMap<String, OperatorNumbers> = layers.read("operator.numbers")?;
    if !operators.contains_key(&own) {
        let known: Vec<_> = operators.keys().map(String::as_str).collect();
        let remedy = match known.is_empty() {
            true => "state the operators of the country in [operator.numbers]".to_owned(),
            false => format!(
                "{}, or add it to [operator.numbers]",
                suggestion(&own, &known)
            ),
        };
        let what = format!("`{own}` is not an operator of [operator.numbers]");
        layers.problem(&Key::of("operator.name"), what, remedy);
    }
    let mut foreign = |kind, of: fn(&OperatorNumbers) -> &[String]| {
        let owners = owners(layers, number, &operators, kind, of).into_iter();
        let foreign = owners.filter(|(_, operator)| *operator != own);
        foreign
            .map(|(number, operator)| (number, operator.to_owned()))
            .collect()
    };
    Some(Competitors {
        hotlines: foreign("hotlines", |numbers| &numbers.hotlines),
        marketing: foreign("marketing", |numbers| &numbers.marketing),
    })
}

/// Numbers of one kind, of all operators, and whose they are.
fn owners<'o>(
    layers: &mut Layers,
    number: &dyn Fn(&str) -> Number,
    operators: &'o BTreeMap<String, OperatorNumbers>,
    kind: &str,
    of: fn(&OperatorNumbers) -> &[String],
) -> BTreeMap<Number, &'o str> {
    let mut owners: BTreeMap<Number, &str> = BTreeMap::new();
    for (operator, numbers) in operators {
        let key = Key::of("operator.numbers").child(operator).child(kind);
        for digits in of(numbers) {
            let number = number(digits);
            if number == Number::OTHER {
                let what = format!("`{digits}` is not a telephone number");
                let remedy = "write 1 to 18 digits in national form, such as \"10086\"";
                layers.problem(&key, what, remedy);
                continue;
            }
            let other = owners.insert(number, operator);
            if let Some(other) = other.filter(|other| other != operator) {
                let what = format!("`{digits}` belongs to `{other}` as well");
                let remedy = "leave each number with the one operator it belongs to";
                layers.problem(&key, what, remedy);
            }
        }
    }
    owners
}

/// `[triggers.*]`, in the order of the registry.
fn triggers(layers: &mut Layers) -> Option<Vec<Box<dyn Trigger>>> {
    let mut triggers = Vec::new();
    for registration in REGISTRY {
        let key = Key::of("triggers").child(registration.name);
        let section = key.get(layers.table()).and_then(Value::as_table).cloned();
        match (registration.build)(section.unwrap_or_default()) {
            Ok(trigger) => {
                if let Some((name, rule)) = trigger.conflict() {
                    layers.refuse(&key.child(name), rule);
                }
                triggers.push(trigger);
            }
            Err(error) => {
                let remedy = "`churnwatch config` shows the section's keys and their ranges";
                layers.problem(&key, plain(&error), remedy);
            }
        }
    }
    (triggers.len() == REGISTRY.len()).then_some(triggers)
}

/// `[policy]`.
fn policy(layers: &mut Layers) -> Option<PolicyRules> {
    let policy: PolicyRules = layers.read("policy")?;
    let credit = Key::of("policy.credit");
    for (name, rows) in [
        ("tenure_points", &policy.credit.tenure_points),
        ("spend_points", &policy.credit.spend_points),
    ] {
        if !rows.is_sorted_by(|(a, _), (b, _)| a < b) {
            let what = "the first number of each pair must rise";
            layers.problem(
                &credit.child(name),
                what,
                "put the pairs in order, each bound once",
            );
        }
    }
    let names: Vec<_> = REGISTRY
        .iter()
        .map(|registration| registration.name)
        .collect();
    for name in policy.score.triggers.keys() {
        let key = Key::of("policy.score.triggers").child(name);
        layers.expect_name(&key, "a trigger", name, &names);
    }
    capacity::check(layers, &policy.capacity);
    words(layers, &policy, &names);
    Some(policy)
}

/// `[policy.playbook]` and `[policy.talk]`.
fn words(layers: &mut Layers, policy: &PolicyRules, triggers: &[&str]) {
    for (chapter, steps) in &policy.playbook {
        let key = Key::of("policy.playbook").child(chapter);
        layers.expect_name(
            &key,
            "a lifecycle stage, care, grow or win_back",
            chapter,
            &CHAPTERS,
        );
        for step in steps {
            let reasons = Motive::ALL.map(Motive::name);
            for name in &step.for_reasons {
                layers.expect_name(&key, "a reason", name, &reasons);
            }
            for name in step.for_triggers.iter().chain(&step.not_for_triggers) {
                layers.expect_name(&key, "a trigger", name, triggers);
            }
            if !is_action(&step.action) {
                let what = format!("`{}` is not an action's name", step.action);
                let remedy = "write small letters, digits and underscores, a letter first, at most 40 in all, such as \
                              \"tenure_reward\"";
                layers.problem(&key, what, remedy);
            }
            if step.zh.trim().is_empty() || step.en.trim().is_empty() {
                layers.problem(&key, "a step has no text", "write both `zh` and `en`");
            }
        }
    }
    let reasons =
        Motive::ALL.map(|motive| format!("{}_{}", Purpose::WinBack.name(), motive.name()));
    let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
    let others = [Talk::ANY, Talk::CARE_ONLY, Talk::GROUP, Talk::REFUSED];
    let chapters = [&CHAPTERS[..], &others, &reasons, triggers].concat();
    for (chapter, talk) in &policy.talk {
        let key = Key::of("policy.talk").child(chapter);
        let what = "a trigger, a lifecycle stage, care, grow, win_back, win_back_REASON, win_back_refused, group, care_only or any";
        layers.expect_name(&key, what, chapter, &chapters);
        for (part, text) in talk.parts() {
            if text.zh.trim().is_empty() || text.en.trim().is_empty() {
                let remedy = "write both `zh` and `en`";
                layers.problem(&key.child(part), "has no text", remedy);
            }
        }
    }
}

/// Whether a step may be called so; it may have no name at all.
fn is_action(name: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    name.is_empty() || (begins && name.len() <= 40 && name.chars().all(known))
}

/// Twelve hex digits of the fingerprint of the effective values, however they were written down.
fn version(layers: &mut Layers) -> Option<Arc<str>> {
    let canonical = canonical(layers, &some_of(layers, &SECTIONS))?;
    Some(format!("{:012x}", xxh3_64(canonical.as_bytes()) >> 16).into())
}

/// The effective values of everything that decides what becomes of a record; of the shadow rules those that may differ.
pub(super) fn text(layers: &mut Layers, beside: Option<&Layers>) -> Option<Arc<str>> {
    let mut sections = SECTIONS.to_vec();
    sections.push("decode");
    let mut table = some_of(layers, &sections);
    if let Some(beside) = beside {
        let own = some_of(beside, &shadow::SECTIONS);
        table.insert(shadow::NAME.to_owned(), Value::Table(own));
    }
    canonical(layers, &table).map(Arc::from)
}

/// The effective values of some sections.
fn some_of(layers: &Layers, sections: &[&str]) -> Table {
    let sections = sections.iter().filter_map(|name| {
        let value = layers.table().get(*name)?;
        Some(((*name).to_owned(), value.clone()))
    });
    sections.collect()
}

/// Values as TOML, the same for the same values.
fn canonical(layers: &mut Layers, table: &Table) -> Option<String> {
    match toml::to_string(table) {
        Ok(canonical) => Some(canonical),
        Err(error) => {
            layers.problem(
                &Key::root(),
                error.to_string(),
                "this is a fault of the program",
            );
            None
        }
    }
}
