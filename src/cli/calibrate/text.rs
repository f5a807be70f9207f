//! What a calibration found, as text of 100 columns.

use crate::backtest::calibrate::{Burden, Calibration, Choice, Falls, Gain, HazardFit};
use crate::backtest::{
    Cohort, FEW, Reliability, Run, reliability_of_falls, reliability_of_scores, task_rate,
};
use crate::engine::Rules;
use crate::model::Tier;
use std::collections::BTreeMap;
use std::fmt::Write;
use toml::Table;

/// What is printed and written above the rules, and the warnings in it.
#[derive(Default)]
pub struct Findings {
    /// Lines of at most 100 columns.
    pub text: String,
    /// Each on one line.
    pub warnings: Vec<String>,
}

impl Findings {
    fn warn(&mut self, warning: String) {
        self.paragraph(&format!("warning: {warning}"));
        self.warnings.push(warning);
    }

    /// Adds a line, broken where it is too wide.
    fn paragraph(&mut self, line: &str) {
        let mut used = 0;
        for word in line.split(' ') {
            let length = word.chars().count() + 1;
            if used > 0 && used + length > WIDTH {
                self.text += "\n   ";
                used = 2;
            }
            self.text += if used == 0 { "  " } else { " " };
            self.text += word;
            used += length;
        }
        self.text.push('\n');
    }
}

/// The widest that a line gets, without the blanks before it.
const WIDTH: usize = 96;

/// Who left, and who says so.
pub fn labels(cohort: &Cohort<'_>, findings: &mut Findings) {
    let labels = cohort.labels;
    let _ = writeln!(findings.text, "Who left: {}.", labels.source());
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for episode in &labels.churn {
        *kinds.entry(labels.name(episode.kind)).or_default() += 1;
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, n)| format!("{kind} {n}"))
        .collect();
    if !kinds.is_empty() {
        findings.paragraph(&format!("by kind: {}", kinds.join(", ")));
    }
    for note in labels.notes() {
        findings.paragraph(&note);
    }
    if labels.churn.is_empty() {
        findings.warn(
            "nobody is known to have left: only the tasks are fitted to the budget, nothing is learnt"
                .to_owned(),
        );
    }
    findings.text.push('\n');
}

/// The hazards.
pub fn hazards(fit: &HazardFit, findings: &mut Findings) {
    let text = &mut findings.text;
    *text += "Hazards of line_state, for each day:\n";
    let _ = writeln!(
        text,
        "{:<24}{:>10}{:>10}{:>10}{:>16}",
        "", "before", "after", "seen", "in so many days"
    );
    for hazard in &fit.hazards {
        let name = format!("{}.{}", hazard.section, hazard.state.name());
        let _ = writeln!(
            text,
            "{name:<24}{:>10.5}{:>10.5}{:>10.1}{:>16.0}",
            hazard.before, hazard.after, hazard.seen, hazard.days
        );
    }
    let sample = match fit.one_in {
        1 => String::new(),
        n => format!(" (one regular subscriber in {n})"),
    };
    let falls = match fit.falls {
        Falls::ByKind => "are labelled beginnings.",
        Falls::ByFactor => {
            "have one factor, who left\nover who should have: no label is of kind drop, stop or decay."
        }
        Falls::Unlabelled => "stay, as nobody is known to have left.",
    };
    let _ = writeln!(
        text,
        "Those of harmless states are fitted to {} lines{sample}. Those of falls {falls}",
        fit.lines
    );
    text.push('\n');
}

/// The thresholds, each with what it reaches and what it costs.
pub fn thresholds(
    tried: &[Calibration],
    levels: &[Table],
    (given, best): (usize, usize),
    findings: &mut Findings,
) {
    let text = &mut findings.text;
    let Some(rules) = tried.get(given) else {
        return;
    };
    let _ = writeln!(
        text,
        "Thresholds, each with its tasks within the budget or as near to it as a least score brings them:\n\
         {:<28}{:>18}{:>16}{:>16}{:>22}",
        "  line_state.threshold",
        "reached in time",
        "gain +- error",
        "false alarms",
        "found in 14/30 days"
    );
    for (index, (calibration, level)) in tried.iter().zip(levels).enumerate() {
        let mark = if index == best { "*" } else { " " };
        let threshold = &level["line_state"]["threshold"]["usage_drop"]["key"];
        let (of_rules, gain) = match index == given {
            true => (" (of the rules)", String::new()),
            false => {
                let gain = Gain::of(calibration, rules);
                ("", format!("{:+} +- {:.1}", gain.more, gain.error))
            }
        };
        let share = |share: Option<f64>, cases| match share {
            Some(share) if cases >= FEW => format!("{share:.2}"),
            _ => "few".to_owned(),
        };
        let found = calibration.alarms.any().map_or("-".to_owned(), |found| {
            let soon = share(found.recall_14d, found.onsets_14d);
            format!("{soon}/{}", share(found.recall_30d, found.onsets_30d))
        });
        let _ = writeln!(
            text,
            "{:<28}{:>18}{gain:>16}{:>16.1}{found:>22}",
            format!("{mark} {threshold}{of_rules}"),
            format!("{} of {}", calibration.reached.len(), calibration.leaving),
            calibration.alarms.false_alarms_per_1000_30d,
        );
    }
    *text += "Reached in time: subscribers with a task after the onset and before the leaving. Error: of the gain,\n\
              if both reach equally many. False alarms for 1,000 subscribers and 30 days, and recall: of\n\
              usage_drop and zero_usage_days on regular subscribers.\n";
    *text += match best == given {
        true => {
            "No other reaches clearly more (a gain above 2.5 errors), so that of the rules stays.\n"
        }
        false => {
            "The one marked reaches clearly more than that of the rules: a gain above 2.5 errors.\n"
        }
    };
}

