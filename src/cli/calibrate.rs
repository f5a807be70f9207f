//! `churnwatch calibrate`: rules that keep the tasks within a budget, from recorded events.

use super::arguments::{claim_outputs, effective, event_files, load_offline};
use super::failure::Failure;
use super::replay::RuleSets;
use super::sensitivity::{THRESHOLDS, given, merge, thresholds, with};
use super::terminal::{print, tell};
use crate::backtest::calibrate::{Budget, Calibration, Choice, calibrate};
use crate::backtest::{Cohort, Labels, Recording};
use crate::engine::Rules;
use crate::files::Output;
use crate::model::{Tier, Timestamp};
use crate::runtime::clock;
use clap::Args;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::{Table, Value};

/// Find thresholds and weights that keep the tasks within a budget, from recorded events
///
/// Replays events under several thresholds of the usage triggers side by side. For each one it learns the weights of the
/// churn score from which subscribers left, and finds for each tier the least score that keeps its tasks within the budget.
/// The threshold whose tasks reach the most leaving subscribers wins. Writes a rules file, replays it, and prints how many
/// tasks it really opens.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Calibrate {
    /// Event files in time order, plain, gzip or zstd, folders of them, or patterns
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    events: Vec<String>,
    /// Truth file, as for `backtest`; without it task outcomes, cancellations and port-out applications tell who left
    #[arg(long, value_name = "FILE")]
    truth: Option<String>,
    /// Configuration file to start from; keys that are not calibrated stay as they are [default: the defaults]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Most churn tasks for 1,000 subscribers of a tier and 30 days, such as key=60; may be repeated, once for each tier
    #[arg(long, required = true, value_name = "TIER=N", value_parser = parse_budget)]
    budget: Vec<(Tier, f64)>,
    /// Rules file to write
    #[arg(long, value_name = "FILE")]
    out: String,
    /// Replace the rules file to write, if it is there already
    #[arg(long)]
    force: bool,
    /// Do not change the weights of the churn score
    #[arg(long)]
    keep_weights: bool,
    /// First days of each subscriber that do not count, 0..365
    #[arg(long, value_name = "DAYS", default_value_t = 28, value_parser = clap::value_parser!(u16).range(0..=365))]
    warmup_days: u16,
    /// The present time: records dated after it are rejected [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = super::arguments::parse_now)]
    now: Option<Timestamp>,
}

const AFTER_HELP: &str = "\
What is changed in the rules:
  line_state.threshold                                                     of usage_drop and zero_usage_days together
  policy.score.base and policy.score.triggers.*.weight                     by a logistic regression
  policy.score.at_risk and critical                                        to be reached by as many signals as before
  policy.score.task_at                                                     the least score of a task, by tier
Where a change would make no difference the old value stays. A budget that cannot be kept, or is not, brings a warning.

How weights are learnt: a sample of every subscriber is taken once a week. The strengths of past firings, faded by the
half-lives of the rules, explain whether the subscriber was leaving on that day. The present weights are the prior, each with
a standard error of 1; a weight that would come out below zero is set to zero.

Example:
  churnwatch calibrate --events 2026-*.ndjson.gz --budget key=150 --budget ordinary=100 --budget small=80 --out next.toml
  churnwatch backtest --events 2026-*.ndjson.gz --rules now.toml --rules next.toml";

fn parse_budget(text: &str) -> Result<(Tier, f64), String> {
    let expected = "must be a tier and a number, such as key=60 (tiers: key, ordinary, small)";
    let (tier, number) = text.split_once('=').ok_or(expected)?;
    let tier = Tier::ALL.into_iter().find(|known| known.name() == tier);
    let number: f64 = number.parse().map_err(|_| expected)?;
    match tier {
        Some(tier) if number >= 0.0 && number.is_finite() => Ok((tier, number)),
        _ => Err(expected.to_owned()),
    }
}

