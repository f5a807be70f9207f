use crate::config::Config;
use crate::model::{Feed, FeedSet};
use std::sync::Arc;

/// One partition of one input topic, or of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Index of the topic in [`Topics`], or [`Topics::journal`].
    pub topic: usize,
    /// Partition, which is also the number of the shard.
    pub partition: i32,
}

/// An input topic and the feeds it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Name of the topic.
    pub name: Arc<str>,
    /// Feeds whose records may appear in it.
    pub feeds: FeedSet,
}

/// The distinct input topics, in the order of the feeds, and the journal behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    inputs: Vec<Topic>,
    journal: Arc<str>,
}

impl Topics {
    /// The topics of all feeds; feeds that share a topic make it one.
    pub fn new(config: &Config) -> Self {
        let mut topics: Vec<Topic> = Vec::new();
        for feed in Feed::ALL {
            let name = config.topics.of(feed);
            match topics.iter_mut().find(|topic| &*topic.name == name) {
                Some(topic) => topic.feeds = topic.feeds.with(feed),
                None => topics.push(Topic {
                    name: name.into(),
                    feeds: FeedSet::NONE.with(feed),
                }),
            }
        }
        Self {
            inputs: topics,
            journal: config.topics.journal(&config.kafka.group).into(),
        }
    }

    /// Topics that are routed. They have no journal.
    pub(super) fn of_sources(inputs: Vec<Topic>) -> Self {
        let journal = "".into();
        Self { inputs, journal }
    }

    /// Number of input topics.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Never: there is always a topic.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The index that stands for the journal in a [`TopicPartition`], behind those of the input topics.
    pub fn journal(&self) -> usize {
        self.inputs.len()
    }

    /// Every input topic.
    pub fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.inputs.iter()
    }

    /// The input topic at an index.
    pub fn get(&self, topic: usize) -> Option<&Topic> {
        self.inputs.get(topic)
    }

    /// Name of the topic at an index, the journal's included; empty if there is none.
    pub fn name(&self, topic: usize) -> &str {
        match self.inputs.get(topic) {
            Some(topic) => &topic.name,
            None if topic == self.journal() => &self.journal,
            None => "",
        }
    }

    /// All names by index, the journal's last.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        (0..=self.journal()).map(|topic| self.name(topic))
    }

    /// Index of the input topic of that name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|topic| &*topic.name == name)
    }

    /// Index of the topic that carries a feed.
    pub fn of(&self, feed: Feed) -> Option<usize> {
        self.inputs
            .iter()
            .position(|topic| topic.feeds.contains(feed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_has_a_name_and_is_no_input() {
        let topics = Topics::new(&Config::embedded().unwrap());
        assert_eq!(topics.name(topics.journal()), "churnwatch-journal");
        assert_eq!(topics.index("churnwatch-journal"), None);
        assert!(
            topics
                .iter()
                .all(|topic| &*topic.name != "churnwatch-journal")
        );
        assert_eq!(topics.names().count(), topics.len() + 1);
        assert_eq!(topics.name(topics.journal() + 1), "");
    }
}
