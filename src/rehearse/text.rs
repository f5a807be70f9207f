//! The report as text for a terminal.

use super::loads::mean;
use super::report::{EndFigures, Load, Report};
use crate::engine::{GroupComparison, GroupFates};
use crate::model::{Level, Purpose, Suppression, Verdict, plural};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Queues shown by name.
const QUEUES: usize = 8;

/// The columns of task outcomes.
const COLUMNS: [&str; 11] = [
    "opened",
    "reached",
    "saved",
    "refused",
    "lost",
    "churned",
    "recovered",
    "contacted",
    "returned",
    "expired",
    "other",
];

impl Report {
    /// All figures, as tables of plain text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        self.head(to)?;
        self.opened(to)?;
        self.people(to)?;
        self.lateness(to)?;
        self.signals(to)?;
        self.closed(to)?;
        self.triggers(to)?;
        self.contacts(to)?;
        self.uplift(to)
    }

    fn head(&self, to: &mut String) -> std::fmt::Result {
        let (city, records) = (&self.city, &self.records);
        writeln!(
            to,
            "{} {}, {} to {}: {} {}, after {} {} of warm-up; rules {}",
            city.subscribers,
            plural(city.subscribers, "subscriber", "subscribers"),
            city.first_day,
            city.last_day,
            city.days,
            plural(city.days, "day", "days"),
            city.warm_up_days,
            plural(city.warm_up_days, "day", "days"),
            self.rules_version
        )?;
        writeln!(
            to,
            "{} {}, warm-up included: applied {} (late {}), duplicate {}, expired {}, ignored {}, rejected {}",
            records.records,
            plural(records.records, "record", "records"),
            records.applied,
            records.late,
            records.duplicate,
            records.expired,
            records.ignored,
            records.dead_lettered
        )?;
        let tasks = &self.tasks;
        writeln!(
            to,
            "tasks: {} open at the start + {} opened + {} opened again = {} closed + {} open at the end; {} corrected",
            tasks.open_at_start,
            tasks.opened,
            tasks.reopened,
            tasks.closed,
            tasks.open_at_end,
            tasks.corrected
        )
    }

    fn opened(&self, to: &mut String) -> std::fmt::Result {
        writeln!(
            to,
            "\n{:<22}{:>8}{:>8}{:>9}{:>7}{:>15}",
            "tasks opened", "all", "urgent", "a day", "most", "budget a day"
        )?;
        for row in self.opened.iter().filter(|row| row.opened > 0) {
            writeln!(
                to,
                "  {:<20}{:>8}{:>8}{:>9.2}{:>7}{:>15}",
                format!("{} {}", row.purpose, row.tier),
                row.opened,
                row.urgent,
                row.per_day_mean,
                row.per_day_most,
                row.budget_per_day
            )?;
        }
        let found = &self.candidates;
        writeln!(
            to,
            "  over budget or capacity: {} {} had to wait; {} got a task later, {} lapsed, {} wait at the end",
            found.put_off,
            plural(found.put_off, "candidate", "candidates"),
            found.placed,
            found.lapsed,
            found.waiting
        )
    }

    fn people(&self, to: &mut String) -> std::fmt::Result {
        let managers = &self.managers;
        write!(
            to,
            "\n{:<30}{:>8}{:>9}{:>8}{:>7}{:>11}{:>11}{:>11}",
            "account managers",
            "tasks",
            "a day",
            "median",
            "most",
            "can take",
            "days over",
            "as deputy"
        )?;
        row(to, &Purpose::ALL.map(Purpose::name))?;
        let name = format!("{} with tasks (mean of each)", managers.managers);
        write!(
            to,
            "  {name:<28}{:>8}{:>9.2}{:>8}{:>7}{:>11}{:>11}{:>11}",
            managers.opened,
            managers.per_day_mean,
            "",
            managers.per_day_most,
            "",
            managers.days_over,
            managers.as_deputy
        )?;
        let days = self.city.days as usize * managers.managers as usize;
        a_day(to, &managers.purposes, days)?;
        loads(to, &managers.busiest, self.city.days)?;
        writeln!(to, "tasks without a manager, by queue")?;
        let queues = self.queues.get(..QUEUES).unwrap_or(&self.queues);
        loads(to, queues, self.city.days)?;
        let others = self.queues.get(QUEUES..).unwrap_or_default();
        if !others.is_empty() {
            let opened: u64 = others.iter().map(|load| load.opened).sum();
            let name = format!(
                "{} further {}",
                others.len(),
                plural(others.len(), "queue", "queues")
            );
            writeln!(to, "  {name:<28}{opened:>8}")?;
        }
        let changed = &self.capacity;
        writeln!(
            to,
            "  capacity: {} new {} to deputies, {} urgent over capacity; {} passed on for absence",
            changed.to_deputies,
            plural(changed.to_deputies, "task", "tasks"),
            changed.over_capacity,
            changed.passed_on
        )
    }

    fn lateness(&self, to: &mut String) -> std::fmt::Result {
        writeln!(
            to,
            "\n{:<22}{:>8}{:>8}{:>9}",
            "no contact by due_at", "tasks", "late", "share"
        )?;
        for row in self.opened.iter().filter(|row| row.judged > 0) {
            let name = format!("{} {}", row.purpose, row.tier);
            let share = 100.0 * row.overdue as f64 / row.judged as f64;
            writeln!(
                to,
                "  {name:<20}{:>8}{:>8}{share:>8.1}%",
                row.judged, row.overdue
            )?;
        }
        let rungs = [
            Level::Supervisor,
            Level::RegionalManager,
            Level::DeputyGeneralManager,
        ];
        let rungs = rungs.map(|rung| {
            let count = self.escalations.get(rung.name()).copied();
            format!("{} {}", rung.name(), count.unwrap_or_default())
        });
        writeln!(to, "  escalated to: {}", rungs.join(", "))
    }

    fn signals(&self, to: &mut String) -> std::fmt::Result {
        by_purpose_head(to, "signals")?;
        by_purpose(to, "opened or revised a task", &self.signals_used)?;
        for reason in Suppression::ALL.map(Suppression::name) {
            if let Some(counts) = self.suppressed.get(reason) {
                by_purpose(to, &format!("suppressed: {reason}"), counts)?;
            }
        }
        Ok(())
    }

    fn closed(&self, to: &mut String) -> std::fmt::Result {
        by_purpose_head(to, "tasks closed")?;
        for (reason, counts) in &self.closed {
            by_purpose(to, reason, counts)?;
        }
        let list = |counts: &mut dyn Iterator<Item = (&str, u64)>| {
            let parts: Vec<String> = counts.map(|(name, n)| format!("{name} {n}")).collect();
            parts.join(", ")
        };
        let outcomes = list(&mut self.outcomes.iter().map(|(name, n)| (*name, *n)));
        writeln!(to, "  outcomes reported: {outcomes}")?;
        let reasons = list(&mut self.confirmed_reasons.iter().map(|(k, n)| (k.as_str(), *n)));
        if !reasons.is_empty() {
            writeln!(to, "  reasons confirmed: {reasons}")?;
        }
        Ok(())
    }

    fn triggers(&self, to: &mut String) -> std::fmt::Result {
        write!(to, "\n{:<28}", "task outcomes")?;
        for title in COLUMNS {
            write!(to, "{title:>10}")?;
        }
        writeln!(to, "{:>10}", "precision")?;
        ends(to, &self.purposes)?;
        writeln!(to, "by trigger: a task counts for each of its reasons")?;
        ends(to, &self.triggers)
    }

    fn contacts(&self, to: &mut String) -> std::fmt::Result {
        let contacts = &self.contacts;
        writeln!(
            to,
            "\n{} {} with {} {}; the most with one subscriber within {} {}:",
            contacts.contacts,
            plural(contacts.contacts, "contact", "contacts"),
            contacts.subscribers,
            plural(contacts.subscribers, "subscriber", "subscribers"),
            contacts.window_days,
            plural(contacts.window_days, "day", "days")
        )?;
        for row in &contacts.highest {
            writeln!(
                to,
                "  {:<20}churn {}, care and growth {}, all {}; cap {}",
                row.tier, row.churn, row.care_and_grow, row.all, row.cap
            )?;
        }
        Ok(())
    }
}

