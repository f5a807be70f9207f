//! From the store's outbox to the brokers.

use super::status::Status;
use super::store::{Letter, Store, StoreError};
use crate::config::Config;
use crate::kafka::{Delivery, Loader, Scheme, partition_of, scheme};
use crate::model::Msisdn;
use crate::runtime::Stop;
use crate::telemetry::troubles;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Records sent at a time.
const BATCH: u32 = 500;
/// How often the outbox is looked into while nothing changes.
const LOOK: Duration = Duration::from_millis(10);
/// Pause before another attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends what waits, in order. What was sent and not acknowledged is sent again: readers know a record by its name.
pub struct Courier {
    /// Whose brokers.
    pub config: Config,
    /// Whose outbox.
    pub store: Store,
    /// What the pages are told.
    pub status: Arc<Status>,
    /// When to end.
    pub stop: Stop,
}

impl Courier {
    /// Runs until it is told to stop, and what waits then is sent if the brokers take it.
    pub fn run(&self) {
        while !self.stop.asked() {
            if let Err(problem) = self.send_all() {
                self.status.away();
                let text = format!("what people did on the board waits: {problem}");
                troubles::warn("board outbox", &text);
                self.stop.wait(PAUSE);
            }
        }
    }

    fn send_all(&self) -> Result<(), String> {
        let store = |error: StoreError| error.to_string();
        let mut round = Round {
            courier: self,
            loader: Loader::new(&self.config)?,
            partitions: BTreeMap::new(),
            scheme: Scheme::default(),
        };
        let mut seen = None;
        loop {
            let changed = self.store.changed();
            let letters = match seen == Some(changed) {
                true => Vec::new(),
                false => self.store.unsent(BATCH).map_err(store)?,
            };
            let Some((last, _)) = letters.last() else {
                seen = Some(changed);
                if self.stop.wait(LOOK) {
                    return Ok(());
                }
                continue;
            };
            for (_, letter) in &letters {
                round.send(letter)?;
            }
            // Brokers that are away must not keep the board from ending: what is not acknowledged stays in the store.
            while !round.loader.is_finished()? {
                if self.stop.asked() {
                    return Ok(());
                }
            }
            self.store.sent(*last).map_err(store)?;
            troubles::over("board outbox", "what people did on the board is sent again");
        }
    }
}

/// Letters that are sent until something goes wrong.
struct Round<'a> {
    courier: &'a Courier,
    loader: Loader,
    partitions: BTreeMap<String, i32>,
    /// How the feeds are keyed.
    scheme: Scheme,
}

impl Round<'_> {
    fn send(&mut self, letter: &Letter) -> Result<(), String> {
        let partitions = self.partitions_of(&letter.topic)?;
        let value = letter.value.as_deref();
        if letter.topic != self.courier.config.topics.outcome {
            let to = Delivery::Keyed(letter.key.as_bytes());
            return self.loader.send(&letter.topic, partitions, to, value);
        }
        let key = self.key_of(&letter.key)?;
        let partition = match self.scheme.partitioner {
            Some(partitioner) => partitioner.partition(key.as_bytes(), partitions),
            None => partition_of(key.as_bytes(), partitions),
        };
        let to = Delivery::Placed(key.as_bytes(), partition);
        self.loader.send(&letter.topic, partitions, to, value)
    }

    /// The key under which the feeds have a subscriber: an answer must meet the subscriber's other records.
    fn key_of(&mut self, msisdn: &str) -> Result<String, String> {
        let config = &self.courier.config;
        if self.scheme.partitioner.is_none() || self.scheme.form.is_none() {
            self.scheme = scheme(config)?;
        }
        let written = Msisdn::new(msisdn).ok().and_then(|msisdn| {
            let national = config.decoder.national(&msisdn);
            self.scheme.write(&msisdn, national)
        });
        Ok(written.unwrap_or_else(|| msisdn.to_owned()))
    }

    fn partitions_of(&mut self, topic: &str) -> Result<i32, String> {
        if let Some(count) = self.partitions.get(topic) {
            return Ok(*count);
        }
        let count = self.loader.partitions(topic)?;
        let missing = || format!("there is no topic `{topic}`");
        let count = count.ok_or_else(missing)?;
        self.partitions.insert(topic.to_owned(), count);
        Ok(count)
    }
}
