//! `[route]`: topics whose records are brought into the topics of the feeds.

use super::settings::{KafkaSettings, TopicSettings};
use crate::layers::{Key, Layers};
use crate::model::{Feed, Timestamp};
use glob::Pattern;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// `[route]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSettings {
    /// Where the records are.
    pub sources: Vec<RouteSource>,
    /// Consumer group; never empty, the group's name with `-route` if none was stated.
    pub group: String,
    /// Threads.
    pub workers: u16,
    /// A transaction ends with this many records.
    pub batch_records_max: u32,
    /// Records of before this moment are passed over, because files had them; none if all are routed.
    #[serde(deserialize_with = "moment")]
    pub from: Option<Timestamp>,
    /// Whether `run` routes as well.
    pub in_run: bool,
}

/// One topic to route, or all topics of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSource {
    /// Its name; `*` and `?` make it a pattern.
    pub topic: String,
    /// The feed that all records belong to; none where each record's type says it.
    #[serde(default, deserialize_with = "feed")]
    pub feed: Option<Feed>,
}

impl RouteSource {
    /// Whether this is a pattern rather than the name of a topic.
    pub fn is_pattern(&self) -> bool {
        self.topic.contains(['*', '?'])
    }

    /// Whether a topic is meant.
    pub fn names(&self, topic: &str) -> bool {
        match self.is_pattern() {
            true => Pattern::new(&self.topic).is_ok_and(|pattern| pattern.matches(topic)),
            false => self.topic == topic,
        }
    }
}

fn feed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Feed>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known = Feed::TIMED.map(Feed::name).join(", ");
    let feed = Feed::TIMED.into_iter().find(|feed| feed.name() == name);
    let unknown = || D::Error::custom(format!("`{name}` is not a feed; there are {known}"));
    feed.map(Some).ok_or_else(unknown)
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let rule = "must be RFC 3339 with an offset, such as 2026-03-01T00:00:00+08:00";
    let moment = Timestamp::parse(&text).ok_or_else(|| D::Error::custom(rule))?;
    Ok(Some(moment))
}

/// Reads and checks `[route]`.
pub(super) fn route(
    layers: &mut Layers,
    kafka: Option<&KafkaSettings>,
    topics: Option<&TopicSettings>,
) -> Option<RouteSettings> {
    let mut settings: RouteSettings = layers.read("route")?;
    let (group, topics) = (&kafka?.group, topics?);
    if settings.group.is_empty() {
        settings.group = format!("{group}-route");
    }
    let key = Key::of("route.group");
    if settings.group == *group {
        let remedy = "give it a name of its own, or leave the key out for \"<kafka.group>-route\"";
        layers.problem(&key, "is kafka.group as well", remedy);
    }
    if settings.in_run && settings.sources.is_empty() {
        let what = "is true, but route.sources names no topic";
        layers.problem(
            &Key::of("route.in_run"),
            what,
            "name topics, or set it to false",
        );
    }
    let key = Key::of("route.sources");
    for source in &settings.sources {
        let topic = &source.topic;
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-*?".contains(c);
        if !(1..=249).contains(&topic.len()) || !topic.chars().all(legal) {
            let what = format!("`{topic}` is not a topic's name");
            let remedy =
                "use 1 to 249 of the characters a-z A-Z 0-9 . _ -, and * and ? in a pattern";
            layers.problem(&key, what, remedy);
        }
        if !source.is_pattern() && topics.is_ours(topic, group) {
            let what = format!("`{topic}` is a topic of [topics] as well");
            let remedy = "name the topic that the records come from, and in [topics] another one that they go to";
            layers.problem(&key, what, remedy);
        }
    }
    Some(settings)
}
