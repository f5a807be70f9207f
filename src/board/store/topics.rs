use crate::config::Config;
use crate::encode::Kind;

/// The topics that the board reads.
#[derive(Debug, Clone)]
pub struct Topics {
    /// Tasks.
    pub tasks: String,
    /// Signals.
    pub signals: String,
    /// Confirmed erasures.
    pub erasures: String,
    /// What people do.
    pub board: String,
    /// What tasks achieve; nothing if nobody is held out.
    pub uplift: Option<String>,
    /// Where answers go.
    pub outcome: String,
}

impl Topics {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        let topics = &config.topics;
        let uplift = config.rules.policy.hold_out.is_used();
        Self {
            tasks: topics.tasks.clone(),
            signals: topics.signals.clone(),
            erasures: topics.erasures.clone(),
            board: topics.board.clone(),
            uplift: uplift.then(|| topics.uplift.clone()),
            outcome: topics.outcome.clone(),
        }
    }

    /// What the detector writes to one of them; nothing for the board's own.
    pub fn kind(&self, topic: &str) -> Option<Kind> {
        let uplift = self.uplift.as_deref();
        match topic {
            topic if topic == self.tasks => Some(Kind::Task),
            topic if topic == self.signals => Some(Kind::Signal),
            topic if topic == self.erasures => Some(Kind::Erasure),
            topic if Some(topic) == uplift => Some(Kind::Uplift),
            _ => None,
        }
    }

    /// Those that are read.
    pub fn read(&self) -> Vec<&str> {
        let all = [&self.tasks, &self.signals, &self.erasures, &self.board];
        all.into_iter()
            .chain(&self.uplift)
            .map(String::as_str)
            .collect()
    }
}
