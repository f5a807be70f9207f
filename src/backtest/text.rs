//! The report as text for a terminal.

use super::cohort::Scope;
use super::exposure::USUAL;
use super::labels::Origin;
use super::measures::{
    ALARM_RATE, ANY, FALSE_RATE, FOREWARNED, HARMLESS, LATE, LEAD_LEFT_OVER, LEAD_P50,
    LEAD_USE_OVER, PLACEBO_30, PRECISION, RECALL_14, RECALL_30,
};
use super::report::{ALL_TIERS, PAIR, Report, Row, SIMPLE_RULES, TOGETHER};
use crate::model::Tier;
use std::fmt::Write;

impl Report {
    /// The figures that matter first, as tables of plain text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        self.head(to)?;
        for rules in &self.rules {
            writeln!(to, "\n{} (rules {})", rules.name, rules.version)?;
            self.table(to, &rules.name)?;
            self.paths(to, &rules.name)?;
            self.tiers(to, &rules.name)?;
            self.leads_of(to, &rules.name)?;
            self.harmless(to, &rules.name)?;
            self.tasks(to, &rules.name)?;
        }
        writeln!(
            to,
            "\nsimple rules, regular subscribers; equal burden: as many alarms as {PAIR} of {}",
            self.rules.first().map_or("", |rules| rules.name.as_str())
        )?;
        self.table(to, SIMPLE_RULES)?;
        self.paths(to, SIMPLE_RULES)?;
        self.people(to)
    }

    fn head(&self, to: &mut String) -> std::fmt::Result {
        let data = &self.data;
        writeln!(
            to,
            "{} records of {} subscribers, {} to {}; {} regular, {} machines",
            data.records.records,
            data.subscribers,
            data.first_day,
            data.last_day,
            data.regular,
            data.machines
        )?;
        let list = |counts: &std::collections::BTreeMap<String, u64>| {
            let parts: Vec<_> = counts.iter().map(|(k, n)| format!("{k} {n}")).collect();
            parts.join(", ")
        };
        match self.labels.origin {
            Origin::Truth => writeln!(to, "labels from the truth file")?,
            Origin::Outcomes => writeln!(
                to,
                "no truth file: labels are task outcomes, cancellations and port-out applications; onset = 30 days before"
            )?,
        }
        writeln!(to, "  churn: {}", list(&self.labels.churn))?;
        writeln!(to, "  harmless: {}", list(&self.labels.harmless))?;
        for (kind, from, until) in &self.labels.city {
            writeln!(to, "  {kind}: {from} to {until}")?;
        }
        if self.labels.unknown > 0 {
            let unknown = self.labels.unknown;
            writeln!(
                to,
                "  {unknown} labels name subscribers without any record and were not used"
            )?;
        }
        Ok(())
    }

    fn table(&self, to: &mut String, rules: &str) -> std::fmt::Result {
        writeln!(
            to,
            "  {:<54}{:>7} {:>22} {:>7} {:>7} {:>7} {:>7} {:>8} {:>9} {:>9}",
            "regular subscribers",
            "alarms",
            "false/1000/30d",
            "precis.",
            "late",
            "rec.14",
            "rec.30",
            "placebo",
            "prec.act.",
            "prec.all"
        )?;
        for trigger in self.triggers_of(rules) {
            let row = |measure: &str| self.of_regular(rules, trigger, measure);
            let of = |scope| self.find(rules, trigger, scope, ANY, ALL_TIERS, PRECISION);
            let alarms = row(PRECISION).map_or(0, |row| row.count);
            writeln!(
                to,
                "  {trigger:<54}{alarms:>7} {:>22} {:>7} {:>7} {:>7} {:>7} {:>8} {:>9} {:>9}",
                interval(row(FALSE_RATE), 1),
                value(row(PRECISION), 3),
                value(row(LATE), 3),
                value(row(RECALL_14), 3),
                value(row(RECALL_30), 3),
                value(row(PLACEBO_30), 3),
                value(of(Scope::Active), 3),
                value(of(Scope::All), 3),
            )?;
        }
        Ok(())
    }

    /// Recall within 14 / 30 days and the median delay in days.
    fn paths(&self, to: &mut String, rules: &str) -> std::fmt::Result {
        let kinds: Vec<&str> = self.labels.churn.keys().map(String::as_str).collect();
        if kinds.is_empty() {
            return Ok(());
        }
        write!(to, "  {:<54}", "recall 14/30 days, median delay, by path")?;
        for kind in &kinds {
            write!(to, "{kind:>21}")?;
        }
        writeln!(to)?;
        for trigger in self.triggers_of(rules) {
            write!(to, "  {trigger:<54}")?;
            for kind in &kinds {
                let row = |measure: &str| {
                    self.find(rules, trigger, Scope::Regular, kind, ALL_TIERS, measure)
                };
                let cell = format!(
                    "{}/{} {:>3} d",
                    value(row(RECALL_14), 3),
                    value(row(RECALL_30), 3),
                    value(row("delay_days_p50"), 0)
                );
                write!(to, "{cell:>21}")?;
            }
            writeln!(to)?;
        }
        Ok(())
    }

    fn tiers(&self, to: &mut String, rules: &str) -> std::fmt::Result {
        for trigger in [PAIR, TOGETHER] {
            for tier in Tier::ALL.map(Tier::name) {
                let row =
                    |measure: &str| self.find(rules, trigger, Scope::Regular, ANY, tier, measure);
                writeln!(
                    to,
                    "  {trigger}, {tier}: precision {}, false alarms {}, alarms {}, recall 14/30 {}/{}",
                    value(row(PRECISION), 3),
                    interval(row(FALSE_RATE), 1),
                    interval(row(ALARM_RATE), 1),
                    value(row(RECALL_14), 3),
                    value(row(RECALL_30), 3),
                )?;
            }
        }
        Ok(())
    }

    fn leads_of(&self, to: &mut String, rules: &str) -> std::fmt::Result {
        for (trigger, scope) in [
            (PAIR, Scope::Regular),
            (TOGETHER, Scope::Regular),
            (TOGETHER, Scope::Active),
        ] {
            let row = |measure: &str| self.find(rules, trigger, scope, ANY, ALL_TIERS, measure);
            writeln!(
                to,
                "  {trigger}, {}: lead to last use {}/{}/{} h (p10/50/90), above 72 h {}; to leaving {}/{}/{} h, above 72 h {}; \
                 leavers alarmed more than 72 h before {}",
                scope.name(),
                value(row("lead_to_last_use_hours_p10"), 0),
                value(row("lead_to_last_use_hours_p50"), 0),
                value(row("lead_to_last_use_hours_p90"), 0),
                value(row(LEAD_USE_OVER), 3),
                value(row("lead_to_leaving_hours_p10"), 0),
                value(row(LEAD_P50), 0),
                value(row("lead_to_leaving_hours_p90"), 0),
                value(row(LEAD_LEFT_OVER), 3),
                value(row(FOREWARNED), 3),
            )?;
        }
        Ok(())
    }

    fn harmless(&self, to: &mut String, rules: &str) -> std::fmt::Result {
        for kind in self.labels.harmless.keys() {
            let row = self.find(rules, PAIR, Scope::Regular, kind, ALL_TIERS, HARMLESS);
            writeln!(
                to,
                "  {PAIR}, {kind}: alarmed {} of {}",
                interval(row, 3),
                row.map_or(0, |row| row.count)
            )?;
        }
        let kinds = self.labels.city.iter().map(|(kind, _, _)| kind.as_str());
        for kind in std::iter::once(USUAL).chain(kinds) {
            let row = self.find(rules, PAIR, Scope::Regular, kind, ALL_TIERS, FALSE_RATE);
            if row.is_some() {
                writeln!(to, "  {PAIR}, {kind}: false alarms {}", interval(row, 1))?;
            }
        }
        Ok(())
    }

    fn tasks(&self, to: &mut String, rules: &str) -> std::fmt::Result {
        let all = std::iter::once(ALL_TIERS).chain(Tier::ALL.map(Tier::name));
        let parts: Vec<String> = all
            .map(|tier| {
                let row = self.find(rules, TOGETHER, Scope::All, ANY, tier, "tasks_per_day");
                format!("{tier} {}", value(row, 2))
            })
            .collect();
        let row = |measure: &str| {
            let tier = Tier::Key.name();
            self.find(rules, TOGETHER, Scope::All, ANY, tier, measure)
        };
        writeln!(
            to,
            "  tasks a day: {}; per account manager and day: mean {}, most {}",
            parts.join(", "),
            value(row("tasks_per_manager_and_day_mean"), 3),
            value(row("tasks_per_manager_and_day_max"), 0)
        )
    }

    fn people(&self, to: &mut String) -> std::fmt::Result {
        writeln!(
            to,
            "\nhow irregular the people are{:>58}  real people",
            "here"
        )?;
        for statistic in &self.statistics {
            let value = statistic
                .value
                .map_or("-".to_owned(), |value| format!("{value:.2}"));
            writeln!(
                to,
                "  {:<74}{value:>10}  {}",
                statistic.name, statistic.real
            )?;
        }
        Ok(())
    }
}

/// A figure's value, or a dash.
pub(super) fn value(row: Option<&Row>, digits: usize) -> String {
    let value = row.and_then(|row| row.value);
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

/// A figure's value with its interval.
pub(super) fn interval(row: Option<&Row>, digits: usize) -> String {
    let Some(row) = row else {
        return "-".to_owned();
    };
    match (row.low, row.high) {
        (Some(low), Some(high)) => {
            format!(
                "{} ({low:.digits$}..{high:.digits$})",
                value(Some(row), digits)
            )
        }
        _ => value(Some(row), digits),
    }
}
