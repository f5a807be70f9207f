//! `churnwatch calibrate`: rules that keep the tasks within a budget, from recorded events.

mod text;

use super::arguments::{LayoutArgs, claim_outputs, effective, event_files};
use super::failure::Failure;
use super::replay::{RuleSets, measurable};
use super::sensitivity::{self, THRESHOLDS, given, merge, thresholds, with};
use super::terminal::{print, tell};
use crate::backtest::calibrate::{Budget, Calibration, calibrate, choose, fit_hazards};
use crate::backtest::{Cohort, Labels, Recording};
use crate::files::Output;
use crate::model::{Tier, Timestamp};
use crate::runtime::clock;
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use text::Findings;
use toml::{Table, Value};

/// Find thresholds and weights that keep the tasks within a budget, from recorded events
///
/// Replays events once to fit the hazards of line_state, and then under several thresholds of the usage triggers side by
/// side. For each one it learns the weights of the churn score from which subscribers left, and finds for each tier the least
/// score that keeps its tasks within the budget, or as near to it as can be. The threshold of the rules stays unless another
/// clearly reaches more leaving subscribers before they leave. Writes a rules file, replays it, and prints how many tasks it
/// really opens, and what P and the churn score came to on these events.
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
    #[command(flatten)]
    layouts: LayoutArgs,
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
    /// Do not change the hazards of line_state
    #[arg(long)]
    keep_hazards: bool,
    /// First days of each subscriber that do not count, 0..365
    #[arg(long, value_name = "DAYS", default_value_t = 28, value_parser = clap::value_parser!(u16).range(0..=365))]
    warmup_days: u16,
    /// The present time: records dated after it are rejected [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = super::arguments::parse_moment)]
    now: Option<Timestamp>,
}

const AFTER_HELP: &str = "\
What is changed in the rules:
  line_state.onset and back                                                the hazards of each state
  line_state.threshold                                                     of usage_drop and zero_usage_days together
  policy.score.base and policy.score.triggers.*.weight                     by a logistic regression
  policy.score.at_risk and critical                                        to be reached by as many signals as before
  policy.score.task_at                                                     the least score of a task, by tier
Where a change would make no difference the old value stays. A budget that cannot be kept, or is not, brings a warning: the
least score is then the one that comes nearest to it. Immediate signals need no least score.

Which threshold is taken: that of the rules, unless another reaches clearly more leaving subscribers by a task after the onset and
before the leaving. The gain is how many only the other reaches, less how many only that of the rules does; it is clear
if it is more than 2.5 times the square root of the two together.

How hazards are fitted: those of drifts and absences by expectation and maximisation, from what each day of regular
subscribers says of each state; days from a labelled fall on are left out, and of more than 20,000 lines a sample is taken.
Those of falls by counting labels of kind drop, stop and decay; without any, all three by one factor, who left over who should
have. The present hazards are the prior, worth 3,000 person-days.

How weights are learnt: a sample of every subscriber is taken once a week. The strengths of past firings, faded by the
half-lives of the rules, explain whether the subscriber left within the next 30 days; that is what the churn score is meant to
be the probability of. As these days overlap, a sample counts 7/30. All signs are weighed together, so each counts for what it adds to
the others. The present weights are the prior, each with a standard error of 1; a weight that would come out below zero is set to
zero.

What P and the score come to is printed with the number expected and seen. A warning says where the exact interval of what
was seen does not hold what was expected.