impl Calibrate {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.events.iter().any(|path| path == "-") {
            let message =
                "calibrate reads the events twice, to check its result; give it files instead of -";
            return Err(Failure::Usage(message.to_owned()));
        }
        let events = event_files(&self.events)?;
        let inputs = events.iter().chain(&self.truth).map(String::as_str);
        let from = self.rules.as_deref().and_then(Path::to_str);
        claim_outputs(
            inputs.chain(from),
            &[("--out", Some(&*self.out))],
            self.force,
        )?;
        let config = load_offline(self.rules.as_deref())?;
        let rules = &config.rules;
        let base = RuleSets {
            sets: vec![("rules".to_owned(), Arc::clone(rules))],
            decoder: config.decoder.clone(),
        };
        let truth = self.truth.as_deref().map(|path| base.truth(path));
        let truth = truth.transpose()?;
        let now = self.now.unwrap_or_else(clock::now);
        let own = self.own_rules()?;
        let mut effective = effective(&config)?;
        // Shadow rules open no task and are not calibrated.
        effective.remove("shadow");
        // The one of the rules last: of equal ones it is kept.
        let mut levels: Vec<Table> = THRESHOLDS.map(thresholds).into();
        levels.push(given(&effective));
        let mut sets = Vec::new();
        for changes in &levels {
            sets.push((String::new(), with(&effective, changes)?));
        }
        let labels = |recording: &Recording, rules: &Rules| match &truth {
            Some(truth) => Labels::of_truth(truth, &recording.roster, &rules.calendar),
            None => Labels::of_outcomes(recording),
        };
        let mut budget: Budget = [None; Tier::ALL.len()];
        for (tier, number) in &self.budget {
            budget[*tier as usize] = Some(*number);
        }
        let learn = !self.keep_weights;
        let sets = RuleSets {
            sets,
            decoder: base.decoder.clone(),
        };
        tell!("replaying {} thresholds", levels.len());
        let recording = sets.replay(&events, now)?;
        let known = labels(&recording, rules);
        let cohort = Cohort::new(&recording, &known, &rules.calendar, self.warmup_days);
        let tried: Vec<Calibration> = sets
            .sets
            .iter()
            .zip(&recording.runs)
            .map(|((_, rules), run)| calibrate(&cohort, run, rules, &budget, learn))
            .collect();
        let best = (0..tried.len()).max_by_key(|level| {
            let calibration = &tried[*level];
            (calibration.within_budget(), calibration.found, *level)
        });
        let Some((best, level)) = best.and_then(|best| Some((tried.get(best)?, levels.get(best)?)))
        else {
            return Err(Failure::Failed("no threshold could be tried".to_owned()));
        };
        let mut changes = level.clone();
        merge(&mut changes, scores(best));

        let mut text = tables(&tried, &levels, best);
        let check = RuleSets {
            sets: vec![("calibrated".to_owned(), with(&effective, &changes)?)],
            decoder: base.decoder.clone(),
        };
        tell!("replaying the calibrated rules");
        let recording = check.replay(&events, now)?;
        let known = labels(&recording, rules);
        let cohort = Cohort::new(&recording, &known, &rules.calendar, self.warmup_days);
        text += &measured(&cohort, best);
        for warning in text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(WARNING))
        {
            tell!("{WARNING}{warning}");
        }

        let mut whole = own;
        merge(&mut whole, changes);
        let body = toml::to_string(&whole).map_err(|e| Failure::Failed(e.to_string()))?;
        let heading: String = text.lines().map(|line| format!("# {line}\n")).collect();
        let heading = heading.replace("# \n", "#\n");
        let mut output = Output::create(&self.out)?;
        output.line(
            format!("# Written by `churnwatch calibrate`.\n#\n{heading}\n{body}").as_bytes(),
        )?;
        output.finish()?;
        print(&format!("{text}\nwritten to {}\n", self.out))
    }

    /// The keys of the user's own file.
    fn own_rules(&self) -> Result<Table, Failure> {
        let Some(path) = &self.rules else {
            return Ok(Table::new());
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
        text.parse()
            .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
    }
}

