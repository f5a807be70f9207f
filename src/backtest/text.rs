//! The report as text, for a terminal of 100 columns.

use super::bootstrap::FEW;
use super::cohort::Scope;
use super::exposure::USUAL;
use super::labels;
use super::measures::{
    ANY, DELAY_DATA_P50, DELAY_OPERATOR_P50, FALSE_RATE, FOREWARNED, FOUND_AFTER, FOUND_BEFORE,
    HARMLESS, LATE, LEAD_LEFT_OVER, LEAD_P50, LEAD_USE_OVER, NOT_KNOWN_RATE, PLACEBO_30, PRECISION,
    RECALL_14, RECALL_30, RECOVERED_RATE, STAYED_LOW_RATE, WARNED,
};
use super::report::{ALL_TIERS, Curve, PAIR, Report, Row, SIMPLE_RULES, TOGETHER};
use super::workload::{
    MANAGER_MEAN, MANAGER_MOST, PER_1000, PER_DAY, REACHED, REACHED_72, TASK_PRECISION,
};
use super::wrap::wrapped;
use crate::model::{Tier, plural};
use std::fmt::{Result, Write};

/// Width of the names at the beginning of the lines.
const NAME: usize = 33;
/// Width of what stands behind them.
const CELLS: usize = 67;
/// Least width of the figures of one kind of churn.
const CELL: usize = 11;

