//! What must hold at the end, whatever went wrong: read off the topics alone, as anybody could.

mod books;
mod fold;
mod output;
mod replay;
mod told;

#[cfg(test)]
mod tests;

pub use fold::equals_a_plain_fold;

use super::world::World;
use churnwatch::config::Ruleset;
use churnwatch::encode::Form;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Names of the topics that are judged, and rulesets by their text: making rules takes longer than using them here.
pub struct OutputOracle {
    pub tasks: String,
    pub signals: String,
    pub shadow_signals: String,
    pub dead_letters: String,
    pub erasures: String,
    /// What shards tell each other.
    pub groups: String,
    /// In which form all but dead letters must be.
    pub form: Form,
    rulesets: RefCell<BTreeMap<String, Ruleset>>,
}

/// What a world came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    pub records: u64,
    pub transactions: u64,
    pub tasks: u64,
    pub signals: u64,
    pub shadow_signals: u64,
    pub dead_letters: u64,
    pub manifests: u64,
    pub epochs: u64,
    /// Records that shards told each other.
    pub told: u64,
}

impl OutputOracle {
    /// A judge of the topics of tasks, signals, shadow signals, dead letters and erasures.
    pub fn new(outputs: [&str; 5]) -> Self {
        let [tasks, signals, shadow_signals, dead_letters, erasures] = outputs.map(str::to_owned);
        Self {
            tasks,
            signals,
            shadow_signals,
            dead_letters,
            erasures,
            groups: "churnwatch.groups".to_owned(),
            form: Form::Json,
            rulesets: RefCell::default(),
        }
    }

    /// The topics judged.
    pub fn topics(&self) -> [&String; 5] {
        [
            &self.tasks,
            &self.signals,
            &self.shadow_signals,
            &self.dead_letters,
            &self.erasures,
        ]
    }

    /// Judges a world that has come to rest: the journal covers the input, the group stands where it ends, and the
    /// output is what follows from it, nothing lost, repeated or in another order.
    ///
    /// # Errors
    /// What does not hold.
    pub fn oracle(&self, world: &World) -> Result<Verdict, String> {
        let mut replays = Vec::new();
        let mut verdict = Verdict::default();
        for partition in 0..world.partitions {
            let at = |why| format!("partition {partition}: {why}");
            let books = books::read(world, partition).map_err(at)?;
            books::check(world, partition, &books).map_err(at)?;
            let replay = replay::replay(self, world, partition, &books).map_err(at)?;
            verdict.records += replay.counts.records;
            verdict.transactions += books.entries.len() as u64;
            verdict.manifests += books.manifests;
            verdict.epochs += replay.epochs;
            let due = replay.due.iter().flat_map(|(_, records)| records);
            verdict.told += due.filter(|record| record.topic == self.groups).count() as u64;
            replays.push(replay);
        }
        output::check(self, world, &replays)?;
        told::check(self, world, &replays)?;
        let count = |topic: &String| {
            let logs = world
                .logs
                .iter()
                .filter(|(place, _)| world.names[place.topic] == **topic);
            logs.map(|(_, log)| log.history().count() as u64).sum()
        };
        verdict.tasks = count(&self.tasks);
        verdict.signals = count(&self.signals);
        verdict.shadow_signals = count(&self.shadow_signals);
        verdict.dead_letters = count(&self.dead_letters);
        let refused: u64 = replays
            .iter()
            .map(|replay| replay.counts.dead_lettered)
            .sum();
        if verdict.dead_letters != refused {
            return Err(format!(
                "{refused} records were refused, {} dead letters lie there",
                verdict.dead_letters
            ));
        }
        Ok(verdict)
    }

    fn ruleset(&self, text: &str) -> Result<Ruleset, String> {
        if let Some(known) = self.rulesets.borrow().get(text) {
            return Ok(known.clone());
        }
        let ruleset =
            Ruleset::parse(text, "the journal").map_err(|problems| problems.to_string())?;
        self.rulesets
            .borrow_mut()
            .insert(text.to_owned(), ruleset.clone());
        Ok(ruleset)
    }
}
