use super::brokers::Brokers;
use super::error;
use super::link::{Front, Reader, Span};
use super::reader::SpanReader;
use super::topics::{TopicPartition, Topics};
use crate::config::Config;
use std::sync::Arc;
use std::time::Duration;

/// One wait for records, and how many in a row may be in vain.
const WAIT: Duration = Duration::from_millis(100);
const WAITS_MAX: u32 = 100;

/// Reads the committed records that one partition of the journal holds now, outside the group.
pub struct JournalReader {
    reader: SpanReader,
    topic: String,
    partition: i32,
}

impl JournalReader {
    /// Finds the journal and starts to read.
    ///
    /// # Errors
    /// Why it cannot be read, and what to do.
    pub fn open(config: &Config, partition: i32) -> Result<Self, String> {
        let topics = Topics::new(config);
        let topic = topics.name(topics.journal()).to_owned();
        let brokers = Brokers::new(config)?;
        match brokers.partitions(&topic)? {
            None => {
                return Err(format!(
                    "topic `{topic}` (topics.journal) does not exist: `run` creates it at its first start; check \
                     `kafka.group` and `topics.journal` if it has run before"
                ));
            }
            Some(count) if !(0..count).contains(&partition) => {
                return Err(format!(
                    "topic `{topic}` has no partition {partition}; its partitions are 0 to {}",
                    count - 1
                ));
            }
            Some(_) => {}
        }
        let bounds = brokers.committed_bounds(&topic, partition);
        let bounds = bounds.map_err(|error| {
            format!(
                "topic `{topic}` partition {partition}: {}",
                error::plain(&error)
            )
        })?;
        let at = TopicPartition {
            topic: topics.journal(),
            partition,
        };
        let span = Span {
            at,
            from: bounds.start,
            to: bounds.end,
        };
        let reader = SpanReader::new(config, Arc::new(topics), &[span]);
        Ok(Self {
            reader: reader.map_err(|fault| fault.to_string())?,
            topic,
            partition,
        })
    }

    /// The next record: its offset and its bytes. Nothing after the last.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn next_record(&mut self) -> Result<Option<(i64, Vec<u8>)>, String> {
        for _ in 0..WAITS_MAX {
            let front = self.reader.front(0, WAIT);
            match front.map_err(|fault| fault.to_string())? {
                Front::Pending => {}
                Front::Done => return Ok(None),
                Front::Record(record) => {
                    let value = record.value().unwrap_or_default().to_vec();
                    let found = (record.offset, value);
                    self.reader.pass(0);
                    return Ok(Some(found));
                }
            }
        }
        Err(format!(
            "topic `{}` partition {}: the brokers sent nothing for {} s; try again",
            self.topic,
            self.partition,
            (WAIT * WAITS_MAX).as_secs()
        ))
    }
}
