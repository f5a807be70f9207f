//! Where the group stands in the input topics, for those who only look.

use super::brokers::{Brokers, Listener};
use super::client;
use super::error::{code_of, plain};
use super::events::list;
use super::link::Span;
use super::topics::{TopicPartition, Topics};
use crate::config::Config;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use std::thread::park_timeout;
use std::time::Duration;

/// For the group's offsets. The brokers wait for an open transaction.
const PATIENCE: Duration = Duration::from_secs(10);
/// Brokers that have just started do not know yet which of them has the offsets.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// What the group has committed of the input topics' partitions, and what each holds for a reader of committed records.
///
/// # Errors
/// The client refuses its properties, or the brokers do not answer.
pub fn standing(
    config: &Config,
    topics: &Topics,
    partitions: i32,
) -> Result<Vec<(Option<i64>, Span)>, String> {
    let bounds = bounds(&Brokers::new(config)?, topics, partitions)?;
    let reader: BaseConsumer<Listener> = client::consumer(config, None)
        .create_with_context(Listener::default())
        .map_err(|error| plain(&error))?;
    let asked = list(topics, bounds.iter().map(|span| (span.at, Offset::Invalid)));
    let found = asked.and_then(|asked| committed(&reader, &asked));
    let found = found.map_err(|error| {
        format!(
            "the offsets of group `{}` are not to be had: {}",
            config.kafka.group,
            plain(&error)
        )
    })?;
    let of = |span: &Span| offset(&found, topics, span.at);
    Ok(bounds.into_iter().map(|span| (of(&span), span)).collect())
}

fn committed(
    reader: &BaseConsumer<Listener>,
    asked: &TopicPartitionList,
) -> KafkaResult<TopicPartitionList> {
    let ask = || reader.committed_offsets(asked.clone(), PATIENCE);
    for _ in 1..ATTEMPTS {
        match ask() {
            Err(error) if is_of_start(&error) => park_timeout(PAUSE),
            answer => return answer,
        }
    }
    ask()
}

fn is_of_start(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator};
    let of_start = [
        CoordinatorLoadInProgress,
        CoordinatorNotAvailable,
        NotCoordinator,
    ];
    code_of(error).is_some_and(|code| of_start.contains(&code))
}

/// What each partition holds for a reader of committed records.
pub(super) fn bounds(
    brokers: &Brokers,
    topics: &Topics,
    partitions: i32,
) -> Result<Vec<Span>, String> {
    let of_topic =
        |topic: usize| (0..partitions).map(move |partition| TopicPartition { topic, partition });
    let all: Vec<TopicPartition> = (0..topics.len()).flat_map(of_topic).collect();
    let offsets = |question: Offset| {
        let asked = list(topics, all.iter().map(|at| (*at, question)));
        brokers.committed_offsets(asked.map_err(|error| plain(&error))?)
    };
    let (starts, ends) = (offsets(Offset::Beginning)?, offsets(Offset::End)?);
    let span = |at: TopicPartition| {
        let from = offset(&starts, topics, at)?;
        let to = offset(&ends, topics, at)?;
        Some(Span { at, from, to })
    };
    Ok(all.into_iter().filter_map(span).collect())
}

fn offset(list: &TopicPartitionList, topics: &Topics, at: TopicPartition) -> Option<i64> {
    let found = list.find_partition(topics.name(at.topic), at.partition)?;
    match found.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}
