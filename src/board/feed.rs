//! From topics into the store.

use super::record::Reader;
use super::status::Status;
use super::store::{Batch, Store, Stored, Topics};
use crate::config::Config;
use crate::decode::Decoded;
use crate::kafka::{Followed, Follower, create_compacted};
use crate::model::Timestamp;
use crate::registry::Unread;
use crate::runtime::Stop;
use crate::runtime::clock::{self, Stopwatch};
use crate::telemetry::{BoardTelemetry, troubles};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Records taken in with one transaction, at most.
const BATCH: usize = 5_000;
/// A batch ends when nothing more comes within this time.
const IDLE: Duration = Duration::from_millis(50);
/// How often it is asked whether the brokers are there while no record comes.
const ASK: Duration = Duration::from_secs(5);
/// Everything has been read if nothing comes for so long.
const QUIET: Duration = Duration::from_secs(1);
/// Pause before another attempt.
const PAUSE: Duration = Duration::from_secs(1);
/// How often what is old is looked for.
const TIDY: Duration = Duration::from_secs(60);
/// One topic is read so much behind another, at most, once everything was read that was there.
const LATE_MS: i64 = 3_600_000;

/// Reads topics into the store.
pub struct Feed {
    /// Whose topics.
    pub config: Config,
    /// Their names.
    pub topics: Topics,
    /// Where to.
    pub store: Store,
    /// What the pages are told.
    pub status: Arc<Status>,
    /// What is counted.
    pub telemetry: BoardTelemetry,
    /// When to end.
    pub stop: Stop,
}

/// Erasures that were read. Topics are read side by side, so what was written before may be read behind them.
#[derive(Default)]
struct Erased {
    /// When which subscriber's was confirmed.
    confirmed: BTreeMap<Vec<u8>, i64>,
    /// How far each partition was read. It is noted once all is read that was there: until then each start reads them again.
    positions: BTreeMap<i32, i64>,
}

/// How far a partition was read with a batch.
struct Progress {
    topic: String,
    partition: i32,
    /// Behind the last record.
    next: i64,
    records: u64,
    /// When the last record was written.
    written_at: i64,
}

/// When an erasure was fulfilled, and where its request was read.
#[derive(Deserialize)]
struct Erasure {
    known: bool,
    erased_at: jiff::Timestamp,
    source: Source,
}

#[derive(Deserialize)]
struct Source {
    topic: String,
    partition: i32,
    offset: i64,
}

impl Feed {
    /// Runs until it is told to stop. What goes wrong is logged and tried again.
    pub fn run(&self, mut reader: Reader) {
        while !self.stop.asked() {
            if let Err(problem) = self.follow(&mut reader) {
                self.status.away();
                troubles::warn(
                    "board",
                    &format!("the board cannot read its topics: {problem}"),
                );
                self.stop.wait(PAUSE);
            }
        }
    }

    fn follow(&self, reader: &mut Reader) -> Result<(), String> {
        let store = |error: super::store::StoreError| error.to_string();
        for topic in std::iter::once(&self.topics.board).chain(&self.topics.uplift) {
            create_compacted(&self.config, topic, self.partitions()?)?;
        }
        let position =
            |topic: &str, partition| self.store.position(topic, partition).ok().flatten();
        let follower = Follower::open(&self.config, &self.topics.read(), position)?;
        self.status.here();
        troubles::over("board", "the board reads its topics again");
        let began = clock::now().0;
        let (mut asked, mut tidied) = (Stopwatch::start(), Stopwatch::start());
        let mut erased = Erased::default();
        while !self.stop.asked() {
            match follower.next(IDLE) {
                Some(first) => {
                    if first.written_at() >= began {
                        self.status.set_caught_up();
                    }
                    let waits = self.batch(&follower, first, &mut erased, reader);
                    if let Some(reason) = waits.map_err(store)? {
                        return Err(reason);
                    }
                    self.status.here();
                    asked = Stopwatch::start();
                }
                None if asked.reached(ASK) => {
                    follower.check()?;
                    self.status.here();
                    asked = Stopwatch::start();
                }
                None => {
                    self.telemetry.nothing_waits(self.topics.read());
                    if asked.reached(QUIET) {
                        self.status.set_caught_up();
                    }
                }
            }
            if self.status.caught_up() && !erased.positions.is_empty() {
                self.note(std::mem::take(&mut erased.positions))
                    .map_err(store)?;
            }
            if tidied.reached(TIDY) {
                let days = i64::from(self.config.board.keep_days);
                let moment = self.status.now() - days * Timestamp::DAY_MS;
                let gone = self.store.forget_before(moment).map_err(store)?;
                if gone < 1000 {
                    tidied = Stopwatch::start();
                    if self.status.caught_up() {
                        let late = clock::now().0 - LATE_MS;
                        erased.confirmed.retain(|_, at| *at > late);
                    }
                }
            }
        }
        Ok(())
    }