/// The weights and the tiers.
pub fn tables(best: &Calibration, findings: &mut Findings) {
    let text = &mut findings.text;
    let (samples, left) = best.samples;
    if left > 0.0 {
        let _ = writeln!(
            text,
            "\nWeights of the churn score, from {samples:.0} times 30 days of a subscriber; in {left:.0} of them the subscriber\n\
             left (base {:.2}, at risk from {:.3} on, critical from {:.3} on):\n\
             {:<24}{:>8}{:>8}{:>8}",
            best.base, best.severity.0, best.severity.1, "trigger", "before", "after", "+-"
        );
        for weight in &best.weights {
            let _ = writeln!(
                text,
                "{:<24}{:>8.2}{:>8.2}{:>8.2}",
                weight.trigger, weight.before, weight.after, weight.error
            );
        }
    } else if samples > 0.0 {
        *text += "\nNo label tells of somebody who left (left_at), so the weights stay.\n";
    } else {
        *text += "\nNobody has 30 days of data after the warm-up, so the weights stay.\n";
    }
    let _ = writeln!(
        text,
        "\nChurn tasks for 1,000 subscribers of a tier and 30 days, as expected:\n\
         {:<10}{:>9}{:>12}{:>9}{:>17}{:>20}",
        "tier", "budget", "least score", "tasks", "immediate alone", "precision"
    );
    for burden in &best.burdens {
        let budget = burden
            .budget
            .map_or("none".to_owned(), |n| format!("{n:.1}"));
        let precision = match burden.count as u64 {
            0 => "-".to_owned(),
            1..FEW => format!("few of {}", burden.count),
            _ => format!("{:.2} of {}", burden.precision, burden.count),
        };
        let _ = writeln!(
            text,
            "{:<10}{budget:>9}{:>12.3}{:>9.1}{:>17.1}{precision:>20}",
            burden.tier, burden.least_score, burden.tasks, burden.immediate
        );
        if burden.choice == Choice::NoDifference {
            *text += "  a least score makes no difference; the old one is kept\n";
        }
    }
}

/// The tasks of a replay of the calibrated rules.
pub fn measured(cohort: &Cohort<'_>, run: &Run, expected: &Calibration, findings: &mut Findings) {
    findings.text += "\nThe same, measured by replaying the calibrated rules:\n";
    for (tier, burden) in Tier::ALL.into_iter().zip(&expected.burdens) {
        let tasks = task_rate(cohort, run, tier);
        let _ = writeln!(
            findings.text,
            "{:<10}{tasks:>30.1} (expected {:.1})",
            tier.name(),
            burden.tasks
        );
        if let Some(warning) = of_budget(burden, tasks) {
            findings.warn(warning);
        }
    }
}

/// What is wrong with a budget under which so many tasks are opened.
fn of_budget(burden: &Burden, tasks: f64) -> Option<String> {
    let budget = burden.budget?;
    let why = match burden.choice {
        Choice::OverBudget => {
            "no least score holds these back, and those of usage_drop and zero_usage_days are held back already; \
             raise the budget, or make the triggers of single events stricter"
        }
        Choice::OnlyImmediate => {
            "that leaves no room for usage_drop and zero_usage_days; raise the budget"
        }
        _ if tasks > budget => "give a smaller budget to stay below this one",
        _ => return None,
    };
    Some(format!(
        "{}: of a budget of {budget:.1} tasks, immediate signals alone make {:.1}, and the written rules open \
         {tasks:.1}; {why}",
        burden.tier, burden.immediate
    ))
}

/// Whether P and the churn score of the calibrated rules come true on the events that they were learnt from.
pub fn meanings(cohort: &Cohort<'_>, run: &Run, rules: &Rules, findings: &mut Findings) {
    let of_falls = reliability_of_falls(cohort, "", run);
    let hazards = "the hazards of line_state do not fit these events, so read P as a ranking";
    meaning(&of_falls, "P of a fall", hazards, findings);
    let of_scores = reliability_of_scores(cohort, "", rules, run);
    let weights = "base and weights do not fit who left, so read the score as a ranking";
    meaning(&of_scores, "churn score", weights, findings);
}

fn meaning(of: &Reliability, name: &str, remedy: &str, findings: &mut Findings) {
    findings.text.push('\n');
    let _ = of.write(&mut findings.text);
    let sum = of.sum().filter(|_| !of.comes_true());
    if let Some(sum) = sum {
        findings.warn(format!(
            "{name}: {sum}; the exact interval excludes what was expected: {remedy}"
        ));
    }
}