impl Report {
    fn uplift(&self, to: &mut String) -> std::fmt::Result {
        let Some(uplift) = &self.uplift else {
            return Ok(());
        };
        writeln!(
            to,
            "\n{:<32}{:>20}{:>20}{:>24}",
            "what tasks achieve", "with a task: left", "held out: left", "kept of 100 (95 %)"
        )?;
        compared(to, "all", &uplift.total)?;
        for row in &uplift.triggers {
            compared(to, &row.trigger, &row.total)?;
        }
        Ok(())
    }
}

fn compared(to: &mut String, name: &str, horizons: &[GroupComparison]) -> std::fmt::Result {
    for it in horizons {
        let of = |fates: &GroupFates| format!("{} of {}", fates.left, fates.left + fates.stayed);
        let said = match it.comparison.difference {
            Some(d) if it.comparison.verdict != Verdict::TooFew => format!(
                "{:.1} ({:.1} to {:.1})",
                100.0 * d.value,
                100.0 * d.low,
                100.0 * d.high
            ),
            _ => "too few".to_owned(),
        };
        let name = format!("{name}, {} days", it.days);
        let (with_task, held_out) = (of(&it.with_task), of(&it.held_out));
        writeln!(to, "  {name:<30}{with_task:>20}{held_out:>20}{said:>24}")?;
    }
    Ok(())
}

