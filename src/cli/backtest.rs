//! `churnwatch backtest`: how good rules are on recorded events.

use super::arguments::{LayoutArgs, claim_outputs, effective, event_files};
use super::failure::Failure;
use super::replay::{RuleSets, measurable};
use super::sensitivity::{NAME, THRESHOLDS, thresholds, with};
use super::terminal::{print, tell};
use crate::backtest::{Cohort, Labels, Settings, Sweep, evaluate};
use crate::files::{FileError, Output};
use crate::model::Timestamp;
use crate::runtime::clock;
use clap::Args;
use std::path::PathBuf;

/// Measure rules on recorded events: what they find, how early, and how many false alarms they raise
///
/// Runs the real engine over event files, once for each rules file and side by side, and compares its alarms with what is
/// known about who left: a truth file, or without one the task outcomes, cancellations and port-out applications among the
/// events. The simple rules that people build first (a week below half of the month before, some days without usage, chance)
/// are measured beside it, at their usual settings and at equal burden.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Backtest {
    /// Event files in time order, plain, gzip or zstd, folders of them, or patterns; - for standard input
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    events: Vec<String>,
    /// Truth file: one label a line with msisdn, class, kind and from
    #[arg(long, value_name = "FILE")]
    truth: Option<String>,
    /// Configuration file to measure; may be given several times [default: the defaults]
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    layouts: LayoutArgs,
    /// Replay the first rules at other thresholds of the usage triggers too, for the frontier: takes several times as long
    #[arg(long)]
    frontier: bool,
    /// Write the report as a web page, all in one file
    #[arg(long, value_name = "FILE")]
    report: Option<String>,
    /// Write everything as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Write all figures as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<String>,
    /// Replace outputs that are there already
    #[arg(long)]
    force: bool,
    /// First days of each subscriber that do not count: the rules are still learning
    #[arg(long, value_name = "DAYS", default_value_t = 28, value_parser = clap::value_parser!(u16).range(0..=365))]
    warmup_days: u16,
    /// Seed of all random draws: intervals, placebo, random alarms
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Random draws for the intervals; 0 for no intervals
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    replicates: u32,
    /// The present time: records dated after it are rejected [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = super::arguments::parse_moment)]
    now: Option<Timestamp>,
}

