//! What must hold at the end, whatever went wrong: read off the topics alone, as anybody could.

mod books;
mod fold;
mod output;
mod replay;

#[cfg(test)]
mod tests;

pub use fold::equals_a_plain_fold;

use super::world::World;
use churnwatch::config::Ruleset;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Names of the topics that are judged, and rulesets by their text: making rules takes longer than using them here.
pub struct Judge {
    pub tasks: String,
    pub signals: String,
    pub dead_letters: String,
    rulesets: RefCell<BTreeMap<String, Ruleset>>,
}

/// What a world came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    pub records: u64,
    pub transactions: u64,
    pub tasks: u64,
    pub signals: u64,
    pub dead_letters: u64,
    pub manifests: u64,
    pub epochs: u64,
}

impl Judge {
    pub fn new(tasks: &str, signals: &str, dead_letters: &str) -> Self {
        Self {
            tasks: tasks.to_owned(),
            signals: signals.to_owned(),
            dead_letters: dead_letters.to_owned(),
            rulesets: RefCell::default(),
        }
    }

    /// Judges a world that has come to rest: the journal covers the input, the group stands where it ends, and the
    /// output is what follows from it, nothing lost, repeated or in another order.
    ///
    /// # Errors
    /// What does not hold.
    pub fn judge(&self, world: &World) -> Result<Verdict, String> {
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
            replays.push(replay);
        }
        output::check(self, world, &replays)?;
        let count = |topic: &String| {
            let logs = world
                .logs
                .iter()
                .filter(|(place, _)| world.names[place.topic] == **topic);
            logs.map(|(_, log)| log.history().count() as u64).sum()
        };
        verdict.tasks = count(&self.tasks);
        verdict.signals = count(&self.signals);
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