/// So many tasks a day, for each purpose.
fn a_day(to: &mut String, purposes: &BTreeMap<&str, u64>, days: usize) -> std::fmt::Result {
    let of = |purpose: Purpose| purposes.get(purpose.name()).copied().unwrap_or_default();
    row(
        to,
        &Purpose::ALL.map(|purpose| format!("{:.2}", mean(of(purpose), days))),
    )
}

fn loads(to: &mut String, loads: &[Load], days: u32) -> std::fmt::Result {
    for load in loads {
        write!(
            to,
            "  {:<28}{:>8}{:>9.2}{:>8}{:>7}{:>11}{:>11}{:>11}",
            load.name,
            load.opened,
            load.per_day_mean,
            load.per_day_median,
            load.per_day_most,
            match load.capacity_per_day {
                0 => "-".to_owned(),
                some => some.to_string(),
            },
            load.days_over,
            load.as_deputy
        )?;
        a_day(to, &load.purposes, days as usize)?;
    }
    Ok(())
}

fn by_purpose_head(to: &mut String, title: &str) -> std::fmt::Result {
    write!(to, "\n{title:<36}")?;
    row(to, &Purpose::ALL.map(Purpose::name))
}

fn by_purpose(to: &mut String, name: &str, counts: &BTreeMap<&str, u64>) -> std::fmt::Result {
    let count = |purpose: Purpose| counts.get(purpose.name()).copied().unwrap_or_default();
    write!(to, "  {name:<34}")?;
    row(to, &Purpose::ALL.map(count))
}

/// A figure for each purpose.
fn row(to: &mut String, figures: &[impl std::fmt::Display]) -> std::fmt::Result {
    for figure in figures {
        write!(to, "{figure:>9}")?;
    }
    writeln!(to)
}

fn ends(to: &mut String, rows: &[EndFigures]) -> std::fmt::Result {
    for row in rows {
        write!(to, "  {:<26}", row.name)?;
        for count in COLUMNS {
            let count = row.counts.get(count).copied().unwrap_or_default();
            write!(to, "{count:>10}")?;
        }
        let precision = row.precision.map_or("-".to_owned(), |p| format!("{p:.3}"));
        writeln!(to, "{precision:>10}")?;
    }
    Ok(())
}