/// The keys that a calibration changes.
fn scores(calibration: &Calibration) -> Table {
    let weights = calibration.weights.iter().map(|weight| {
        let section = Table::from_iter([("weight".to_owned(), Value::Float(weight.after))]);
        (weight.trigger.to_owned(), Value::Table(section))
    });
    let bars = calibration.burdens.iter();
    let bars = bars.map(|burden| (burden.tier.to_owned(), Value::Float(burden.least_score)));
    let score = Table::from_iter([
        ("base".to_owned(), Value::Float(calibration.base)),
        ("at_risk".to_owned(), Value::Float(calibration.severity.0)),
        ("critical".to_owned(), Value::Float(calibration.severity.1)),
        ("task_at".to_owned(), Value::Table(bars.collect())),
        ("triggers".to_owned(), Value::Table(weights.collect())),
    ]);
    let policy = Table::from_iter([("score".to_owned(), Value::Table(score))]);
    Table::from_iter([("policy".to_owned(), Value::Table(policy))])
}

/// The thresholds, the weights and the tiers, as text.
fn tables(tried: &[Calibration], levels: &[Table], best: &Calibration) -> String {
    let mut text = String::from("Thresholds, each with its tasks kept within the budget:\n");
    let (samples, leaving) = best.samples;
    for (index, (calibration, level)) in tried.iter().zip(levels).enumerate() {
        let mark = if std::ptr::eq(calibration, best) {
            "*"
        } else {
            " "
        };
        let threshold = &level["line_state"]["threshold"]["usage_drop"]["key"];
        let given = match index == THRESHOLDS.len() {
            true => " (that of the rules)",
            false => "",
        };
        let _ = writeln!(
            text,
            "{mark} line_state.threshold {threshold:>5}{given}: {} leaving subscribers reached",
            calibration.found,
        );
    }
    if tried.iter().all(|other| other.found == best.found) {
        text += "All reach the same number: the threshold makes no difference and is kept.\n";
    }
    let _ = writeln!(
        text,
        "\nWeights of the churn score, from {samples:.0} samples, {leaving:.0} of them of leaving subscribers (base {:.2},\n\
         at risk from {:.3} on, critical from {:.3} on):\n\
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
    let _ = writeln!(
        text,
        "\nChurn tasks for 1,000 subscribers of a tier and 30 days, as expected:\n\
         {:<10}{:>9}{:>12}{:>9}{:>17}{:>11}",
        "tier", "budget", "least score", "tasks", "immediate", "precision"
    );
    for burden in &best.burdens {
        let budget = burden
            .budget
            .map_or("none".to_owned(), |n| format!("{n:.1}"));
        let _ = writeln!(
            text,
            "{:<10}{budget:>9}{:>12.3}{:>9.1}{:>17.1}{:>11.2}",
            burden.tier, burden.least_score, burden.tasks, burden.immediate, burden.precision
        );
        let note = match burden.choice {
            Choice::Found | Choice::NoBudget => continue,
            Choice::NoDifference => {
                "a least score makes no difference; the old one is kept".to_owned()
            }
            Choice::OnlyImmediate => format!(
                "{WARNING}{}: the budget leaves no room for usage_drop and zero_usage_days; raise it",
                burden.tier
            ),
            Choice::OverBudget => format!(
                "{WARNING}{}: over budget by immediate signals alone; the old least score is kept\n  \
                 (no least score holds them back: raise the budget, or the thresholds of their triggers)",
                burden.tier
            ),
        };
        let _ = writeln!(text, "  {note}");
    }
    text
}

const WARNING: &str = "warning: ";

/// The tasks of a replay of the calibrated rules, as text.
fn measured(cohort: &Cohort<'_>, expected: &Calibration) -> String {
    let mut text = String::from("\nThe same, measured by replaying the calibrated rules:\n");
    for (tier, burden) in Tier::ALL.into_iter().zip(&expected.burdens) {
        let tasks = cohort.task_rate(tier);
        let _ = writeln!(
            text,
            "{:<10}{tasks:>30.1} (expected {:.1})",
            tier.name(),
            burden.tasks
        );
        if let Some(budget) = burden.budget.filter(|budget| tasks > *budget) {
            let _ = writeln!(
                text,
                "  {WARNING}{}: over the budget of {budget:.1}; give a smaller one to stay below it",
                tier.name()
            );
        }
    }
    text
}
