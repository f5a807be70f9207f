//! Whether the input topics stay as they were found: partitions that are added while we run are nobody's.

use super::brokers::Brokers;
use super::topics::Topics;
use crate::config::Config;

/// Looks in a row that must miss a topic: brokers that have just started may not know it yet.
const MISSED_MAX: u32 = 3;

/// Watches the numbers of partitions of the input topics.
pub struct TopicWatch {
    brokers: Brokers,
    topics: Topics,
    partitions: i32,
    missed: u32,
}

impl TopicWatch {
    /// All input topics have so many partitions.
    ///
    /// # Errors
    /// If a client refuses its properties.
    pub fn new(config: &Config, partitions: i32) -> Result<Self, String> {
        Ok(Self {
            brokers: Brokers::new(config)?,
            topics: Topics::new(config),
            partitions,
            missed: 0,
        })
    }

    /// Looks once. Returns why the process cannot go on, if a topic has changed.
    pub fn look(&mut self) -> Option<String> {
        let (mut missing, mut counts) = (None, Vec::new());
        for topic in self.topics.iter() {
            match self.brokers.partitions(&topic.name) {
                Ok(Some(count)) => counts.push((topic.name.to_string(), count)),
                Ok(None) => missing = Some(&topic.name),
                // The workers find out whether they can go on.
                Err(_) => return None,
            }
        }
        if counts.iter().any(|(_, count)| *count != self.partitions) {
            let journal = self.topics.name(self.topics.journal());
            return Some(changed(&counts, journal, self.partitions));
        }
        self.missed = if missing.is_some() {
            self.missed + 1
        } else {
            0
        };
        let gone = missing.filter(|_| self.missed >= MISSED_MAX);
        gone.map(|topic| {
            format!(
                "topic {topic} is gone; create it anew with {} partitions, load the records again and begin with \
                 another `kafka.group` ({PAGE})",
                self.partitions
            )
        })
    }
}

const PAGE: &str = "docs/operations.md, More partitions";

/// What to say of topics whose number of partitions is not that of the state any more, of which the journal has as many.
pub(super) fn changed(counts: &[(String, i32)], journal: &str, before: i32) -> String {
    let others = counts.iter().filter(|(_, count)| *count != before);
    let now = others.clone();
    let now: Vec<String> = now
        .map(|(topic, now)| format!("topic {topic} has {now} partitions now"))
        .collect();
    let names: Vec<&str> = others.map(|(topic, _)| topic.as_str()).collect();
    format!(
        "{}, and the state was built from {before}, as many as its journal {journal} has: a subscriber's records would \
         lie in two partitions; create {} anew with {before} partitions, or all input topics with as many as you want, \
         load the records again and begin with another `kafka.group` ({PAGE})",
        now.join(", "),
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_topics_counts_and_remedy() {
        let counts = [("cdr", 6), ("billing", 4), ("service", 5)];
        let counts = counts.map(|(topic, count)| (topic.to_owned(), count));
        let text = changed(&counts, "churnwatch-journal", 4);
        for part in [
            "topic cdr has 6 partitions now, topic service has 5",
            "from 4",
            "create cdr, service anew with 4 partitions, or all",
            "`kafka.group`",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