impl Report {
    /// The figures that matter first, as tables of plain text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) -> Result {
        self.head(to)?;
        for rules in &self.rules {
            writeln!(to, "\n{} (rules {})", rules.name, rules.version)?;
            self.alarms(to, &rules.name)?;
            self.by_kind(to, &rules.name)?;
            self.leads_of(to, &rules.name)?;
            self.harmless(to, &rules.name)?;
            self.tasks(to, &rules.name)?;
            for of_rules in self
                .reliability
                .iter()
                .filter(|one| one.rules == rules.name)
            {
                of_rules.write(to)?;
            }
            for signs in self.signs.iter().filter(|one| one.rules == rules.name) {
                signs.write(to)?;
            }
            for win_back in self.win_back.iter().filter(|one| one.rules == rules.name) {
                win_back.write(to)?;
            }
        }
        writeln!(
            to,
            "\nsimple rules; at equal burden as many alarms as {PAIR} of {}",
            self.rules.first().map_or("", |rules| rules.name.as_str())
        )?;
        self.alarms(to, SIMPLE_RULES)?;
        self.by_kind(to, SIMPLE_RULES)?;
        self.thresholds(to)?;
        self.people(to)
    }

    fn head(&self, to: &mut String) -> Result {
        let data = &self.data;
        writeln!(
            to,
            "{} {} of {} {}, {} to {}\n{} regular, {} of them with data; {} {}",
            data.records.records,
            plural(data.records.records, "record", "records"),
            data.subscribers,
            plural(data.subscribers, "subscriber", "subscribers"),
            data.first_day,
            data.last_day,
            data.regular,
            data.with_data,
            data.machines,
            plural(data.machines, "machine", "machines")
        )?;
        writeln!(to, "who left: {}", self.labels.origin.words())?;
        let list = |counts: &std::collections::BTreeMap<String, u64>| {
            let parts = counts.iter().map(|(kind, n)| format!("{kind} {n}"));
            match counts.is_empty() {
                true => "none".to_owned(),
                false => wrapped(parts, "    "),
            }
        };
        writeln!(to, "  churn: {}", list(&self.labels.churn))?;
        writeln!(to, "  harmless: {}", list(&self.labels.harmless))?;
        for (kind, from, until) in &self.labels.city {
            writeln!(to, "  {kind}: {from} to {until}")?;
        }
        for note in labels::notes(self.labels.unknown, self.labels.repeated) {
            writeln!(to, "  {note}")?;
        }
        writeln!(
            to,
            "figures are of regular subscribers where nothing else is said; few: less than {FEW} cases"
        )
    }

    /// One line for each trigger, and for parts of the subscribers.
    fn alarms(&self, to: &mut String, rules: &str) -> Result {
        writeln!(
            to,
            "  {:<30}{:>6}{:>21}{:>7}{:>7}{:>7}{:>6}{:>7}{:>7}",
            "", "alarms", "false/1000/30d", "recov.", "low", "later", "right", "rec.14", "rec.30"
        )?;
        let all = (Scope::Regular, ALL_TIERS);
        for trigger in self.triggers_of(rules) {
            self.alarm_line(to, trigger, rules, trigger, all)?;
            if trigger == PAIR && rules != SIMPLE_RULES {
                for (name, scope) in PARTS {
                    self.alarm_line(to, name, rules, PAIR, (scope, ALL_TIERS))?;
                }
            }
        }
        if rules == SIMPLE_RULES {
            return Ok(());
        }
        for tier in Tier::ALL.map(Tier::name) {
            let (name, part) = (format!("  {tier}"), (Scope::Regular, tier));
            self.alarm_line(to, &name, rules, TOGETHER, part)?;
        }
        let placebo = |trigger| {
            let row = self.of_regular(rules, trigger, PLACEBO_30);
            format!("{} (n {})", share(row), row.map_or(0, |row| row.count))
        };
        let onsets = [RECALL_14, RECALL_30].map(|measure| {
            let row = self.of_regular(rules, TOGETHER, measure);
            row.map_or(0, |row| row.count)
        });
        writeln!(
            to,
            "  false = recovered (use is back within 14 days) + stayed low + later (not known yet)\n  \
             onsets of rec.14 and rec.30: {} and {}\n  \
             rec.30 by chance (placebo): {} of {PAIR}, {} of {TOGETHER}",
            onsets[0],
            onsets[1],
            placebo(PAIR),
            placebo(TOGETHER)
        )
    }

    fn alarm_line(
        &self,
        to: &mut String,
        name: &str,
        rules: &str,
        trigger: &str,
        (scope, tier): (Scope, &str),
    ) -> Result {
        let row = |measure: &str| self.find(rules, trigger, scope, ANY, tier, measure);
        let alarms = row(PRECISION).map_or(0, |row| row.count);
        let rate = |measure: &str| value(row(measure), 1);
        writeln!(
            to,
            "  {name:<30}{alarms:>6}{:>21}{:>7}{:>7}{:>7}{:>6}{:>7}{:>7}",
            interval(row(FALSE_RATE), 1),
            rate(RECOVERED_RATE),
            rate(STAYED_LOW_RATE),
            rate(NOT_KNOWN_RATE),
            share(row(PRECISION)),
            share(row(RECALL_14)),
            share(row(RECALL_30)),
        )
    }

    /// Recall and delay of each kind of churn, in as many blocks as the width asks for.
    fn by_kind(&self, to: &mut String, rules: &str) -> Result {
        let kinds: Vec<&str> = self.labels.churn.keys().map(String::as_str).collect();
        let longest = kinds.iter().map(|kind| kind.len() + 1).max();
        let width = longest.unwrap_or_default().max(CELL);
        for kinds in kinds.chunks((CELLS / width).max(1)) {
            let line = |to: &mut String, name: &str, cell: &dyn Fn(&str) -> String| {
                write!(to, "{name:<NAME$}")?;
                for kind in kinds {
                    write!(to, "{:>width$}", cell(kind))?;
                }
                writeln!(to)
            };
            line(to, "recall within 14/30 days", &|kind| kind.to_owned())?;
            let cell = |trigger: &str, scope: Scope, kind: &str, measures: [&str; 2]| {
                let row =
                    |measure: &str| self.find(rules, trigger, scope, kind, ALL_TIERS, measure);
                measures.map(row)
            };
            let recall = |trigger: &str, scope: Scope, kind: &str| {
                let [soon, late] = cell(trigger, scope, kind, [RECALL_14, RECALL_30]);
                format!("{}/{}", share(soon), share(late))
            };
            if rules != SIMPLE_RULES {
                line(to, "  onsets", &|kind| {
                    let counts = cell(PAIR, Scope::Regular, kind, [RECALL_14, RECALL_30]);
                    let [soon, late] = counts.map(|row| row.map_or(0, |row| row.count));
                    format!("{soon}/{late}")
                })?;
            }
            for trigger in self.triggers_of(rules) {
                line(to, &format!("  {trigger}"), &|kind| {
                    recall(trigger, Scope::Regular, kind)
                })?;
                if trigger == PAIR && rules != SIMPLE_RULES {
                    for (name, scope) in PARTS {
                        line(to, &format!("  {name}"), &|kind| recall(PAIR, scope, kind))?;
                    }
                }
            }
            if rules == SIMPLE_RULES {
                continue;
            }
            writeln!(to, "median delay in data/operator's days")?;
            for trigger in [PAIR, TOGETHER] {
                line(to, &format!("  {trigger}"), &|kind| {
                    let days = [DELAY_DATA_P50, DELAY_OPERATOR_P50];
                    match cell(trigger, Scope::Regular, kind, days) {
                        [Some(data), Some(raised)] if data.count >= FEW => {
                            format!("{}/{}", value(Some(data), 0), value(Some(raised), 0))
                        }
                        [Some(_), _] => "few".to_owned(),
                        _ => "-".to_owned(),
                    }
                })?;
            }
        }
        Ok(())
    }

    fn leads_of(&self, to: &mut String, rules: &str) -> Result {
        writeln!(
            to,
            "{:<33}{:>20}{:>7}{:>20}{:>7}{:>12}",
            "hours of lead, p10/50/90", "to last use", ">72 h", "to leaving", ">72 h", "warned*"
        )?;
        for (name, trigger, scope) in [
            (PAIR, PAIR, Scope::Regular),
            (TOGETHER, TOGETHER, Scope::Regular),
            ("together, active", TOGETHER, Scope::Active),
        ] {
            let row = |measure: &str| self.find(rules, trigger, scope, ANY, ALL_TIERS, measure);
            let hours = |measures: [&str; 3]| match row(measures[1]) {
                Some(middle) if middle.count >= FEW => {
                    let hours = measures.map(|measure| value(row(measure), 0));
                    hours.join("/")
                }
                Some(_) => "few".to_owned(),
                None => "-".to_owned(),
            };
            let warned = row(FOREWARNED);
            let leavers = warned.map_or(0, |row| row.count);
            writeln!(
                to,
                "  {name:<31}{:>20}{:>7}{:>20}{:>7}{:>12}",
                hours([
                    "lead_to_last_use_hours_p10",
                    "lead_to_last_use_hours_p50",
                    "lead_to_last_use_hours_p90",
                ]),
                share(row(LEAD_USE_OVER)),
                hours([
                    "lead_to_leaving_hours_p10",
                    LEAD_P50,
                    "lead_to_leaving_hours_p90"
                ]),
                share(row(LEAD_LEFT_OVER)),
                format!("{} of {leavers}", share(warned)),
            )?;
        }
        writeln!(
            to,
            "  * leavers with an alarm more than 72 hours before\n\
             {:<33}{:>10}{:>14}{:>13}{:>8}{:>22}",
            "share of the alarms",
            "alarms",
            "right, before",
            "right, after",
            "late",
            "leavers warned before"
        )?;
        for trigger in [PAIR, TOGETHER] {
            let row = |measure: &str| self.of_regular(rules, trigger, measure);
            let warned = row(WARNED);
            let leavers = warned.map_or(0, |row| row.count);
            writeln!(
                to,
                "  {trigger:<31}{:>10}{:>14}{:>13}{:>8}{:>22}",
                row(LATE).map_or(0, |row| row.count),
                share(row(FOUND_BEFORE)),
                share(row(FOUND_AFTER)),
                share(row(LATE)),
                format!("{} of {leavers}", share(warned)),
            )?;
        }
        writeln!(
            to,
            "  before: raised before the leaving; after: after it, but with a basis within 30 days of the\n  \
             onset; late: with a basis after the leaving and later than that"
        )
    }

    fn harmless(&self, to: &mut String, rules: &str) -> Result {
        let line = |to: &mut String, kind: &str, cell: String, n: u64| {
            writeln!(to, "  {kind:<30}{cell:>27}{n:>9}")
        };
        if !self.labels.harmless.is_empty() {
            let name = format!("harmless, alarmed by {PAIR}");
            writeln!(to, "{name:<59}{:>9}", "episodes")?;
        }
        for kind in self.labels.harmless.keys() {
            let row = self.find(rules, PAIR, Scope::Regular, kind, ALL_TIERS, HARMLESS);
            let n = row.map_or(0, |row| row.count);
            let cell = match n {
                FEW.. => interval(row, 2),
                _ => share(row),
            };
            line(to, kind, cell, n)?;
        }
        let kinds = self.labels.city.iter().map(|(kind, _, _)| kind.as_str());
        let mut kinds: Vec<&str> = kinds.collect();
        kinds.sort_unstable();
        kinds.dedup();
        if !kinds.is_empty() {
            let name = format!("false/1000/30d of {PAIR}, on days");
            writeln!(to, "{name:<59}{:>9}", "days")?;
            kinds.insert(0, USUAL);
        }
        for kind in kinds {
            let row = self.find(rules, PAIR, Scope::Regular, kind, ALL_TIERS, FALSE_RATE);
            line(to, kind, interval(row, 1), row.map_or(0, |row| row.count))?;
        }
        Ok(())
    }

    fn tasks(&self, to: &mut String, rules: &str) -> Result {
        writeln!(
            to,
            "{:<27}{:>7}{:>9}{:>10}{:>14}{:>20}{:>11}",
            "tasks after the warm-up",
            "tasks",
            "a day",
            "/1000/30d",
            "precision*",
            "leavers reached**",
            ">72 h"
        )?;
        for tier in std::iter::once(ALL_TIERS).chain(Tier::ALL.map(Tier::name)) {
            let row = |measure: &str| self.find(rules, TOGETHER, Scope::All, ANY, tier, measure);
            let tasks = row(PER_DAY).map_or(0, |row| row.count);
            let reached = row(REACHED);
            let leavers = reached.map_or(0, |row| row.count);
            writeln!(
                to,
                "  {tier:<25}{tasks:>7}{:>9}{:>10}{:>14}{:>20}{:>11}",
                value(row(PER_DAY), 2),
                value(row(PER_1000), 1),
                share(row(TASK_PRECISION)),
                format!("{} of {leavers}", share(reached)),
                share(row(REACHED_72)),
            )?;
        }
        let row = |measure: &str| {
            let tier = Tier::Key.name();
            self.find(rules, TOGETHER, Scope::All, ANY, tier, measure)
        };
        writeln!(
            to,
            "  * of the tasks, those opened after an onset and before the leaving\n  \
             ** of those who left, those with such a task, and with one more than 72 hours before\n  \
             per account manager and day: mean {}, most {}",
            value(row(MANAGER_MEAN), 3),
            value(row(MANAGER_MOST), 0)
        )
    }

    /// The first rules at several thresholds, if they were replayed.
    fn thresholds(&self, to: &mut String) -> Result {
        let ours = |curve: &&Curve| curve.rules != SIMPLE_RULES;
        for curve in self.frontier.iter().filter(ours) {
            let [first, _, ..] = curve.points.as_slice() else {
                continue;
            };
            let kinds: Vec<&str> = first.kinds.keys().map(String::as_str).collect();
            let longest = kinds.iter().map(|kind| kind.len() + 1).max();
            let width = longest.unwrap_or_default().max(CELL - 1);
            writeln!(
                to,
                "\n{} of {} at several thresholds: recall within 14/30 days",
                curve.trigger, curve.rules
            )?;
            for kinds in kinds.chunks(((CELLS + 7) / width).max(1)) {
                write!(to, "  {:>12}{:>12}", curve.threshold, "false")?;
                for kind in kinds {
                    write!(to, "{kind:>width$}")?;
                }
                writeln!(to)?;
                for point in &curve.points {
                    let rate = point.false_alarms_per_1000_30d;
                    write!(to, "  {:>12}{rate:>12.1}", point.cut)?;
                    for kind in kinds {
                        let cell = point.kinds.get(*kind).map_or("-".to_owned(), |found| {
                            let share = |share: Option<f64>, n| match share {
                                Some(share) if n >= FEW => format!("{share:.2}"),
                                _ => "few".to_owned(),
                            };
                            let soon = share(found.recall_14d, found.onsets_14d);
                            format!("{soon}/{}", share(found.recall_30d, found.onsets_30d))
                        });
                        write!(to, "{cell:>width$}")?;
                    }
                    writeln!(to)?;
                }
            }
        }
        Ok(())
    }

    fn people(&self, to: &mut String) -> Result {
        writeln!(
            to,
            "\n{:<67}{:>9}{:>9}  real people",
            "how irregular the people are", "here", "n"
        )?;
        for statistic in &self.statistics {
            let value = statistic.printed().unwrap_or("-".to_owned());
            let line = format!(
                "  {:<65}{value:>9}{:>9}  {}",
                statistic.name, statistic.count, statistic.real
            );
            writeln!(to, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The parts of the regular subscribers whose figures stand under all of them.
const PARTS: [(&str, Scope); 2] = [
    ("  with data", Scope::WithData),
    ("  without data", Scope::WithoutData),
];

/// A figure's value, or a dash.
fn value(row: Option<&Row>, digits: usize) -> String {
    let value = row.and_then(|row| row.value);
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

/// A share, if it rests on enough cases.
fn share(row: Option<&Row>) -> String {
    match row {
        Some(row) if (1..FEW).contains(&row.count) => "few".to_owned(),
        row => value(row, 2),
    }
}

/// A figure's value with its interval.
fn interval(row: Option<&Row>, digits: usize) -> String {
    match row.map(|row| (row.low, row.high)) {
        Some((Some(low), Some(high))) => {
            format!("{} ({low:.digits$}..{high:.digits$})", value(row, digits))
        }
        _ => value(row, digits),
    }
}
