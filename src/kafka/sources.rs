//! The topics that are routed, and those that they are routed to.

use super::brokers::Brokers;
use super::check::Refusal;
use super::topics::{Topic, Topics};
use crate::config::Config;
use crate::model::{Feed, FeedSet};
use std::sync::Arc;

/// The topics that are routed, as the cluster has them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Those that the configuration names and that exist, with the feeds that their records may belong to.
    pub topics: Arc<Topics>,
    /// Partitions of the topic of each feed, in the order of [`Feed::ALL`].
    pub partitions: [i32; Feed::ALL.len()],
}

impl Sources {
    /// Looks at the cluster. All topics of feeds must exist, with equal numbers of partitions, and so must each source that
    /// is named in full and the topic of dead letters.
    ///
    /// # Errors
    /// Every problem, each with its remedy.
    pub fn find(config: &Config) -> Result<Self, Refusal> {
        let refuse = |problems, away| Refusal { problems, away };
        let brokers = Brokers::new(config).map_err(|problem| refuse(vec![problem], false))?;
        let found = find(config, &brokers);
        found.map_err(|problems| refuse(problems, brokers.away()))
    }
}

fn find(config: &Config, brokers: &Brokers) -> Result<Sources, Vec<String>> {
    let all = brokers.topics().map_err(|problem| vec![problem])?;
    let count = |topic: &str| all.iter().find(|(name, _)| name == topic);
    let mut problems = Vec::new();
    let mut partitions = [0; Feed::ALL.len()];
    for (feed, partitions) in Feed::ALL.into_iter().zip(&mut partitions) {
        match count(config.topics.of(feed)) {
            Some((_, count)) => *partitions = *count,
            None => problems.push(missing(
                config.topics.of(feed),
                &format!("topics.{}", feed.name()),
            )),
        }
    }
    let most = partitions.into_iter().max().unwrap_or(0);
    for (feed, count) in Feed::ALL.into_iter().zip(partitions) {
        if count != most && count > 0 {
            problems.push(format!(
                "topic `{}` has {count} partitions and another feed's topic has {most}: a subscriber's records would not \
                 meet; create it anew with {most}",
                config.topics.of(feed)
            ));
        }
    }
    let dead_letters = &config.topics.dead_letters;
    if count(dead_letters).is_none() {
        problems.push(missing(dead_letters, "topics.dead_letters"));
    }
    for source in &config.route.sources {
        if !source.is_pattern() && count(&source.topic).is_none() {
            problems.push(missing(&source.topic, "route.sources"));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let group = &config.kafka.group;
    // Topics of the brokers themselves begin so.
    let internal = |name: &str| name.starts_with("__");
    let foreign = all.iter();
    let foreign =
        foreign.filter(|(name, _)| !internal(name) && !config.topics.is_ours(name, group));
    let routed = foreign.filter_map(|(name, _)| {
        // The first that names a topic says what is in it.
        let mut sources = config.route.sources.iter();
        let source = sources.find(|source| source.names(name))?;
        let any = || Feed::TIMED.into_iter().fold(FeedSet::NONE, FeedSet::with);
        Some(Topic {
            name: name.as_str().into(),
            feeds: source
                .feed
                .map_or_else(any, |feed| FeedSet::NONE.with(feed)),
        })
    });
    Ok(Sources {
        topics: Arc::new(Topics::of_sources(routed.collect())),
        partitions,
    })
}

fn missing(topic: &str, key: &str) -> String {
    format!(
        "there is no topic `{topic}` ({key}); create it, or correct the key; deploy/kafka-topics.sh creates ours"
    )
}
