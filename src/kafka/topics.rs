use crate::config::Config;
use crate::model::{Feed, FeedSet};
use std::sync::Arc;

/// One partition of one input topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Index of the topic in [`Topics`].
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

/// The distinct input topics, in the order of the feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics(Vec<Topic>);

impl Topics {
    /// The topics of the five feeds; feeds that share a topic make it one.
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
        Self(topics)
    }

    /// Number of topics.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: there is always a topic.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The index that stands for the journal in a [`TopicPartition`], behind those of the input topics.
    pub fn journal(&self) -> usize {
        self.0.len()
    }

    /// Every topic.
    pub fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter()
    }

    /// The topic at an index.
    pub fn get(&self, topic: usize) -> Option<&Topic> {
        self.0.get(topic)
    }

    /// Name of the topic at an index; empty if there is none.
    pub fn name(&self, topic: usize) -> &str {
        self.0.get(topic).map_or("", |topic| &topic.name)
    }

    /// Index of the topic of that name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|topic| &*topic.name == name)
    }

    /// Index of the topic that carries a feed.
    pub fn of(&self, feed: Feed) -> Option<usize> {
        self.0.iter().position(|topic| topic.feeds.contains(feed))
    }
}