const AFTER_HELP: &str = "\
Truth file, one line each (users can label their own data with the first four fields):
  {\"msisdn\":\"8613800138000\",\"class\":\"churn\",\"kind\":\"stop\",\"from\":\"2026-05-04T00:00:00+08:00\",
   \"last_use_at\":null,\"left_at\":\"2026-05-20T11:00:00+08:00\",\"until\":null}
  class is churn (to be found), harmless (looks like churn), note (ignored) or city (concerns everybody; msisdn null).

What the figures mean:
  alarm      a firing of a trigger; repeats do not count, and one after the record of a cancellation or
             port-out application counts for recall only
  basis      what the alarm had seen: one event, or a day up to its end
  stream     each trigger; usage_drop+zero_usage_days and `together` (all churn triggers) with a joint cool-down of 30
             days, which an onset ends
  found      the basis lies after an onset, and before the leaving or within 30 days of the onset
  late       the basis lies after the leaving, and more than 30 days after the onset
  false      the basis lies before any onset, so also during a harmless episode; counted per 1,000 subscribers and 30
             days, over the days before an onset. Of a rule about use it is
               recovered      if use comes back within the 14 days after the alarm's day: the mean of seven days in a row
                              among them is at least 0.6 of the old level, the mean of the 28 days before the fall. The
                              fall begins on the day of the last 28 that best divides use before it from use after it
               stayed low     if not: a change of life that no truth file knows
               not known yet  if the data do not have all 14 days
  precision  found / all alarms. Of those found, the alarms raised before the leaving and those raised after it stand side
             by side
  tasks      churn tasks after the warm-up. Precision: the share opened after an onset and before the leaving. A leaver is
             reached with such a task
  delay      in data days, from the onset to the basis of the first alarm: the alarm on three silent days has a delay of 3;
             in operator's days, from the onset to the day on which the alarm is raised, usually one more
  recall     share of onsets with a delay of at most 14 or 30 data days; onsets too close to the end are left out
  regular    subscribers with an event a day on average, for 30 days and more, without machines
  with data  regular ones with a data session a week or more on average; the others are without
  active     alarms and onsets of subscribers who had used the line within the three days before
  placebo    the same alarms compared with onsets of other, random subscribers: what chance would find
  intervals  95 %, from drawing subscribers anew; exact (Clopper-Pearson) with fewer than 10 cases on either side
  few        shares and medians of fewer than 20 cases are not printed; --json and --csv have them with their count
  frontier   false alarms against recall: the first rules at several thresholds (--frontier; a higher one is less easily
             alarmed) and the simple rules at several thresholds
  P          the model's probability of a fall at the alarm of the usage triggers, in bands, with the share of the alarms
             that were found, or after which use stayed low. It is true only as far as the hazards of line_state fit. Late
             alarms and those of which it is not known yet are left out; how many is printed
  churn score  the score of every subscriber every 30 days, without a signal and in ten parts of equal number with one, beside
             the share that left within 30 days, which it is meant to be; lift is that share over the share among all
  sign       a trigger with a weight in the churn score: how many of its alarms were followed by a leaving within 30 days, the
             lift of that over the share of all who leave within 30 days, and how many of those who left had it within 30 days
             before
  winning back  of those who left after the warm-up by the labels: for how many a step of a plan was due afterwards, how many
             have a task of it, how many days after the leaving the first one came, and who used the line again on two days
             and more. Without a task: not_seen, the records do not show the loss; ported and not_open, nobody may ask;
             not_due, no step by the end of the data; over, too long ago; else what suppressed the signal. A plan is wrong
             where the labels know of no leaving before it
  expected   the sum of P or of the score over all cases, beside how many were seen, with the exact interval
  Without a truth file the onset is taken to be 30 days before the leaving. Equal labels count once. Refused with exit
  status 2: events without a usable record, a warm-up as long as the data, and a truth file of which fewer than half of the
  labels name a subscriber with records.

Examples:
  churnwatch backtest --events city/events.ndjson.zst --truth city/truth.ndjson --frontier --report report.html
  churnwatch config > now.toml
  churnwatch backtest --events 2026-*.ndjson.gz --rules now.toml --rules next.toml --csv figures.csv";

impl Backtest {
    pub(super) fn run(self) -> Result<(), Failure> {
        let outputs = [
            ("--report", self.report.as_deref()),
            ("--json", self.json.as_deref()),
            ("--csv", self.csv.as_deref()),
        ];
        let rules = RuleSets::load(&self.rules, &self.layouts)?;
        let events = event_files(&self.events, rules.decoder.layouts())?;
        let inputs = events.iter().chain(&self.truth).map(String::as_str);
        let files = self.rules.iter().filter_map(|path| path.to_str());
        claim_outputs(inputs.chain(files), &outputs, self.force)?;
        // A mistake in the truth file should show now, not after an hour of replaying.
        let truth = self.truth.as_deref().map(|path| rules.truth(path));
        let truth = truth.transpose()?;
        let now = self.now.unwrap_or_else(clock::now);
        let watch = clock::Stopwatch::start();
        let mut all = rules.clone();
        let sweep = self.sweep(&mut all)?;
        let recording = all.replay(&events, now)?;
        let replayed = watch.elapsed().as_secs_f64();
        let calendar = rules.sets.first().map(|(_, rules)| &rules.calendar);
        let labels = match (&truth, calendar) {
            (Some(truth), Some(calendar)) => Labels::of_truth(truth, &recording.roster, calendar),
            _ => Labels::of_outcomes(&recording),
        };
        if let Some(calendar) = calendar {
            let cohort = Cohort::new(&recording, &labels, calendar, self.warmup_days);
            measurable(&cohort, self.warmup_days, self.truth.as_deref())?;
        }
        let settings = Settings {
            seed: self.seed,
            replicates: self.replicates,
            warmup_days: self.warmup_days,
        };
        let Some(report) = evaluate(&recording, &labels, &rules.sets, &sweep, settings) else {
            return Err(Failure::Usage("no rules were given".to_owned()));
        };
        for (path, text) in [
            (&self.json, report.json()),
            (&self.csv, report.csv()),
            (&self.report, report.page()),
        ] {
            if let Some(path) = path {
                write(path, &text)?;
            }
        }
        tell!(
            "replayed in {replayed:.1} s, measured in {:.1} s",
            watch.elapsed().as_secs_f64() - replayed
        );
        print(&report.text())
    }

    /// Adds the first rules at every threshold, if they are wanted.
    fn sweep(&self, rules: &mut RuleSets) -> Result<Sweep, Failure> {
        if !self.frontier {
            return Ok(Sweep::default());
        }
        let first = self
            .layouts
            .load_offline(self.rules.first().map(PathBuf::as_path))?;
        let keys = effective(&first)?;
        for threshold in THRESHOLDS {
            let swept = with(&keys, &thresholds(threshold))?;
            rules.sets.push((threshold.to_string(), swept));
        }
        Ok(Sweep {
            threshold: NAME,
            cuts: THRESHOLDS.to_vec(),
        })
    }
}

fn write(path: &str, text: &str) -> Result<(), FileError> {
    let mut output = Output::create(path)?;
    output.line(text.trim_end().as_bytes())?;
    output.finish()
}