    /// As many partitions as the tasks have.
    fn partitions(&self) -> Result<i32, String> {
        let loader = crate::kafka::Loader::new(&self.config)?;
        Ok(loader.partitions(&self.topics.tasks)?.unwrap_or(1))
    }

    /// Takes in what there is, up to a record whose schema must be waited for. Returns why, if there is one.
    fn batch(
        &self,
        follower: &Follower,
        first: Followed<'_>,
        erased: &mut Erased,
        reader: &mut Reader,
    ) -> Stored<Option<String>> {
        let mut waits = None;
        let calendar = &self.config.rules.calendar;
        let (latest, broken, progress) = self.store.batch(&self.topics, calendar, |batch| {
            let mut next = Some(first);
            let mut records = 0;
            let mut progress: Vec<Progress> = Vec::new();
            while let Some(record) = next {
                let json = match (self.topics.kind(record.topic()), record.value()) {
                    (Some(kind), Some(bytes)) => reader.json(kind, bytes).map(Some),
                    (_, value) => Ok(value.map(Cow::Borrowed)),
                };
                match json {
                    Ok(json) => self.take(follower, &record, json.as_deref(), batch, erased)?,
                    Err(Unread::Rejected(why)) => batch.pass_over(record.topic(), why),
                    Err(Unread::Waits(away)) => {
                        waits = Some(away.reason);
                        break;
                    }
                }
                let (topic, partition) = (record.topic(), record.partition());
                let known = progress
                    .iter()
                    .position(|at| at.topic == topic && at.partition == partition);
                let at = known.unwrap_or_else(|| {
                    progress.push(Progress {
                        topic: topic.to_owned(),
                        partition,
                        next: 0,
                        records: 0,
                        written_at: 0,
                    });
                    progress.len() - 1
                });
                let at = &mut progress[at];
                at.next = record.offset() + 1;
                at.records += 1;
                at.written_at = record.written_at();
                records += 1;
                next = (records < BATCH)
                    .then(|| follower.next(Duration::ZERO))
                    .flatten();
            }
            for at in &progress {
                if at.topic == self.topics.erasures {
                    erased.positions.insert(at.partition, at.next);
                } else {
                    batch.position(&at.topic, at.partition, at.next)?;
                }
            }
            Ok((batch.latest, batch.broken, progress))
        })?;
        self.status.took(latest, broken);
        self.telemetry.broken(broken);
        let now = clock::now().0;
        let mut lags: BTreeMap<&str, i64> = BTreeMap::new();
        for at in &progress {
            self.telemetry.read(&at.topic, at.records);
            let lag = lags.entry(&at.topic).or_default();
            *lag = (*lag).max(now.saturating_sub(at.written_at));
        }
        for (topic, lag) in lags {
            self.telemetry.lags(topic, lag as f64 / 1000.0);
        }
        Ok(waits)
    }

    /// Notes how far the erasures were read.
    fn note(&self, positions: BTreeMap<i32, i64>) -> Stored<()> {
        let calendar = &self.config.rules.calendar;
        self.store.batch(&self.topics, calendar, |batch| {
            for (partition, next) in positions {
                batch.position(&self.topics.erasures, partition, next)?;
            }
            Ok(())
        })
    }

    fn take(
        &self,
        follower: &Follower,
        record: &Followed<'_>,
        json: Option<&[u8]>,
        batch: &mut Batch<'_>,
        erased: &mut Erased,
    ) -> Stored<()> {
        let gone = erased.confirmed.get(record.key());
        if gone.is_some_and(|at| record.written_at() <= *at) {
            return Ok(());
        }
        if record.topic() != self.topics.erasures {
            return batch.record(record.topic(), record.key(), json);
        }
        let Some(erasure) = json.and_then(|v| serde_json::from_slice::<Erasure>(v).ok()) else {
            return Ok(());
        };
        match self.erased(follower, &erasure.source) {
            Ok(Some(msisdn)) => {
                batch.erase(&msisdn, erasure.erased_at.as_millisecond())?;
                let at = record.written_at();
                erased.confirmed.insert(msisdn.into_bytes(), at);
                Ok(())
            }
            // Then nothing of the subscriber can be found by it.
            Ok(None) if !erasure.known => Ok(()),
            Ok(None) | Err(_) => {
                troubles::warn(
                    "board erasure",
                    "an erasure was confirmed whose request is not there any more; the board may still show closed tasks of the \
                     subscriber. Send the request again",
                );
                Ok(())
            }
        }
    }

    /// Whose erasure it was: the confirmation does not say.
    fn erased(&self, follower: &Follower, at: &Source) -> Result<Option<String>, String> {
        let Some(bytes) = follower.one(&at.topic, at.partition, at.offset)? else {
            return Ok(None);
        };
        match self.config.decoder.decode(&bytes) {
            Ok(Decoded::Event(event, _)) => Ok(Some(event.msisdn.as_str().to_owned())),
            _ => Ok(None),
        }
    }
}
