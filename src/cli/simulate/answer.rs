//! `churnwatch simulate answer`: what becomes of tasks, for trying what learns from outcomes.

use crate::cli::arguments::claim_outputs;
use crate::cli::failure::Failure;
use crate::cli::terminal::tell;
use crate::files::{Lines, Output};
use crate::model::plural;
use crate::sim::{AccountManagers, AnswerError, Scenario, SimError};
use std::path::PathBuf;

/// Write plausible outcomes of tasks: who was reached, stays, refuses or leaves
///
/// Reads the tasks that `detect` wrote for a simulated city and the city's ground truth, and writes one task_outcome record
/// or two for each task that somebody worked on, in the order of their time. The rates are under [outcomes] of the
/// scenario. The same files and options give the same outcomes; a detector never sees the ground truth.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub(super) struct Answer {
    /// Tasks, every revision, as `detect` and `run` publish them; - for standard input
    #[arg(long, value_name = "FILE")]
    tasks: String,

    /// Ground truth, as `simulate` writes it
    #[arg(long, value_name = "FILE")]
    truth: String,

    /// Where the outcomes go; - for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: String,

    /// Replace the output if it is there already
    #[arg(long)]
    force: bool,

    /// Seed of all chance
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Time zone of the working hours, by its IANA name
    #[arg(long, value_name = "ZONE", default_value = "Asia/Shanghai")]
    time_zone: String,

    /// Scenario to lay over the default: a TOML file with the keys that differ
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,

    /// Sets one key of the scenario, such as outcomes.reached_share=0.8; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Answer {
    /// Reads, answers and writes; a summary goes to standard error.
    pub(super) fn run(self) -> Result<(), Failure> {
        let inputs = [&*self.tasks, &*self.truth];
        claim_outputs(inputs, &[("--out", Some(&*self.out))], self.force)?;
        let scenario = Scenario::load(self.scenario.as_deref(), &self.set);
        let scenario = scenario.map_err(SimError::from)?;
        let mut managers = AccountManagers::new(&scenario, &self.time_zone, self.seed)?;
        each_line(&self.truth, |line| managers.add_truth_line(line))?;
        each_line(&self.tasks, |line| managers.add_task_line(line))?;
        let tasks = managers.tasks();
        let answers = managers.answers();
        let mut out = Output::create(&self.out)?;
        for answer in &answers {
            out.line(answer.json.as_bytes())?;
        }
        out.finish()?;
        tell!(
            "{} {} of {tasks} {}",
            answers.len(),
            plural(answers.len(), "outcome", "outcomes"),
            plural(tasks, "task", "tasks")
        );
        Ok(())
    }
}

fn each_line(
    path: &str,
    mut read: impl FnMut(&[u8]) -> Result<(), AnswerError>,
) -> Result<(), Failure> {
    let mut lines = Lines::open(path)?;
    let mut line = Vec::new();
    while let Some(number) = lines.next_into(&mut line)? {
        read(&line).map_err(|error| Failure::Failed(format!("{path}:{number}: {error}")))?;
    }
    Ok(())
}
