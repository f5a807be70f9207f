use crate::config::{Config, Problems, Ruleset};
use crate::encode::Encoder;
use crate::engine;
use crate::journal::Epoch;
use crate::kafka::{Topic, Topics};
use crate::model::Feed;
use std::sync::{Arc, Mutex, PoisonError};

/// What is in force while records are applied: the rules, and how the journal states them.
pub struct ActiveRules {
    /// The rules and the decoder.
    pub ruleset: Ruleset,
    /// Writes tasks, with moments in the rules' time zone.
    pub encoder: Encoder,
    /// The same for the journal.
    pub epoch: Epoch,
    /// CloudEvents' `source`.
    source: String,
}

impl ActiveRules {
    /// The active rules of a configuration with its topics.
    pub fn new(config: &Config, topics: &Topics) -> Self {
        let ruleset = config.ruleset();
        let group = &config.kafka.group;
        let source = match &*config.output.source {
            "" => format!("{}/{group}", Encoder::SOURCE_DEFAULT),
            stated => stated.to_owned(),
        };
        let epoch = Epoch {
            group: group.clone(),
            engine: engine::VERSION,
            ruleset_id: ruleset.id,
            ruleset: ruleset.text.to_string(),
            topics: topics.iter().map(describe).collect(),
        };
        Self::assemble(ruleset, epoch, source)
    }

    /// The rules that the journal states. Making rules takes milliseconds, so rules that are known already are shared.
    ///
    /// # Errors
    /// What this version of the program does not understand of its rules.
    pub fn of(epoch: &Epoch, known: &Arc<Self>) -> Result<Arc<Self>, Problems> {
        if *epoch == known.epoch {
            return Ok(Arc::clone(known));
        }
        let ruleset = Ruleset::parse(&epoch.ruleset, "the journal's rules")?;
        let source = known.source.clone();
        Ok(Arc::new(Self::assemble(ruleset, epoch.clone(), source)))
    }

    fn assemble(ruleset: Ruleset, epoch: Epoch, source: String) -> Self {
        Self {
            encoder: Encoder::new(
                ruleset.rules.calendar.clone(),
                source.clone(),
                ruleset.rules.words(),
            ),
            ruleset,
            epoch,
            source,
        }
    }
}

/// A topic and what is read from it.
fn describe(topic: &Topic) -> String {
    let feeds = Feed::ALL.into_iter();
    let feeds: Vec<&str> = feeds
        .filter(|feed| topic.feeds.contains(*feed))
        .map(Feed::name)
        .collect();
    format!("{} ({})", topic.name, feeds.join(", "))
}

/// The rules that are to be in force; workers adopt them between two transactions.
pub struct RulesHandle(Mutex<Arc<ActiveRules>>);

impl RulesHandle {
    /// Begins with the rules in force.
    pub fn new(active_rules: ActiveRules) -> Self {
        Self(Mutex::new(Arc::new(active_rules)))
    }

    /// The rules to be in force.
    pub fn current(&self) -> Arc<ActiveRules> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the rules. Returns whether they differ from those before.
    pub fn change(&self, ruleset: Ruleset) -> bool {
        let mut active_rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let differs = active_rules.ruleset.id != ruleset.id;
        if differs {
            let epoch = Epoch {
                ruleset_id: ruleset.id,
                ruleset: ruleset.text.to_string(),
                ..active_rules.epoch.clone()
            };
            let source = active_rules.source.clone();
            *active_rules = Arc::new(ActiveRules::assemble(ruleset, epoch, source));
        }
        differs
    }
}
