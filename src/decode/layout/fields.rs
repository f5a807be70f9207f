//! How the fields of a layout are made.

use super::compiler::Compiler;
use super::kind::{self, Kind};
use super::moment::{self, Moment, TimeFormat};
use super::plan::{Origin, Target, Variant};
use super::quantity::Quantity;
use super::spec::{FieldSpec, OneOrMany, Scalar, VariantSpec};
use super::step::{self, Step, Table};
use crate::decode::body;
use crate::decode::field::Field;
use crate::layers::{Key, list, suggestion};
use jiff::tz::TimeZone;
use regex::Regex;
use std::collections::BTreeMap;

/// The unit of durations such as `1:02:03`.
const CLOCK: &str = "hh:mm:ss";
/// Decimals of an amount of money in a record.
const MONEY_DECIMALS: u32 = 2;
/// Without these a record says nothing.
const ESSENTIAL: [Field; 4] = [
    Field::RecordType,
    Field::RecordId,
    Field::Msisdn,
    Field::EventTimestamp,
];

impl Compiler<'_> {
    pub(super) fn variant(
        &mut self,
        key: &Key,
        variant: VariantSpec,
        common: &BTreeMap<String, FieldSpec>,
    ) -> Variant {
        let when = self.conditions(&key.child("when"), variant.when);
        let shared = common
            .iter()
            .filter(|(name, _)| !variant.fields.0.contains_key(*name));
        let shared = shared.map(|(name, spec)| (Key::of("fields"), name, spec));
        let own = variant
            .fields
            .0
            .iter()
            .map(|(name, spec)| (key.child("fields"), name, spec));
        let mut targets: Vec<Target> = Vec::new();
        let mut plan = Vec::new();
        for (at, name, spec) in shared.chain(own) {
            let mut at = at;
            for part in name.split('.') {
                at = at.child(part);
            }
            let Some(field) = Field::ALL
                .iter()
                .copied()
                .find(|field| field.name() == name)
            else {
                let names: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
                self.problem(&at, "is no field", suggestion(name, &names));
                continue;
            };
            let Some(target) = self.target(&at, field, spec.clone()) else {
                continue;
            };
            match name.strip_prefix("plan.") {
                Some(_) => plan.push(target),
                None => targets.push(target),
            }
        }
        if !plan.is_empty() {
            targets.push(Target {
                field: Field::Plan,
                kind: Kind::Text,
                when: Vec::new(),
                required: false,
                origin: Origin::Object(plan),
                steps: Vec::new(),
            });
        }
        let statement = targets
            .iter()
            .any(|target| target.field == Field::CompleteUntil);
        let lacks = |field: &&Field| targets.iter().all(|target| target.field != **field);
        let lacking: Vec<&str> = ESSENTIAL
            .iter()
            .filter(lacks)
            .map(|field| field.name())
            .collect();
        if !statement && !lacking.is_empty() {
            let remedy = "every record needs them; a record without an id of its own takes `record_id = { hash = [...] }`";
            self.problem(
                &key.child("fields"),
                format!("makes no {}", list(&lacking)),
                remedy,
            );
        }
        Variant {
            name: variant.name,
            when,
            targets,
        }
    }

    fn target(&mut self, key: &Key, field: Field, spec: FieldSpec) -> Option<Target> {
        let origin = self.origin(key, field, &spec)?;
        let when = self.conditions(&key.child("when"), spec.when.clone());
        let required = spec.required;
        Some(Target {
            field,
            kind: kind::of(field),
            when,
            required,
            origin,
            steps: self.steps(key, field, spec),
        })
    }

    fn origin(&mut self, key: &Key, field: Field, spec: &FieldSpec) -> Option<Origin> {
        let hash_of_record = matches!(&spec.hash, Some(OneOrMany::One(name)) if name == "record");
        let mut origins = Vec::new();
        if let Some(from) = spec.from.clone() {
            origins.push(Origin::First(self.slots(from.into_vec())));
        }
        if let Some(parts) = spec.join.clone() {
            let between = spec.with.clone().unwrap_or_else(|| " ".to_owned());
            origins.push(Origin::Joined(self.slots(parts), between));
        }
        if let Some(entries) = spec.list.clone() {
            origins.push(Origin::List(self.slots(entries.into_vec())));
        }
        match spec.hash.clone() {
            Some(_) if hash_of_record => origins.push(Origin::HashOfRecord),
            Some(parts) => origins.push(Origin::Hash(self.slots(parts.into_vec()))),
            None => {}
        }
        if let Some(value) = &spec.value {
            let mut json = String::new();
            step::write(&value.text(), kind::of(field), &mut json);
            origins.push(Origin::Constant(json));
        }
        if origins.len() != 1 {
            let remedy = "say where its value is: { from = \"a\" }, { from = [\"a\", \"b\"] } for the first that has one, \
                          { join = [\"a\", \"b\"], with = \" \" }, { list = [\"a\", \"b\"] }, { hash = [\"a\", \"b\"] } or \
                          { value = \"a\" }";
            let what = if origins.is_empty() {
                "has no origin"
            } else {
                "has several origins"
            };
            self.problem(key, what, remedy);
            return None;
        }
        let is_list = kind::of(field) == Kind::List;
        if spec.list.is_some() && !is_list {
            self.problem(
                key,
                "is no list",
                "write `from`, or `join` for one text of several",
            );
        }
        if is_list && spec.list.is_none() && spec.from.is_none() {
            self.problem(
                key,
                "is a list",
                "write `list`, or `from` where the record has a list",
            );
        }
        if let Some(value) = &spec.value {
            self.known(&key.child("value"), field, &value.text());
        }
        origins.pop()
    }

    /// Notes a value that is none of those the field may have.
    fn known(&mut self, key: &Key, field: Field, value: &str) {
        let known = body::names(field);
        if !known.is_empty() && !known.contains(&value) {
            let what = format!("`{value}` is no {}", field.name());
            self.problem(key, what, suggestion(value, &known));
        }
    }

    fn steps(&mut self, key: &Key, field: Field, spec: FieldSpec) -> Vec<Step> {
        let mut steps = Vec::new();
        let texts = |texts: Option<OneOrMany<String>>| texts.map(OneOrMany::into_vec);
        steps.extend(spec.read.map(Step::Read));
        steps.extend(texts(spec.strip_prefix).map(Step::StripPrefix));
        steps.extend(texts(spec.strip_suffix).map(Step::StripSuffix));
        steps.extend(spec.remove.map(Step::Remove));
        for replace in spec.replace.map(OneOrMany::into_vec).unwrap_or_default() {
            match Regex::new(&replace.pattern) {
                Ok(pattern) => steps.push(Step::Replace(pattern, replace.with)),
                Err(error) => {
                    let what = format!("`{}` is no regular expression: {error}", replace.pattern);
                    self.problem(
                        &key.child("replace"),
                        what.replace('\n', " "),
                        "docs/layouts.md says how it is written",
                    );
                }
            }
        }
        if spec.otherwise.is_some() && spec.values.is_none() {
            self.problem(
                &key.child("otherwise"),
                "would take the place of every value",
                "add `values`, or write `value` for a constant",
            );
        }
        if spec.values.is_some() || spec.otherwise.is_some() {
            let known = spec.values.unwrap_or_default();
            for value in known.values().chain(&spec.otherwise).map(Scalar::text) {
                if !value.is_empty() {
                    self.known(&key.child("values"), field, &value);
                }
            }
            let value = |value: &Scalar| Some(value.text()).filter(|value| !value.is_empty());
            steps.push(Step::Table(Table {
                values: known
                    .iter()
                    .map(|(text, known)| (text.clone(), value(known)))
                    .collect(),
                otherwise: spec.otherwise.as_ref().map(value),
                json: false,
            }));
        }
        steps.extend(self.quantity(key, field, spec.unit.as_deref(), spec.decimal.as_deref()));
        if let Some(formats) = texts(spec.time) {
            let zone = self.zone_of(&key.child("zone"), spec.zone.as_deref());
            steps.extend(self.moments(&key.child("time"), field, &formats, zone));
        }
        if let Some(Step::Table(table)) = steps.last_mut() {
            table.end_with(kind::of(field));
        }
        steps
    }

    fn quantity(
        &mut self,
        key: &Key,
        field: Field,
        unit: Option<&str>,
        decimal: Option<&str>,
    ) -> Option<Step> {
        if unit.is_none() && decimal.is_none() {
            return None;
        }
        let kind = kind::of(field);
        let units = kind::units(kind);
        let mut names: Vec<&str> = units.iter().map(|unit| unit.name).collect();
        if field == Field::DurationSeconds {
            if unit == Some(CLOCK) {
                return Some(Step::Clock);
            }
            names.push(CLOCK);
        }
        let found = units
            .iter()
            .find(|known| unit.is_some_and(|unit| unit == known.name));
        if unit.is_some() && found.is_none() {
            let what = match names.is_empty() {
                true => "is no quantity".to_owned(),
                false => format!("cannot be in `{}`", unit.unwrap_or_default()),
            };
            let remedy = match names.is_empty() {
                true => "leave `unit` out".to_owned(),
                false => format!("choose one of {}", list(&names)),
            };
            self.problem(&key.child("unit"), what, remedy);
            return None;
        }
        let decimal = decimal.unwrap_or(".");
        let mut letters = decimal.chars();
        let (Some(point), None) = (letters.next(), letters.next()) else {
            self.problem(
                &key.child("decimal"),
                "is not one character",
                "write \",\" or \".\"",
            );
            return None;
        };
        Some(Step::Quantity(Quantity {
            decimal: point,
            times: found.map_or(1, |unit| unit.times),
            of: found.map_or(1, |unit| unit.of),
            decimals: if kind == Kind::Money {
                MONEY_DECIMALS
            } else {
                0
            },
        }))
    }

    fn moments(
        &mut self,
        key: &Key,
        field: Field,
        formats: &[String],
        zone: Option<TimeZone>,
    ) -> Option<Step> {
        let kind = kind::of(field);
        if !matches!(
            kind,
            Kind::Moment | Kind::Day | Kind::Month | Kind::MonthDay
        ) {
            self.problem(key, "the field is no time", "leave `time` out");
            return None;
        }
        let mut moments = Vec::new();
        for text in formats {
            let format = match TimeFormat::parse(text) {
                Ok(format) => format,
                Err(what) => {
                    let remedy = format!(
                        "write a pattern such as \"%Y-%m-%d %H:%M:%S\", or one of {}",
                        list(&moment::NAMES)
                    );
                    self.problem(key, format!("`{text}` {what}"), remedy);
                    continue;
                }
            };
            if kind == Kind::Moment && format.is_local() && zone.is_none() {
                let remedy = "set `zone`, such as \"Asia/Shanghai\", for the field or at the top of the file";
                self.problem(
                    key,
                    format!("`{text}` has no offset, and no time zone is stated"),
                    remedy,
                );
            }
            moments.push(Moment {
                format,
                zone: zone.clone(),
                kind,
            });
        }
        Some(Step::Moment(moments))
    }
}
