//! Whether the input topics stay as they were found: partitions that are added while we run are nobody's.

use super::brokers::Brokers;
use super::topics::Topics;
use crate::config::Config;

/// Looks in a row that must miss a topic: brokers that have just started may not know it yet.
const MISSED_MAX: u32 = 3;

/// Watches the numbers of partitions of the input topics.
pub struct TopicWatch {
    brokers: Brokers,
    topics: Vec<String>,
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
            topics: Topics::new(config)
                .iter()
                .map(|topic| topic.name.to_string())
                .collect(),
            partitions,
            missed: 0,
        })
    }

    /// Looks once. Returns why the process cannot go on, if a topic has changed.
    pub fn look(&mut self) -> Option<String> {
        let mut missing = None;
        for topic in &self.topics {
            match self.brokers.partitions(topic) {
                Ok(Some(count)) if count != self.partitions => {
                    return Some(changed(topic, count, self.partitions));
                }
                Ok(Some(_)) => {}
                Ok(None) => missing = Some(topic),
                // The workers find out whether they can go on.
                Err(_) => return None,
            }
        }
        self.missed = if missing.is_some() {
            self.missed + 1
        } else {
            0
        };
        let gone = missing.filter(|_| self.missed >= MISSED_MAX);
        gone.map(|topic| format!("topic {topic} is gone; {REMEDY}"))
    }
}

/// What to say of a topic whose number of partitions is not that of the state any more.
fn changed(topic: &str, now: i32, before: i32) -> String {
    format!(
        "topic {topic} has {now} partitions now, and the state was built from {before}: a subscriber's records would lie \
         in two partitions; {REMEDY}"
    )
}

const REMEDY: &str = "create the input topics anew with the number of partitions that you want, load them again and \
     begin with another `kafka.group` (docs/operations.md, More partitions)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_topic_counts_and_remedy() {
        let text = changed("cdr", 6, 4);
        for part in ["topic cdr has 6", "from 4", "`kafka.group`"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