Example:
  churnwatch config > now.toml
  churnwatch calibrate --events 2026-*.ndjson.gz --rules now.toml --budget key=150 --budget ordinary=100 --budget small=80 \
    --out next.toml
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
            let message = "calibrate reads the events several times; give it files instead of -";
            return Err(Failure::Usage(message.to_owned()));
        }
        let config = self.layouts.load_offline(self.rules.as_deref())?;
        let events = event_files(&self.events, config.decoder.layouts())?;
        let inputs = events.iter().chain(&self.truth).map(String::as_str);
        let from = self.rules.as_deref().and_then(Path::to_str);
        claim_outputs(
            inputs.chain(from),
            &[("--out", Some(&*self.out))],
            self.force,
        )?;
        let rules = &config.rules;
        let base = RuleSets {
            sets: vec![("rules".to_owned(), Arc::clone(rules))],
            decoder: config.decoder.clone(),
            again: false,
        };
        let truth = self.truth.as_deref().map(|path| base.truth(path));
        let truth = truth.transpose()?;
        let now = self.now.unwrap_or_else(clock::now);
        let own = self.own_rules()?;
        let mut effective = effective(&config)?;
        // Shadow rules open no task and are not calibrated.
        effective.remove("shadow");
        let label = |recording: &Recording| match &truth {
            Some(truth) => Labels::of_truth(truth, &recording.roster, &rules.calendar),
            None => Labels::of_outcomes(recording),
        };
        let budget = self.budget()?;
        let mut findings = Findings::default();
        let mut hazards = Table::new();
        if !self.keep_hazards {
            tell!("replaying the rules for the hazards");
            let recording = base.replay_lines(&events, now)?;
            let labels = label(&recording);
            let cohort = Cohort::new(&recording, &labels, &rules.calendar, self.warmup_days);
            measurable(&cohort, self.warmup_days, self.truth.as_deref())?;
            let mut fit = fit_hazards(&cohort, rules);
            hazards = sensitivity::hazards(&mut fit);
            text::hazards(&fit, &mut findings);
            merge(&mut effective, hazards.clone());
        }
        let mut levels: Vec<Table> = THRESHOLDS.map(thresholds).into();
        let of_rules = levels.len();
        levels.push(given(&effective));
        let mut sets = Vec::new();
        for changes in &levels {
            sets.push((String::new(), with(&effective, changes)?));
        }
        let learn = !self.keep_weights;
        let sets = RuleSets {
            sets,
            decoder: base.decoder.clone(),
            again: !self.keep_hazards,
        };
        tell!("replaying {} thresholds", levels.len());
        let recording = sets.replay(&events, now)?;
        let labels = label(&recording);
        let cohort = Cohort::new(&recording, &labels, &rules.calendar, self.warmup_days);
        measurable(&cohort, self.warmup_days, self.truth.as_deref())?;
        let tried: Vec<Calibration> = sets
            .sets
            .iter()
            .zip(&recording.runs)
            .map(|((_, rules), run)| calibrate(&cohort, run, rules, &budget, learn))
            .collect();
        let place = choose(&tried, of_rules);
        let Some((best, level)) = tried.get(place).zip(levels.get(place)) else {
            return Err(Failure::Failed("no threshold could be tried".to_owned()));
        };
        text::labels(&cohort, &mut findings);
        text::thresholds(&tried, &levels, (of_rules, place), &mut findings);
        text::tables(best, &mut findings);
        let mut changes = hazards;
        merge(&mut changes, level.clone());
        merge(&mut changes, scores(best));
        let calibrated = with(&effective, &changes)?;
        let check = RuleSets {
            sets: vec![("calibrated".to_owned(), Arc::clone(&calibrated))],
            decoder: base.decoder.clone(),
            again: true,
        };
        tell!("replaying the calibrated rules");
        let recording = check.replay(&events, now)?;
        let labels = label(&recording);
        let cohort = Cohort::new(&recording, &labels, &rules.calendar, self.warmup_days);
        if let Some(run) = recording.runs.first() {
            text::measured(&cohort, run, best, &mut findings);
            text::meanings(&cohort, run, &calibrated, &mut findings);
        }
        let Findings { text, warnings } = findings;
        for warning in warnings {
            tell!("warning: {warning}");
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

    /// The budget of each tier.
    fn budget(&self) -> Result<Budget, Failure> {
        let mut budget: Budget = [None; Tier::ALL.len()];
        for (tier, number) in &self.budget {
            if budget[*tier as usize].replace(*number).is_some() {
                let name = tier.name();
                let message = format!("--budget {name}=... is given twice; give it once");
                return Err(Failure::Usage(message));
            }
        }
        Ok(budget)
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
