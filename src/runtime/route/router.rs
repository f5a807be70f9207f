//! The loop: read, find the way, write and commit in one transaction.

use super::batch::{Batch, Room, Targets};
use super::routes::Routes;
use crate::health::{Condition, WorkerHealth};
use crate::kafka::{Attempt, Fault, Item, Link, Rebalance, Sources, TopicPartition};
use crate::registry::Away;
use crate::runtime::clock::{self, Stopwatch};
use crate::runtime::stop::Stop;
use crate::telemetry::{RegistryReport, RouteLag, RouteReport, troubles};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

/// Longest wait for records; the group's events are served in between.
const IDLE_WAIT: Duration = Duration::from_millis(50);
/// Records that are handed to the producer at once: they travel while the next ones are read.
const PIECE: usize = 1_000;
/// A transaction ends with this many bytes of values.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// How often the ends of partitions are asked for.
const LAG_INTERVAL: Duration = Duration::from_secs(5);
/// A group that refused a commit says within this time who has which partitions.
const REBALANCE_PATIENCE: Duration = Duration::from_secs(30);
/// The trouble of a registry that is away.
const REGISTRY: &str = "registry";

/// One router: a member of the routers' group with a producer of its own. Between two calls no transaction is open and
/// nothing is kept, so whatever fails, the next router goes on where the group stands.
pub struct Router<'r, L: Link> {
    routes: &'r Routes,
    sources: Arc<Sources>,
    targets: Targets,
    room: Room,
    stop: &'r Stop,
    health: &'r WorkerHealth,
    link: L,
    /// The next offset of each of our partitions.
    positions: BTreeMap<TopicPartition, i64>,
    /// The group has refused a commit: nothing is read until it has assigned partitions anew.
    refused: Option<Stopwatch>,
    /// The registry is away, and nothing is read.
    away: Option<Away>,
    lag_asked: Stopwatch,
}

impl<'r, L: Link> Router<'r, L> {
    /// A router that has joined the group.
    pub fn new(
        routes: &'r Routes,
        sources: Arc<Sources>,
        stop: &'r Stop,
        health: &'r WorkerHealth,
        link: L,
    ) -> Self {
        health.set(Condition::Connected, true);
        // There is no state to restore.
        health.set(Condition::Restored, true);
        health.set(Condition::Schemas, true);
        Self {
            targets: Targets::new(&routes.config, &sources, routes.registry.clone()),
            room: Room::default(),
            routes,
            sources,
            stop,
            health,
            link,
            positions: BTreeMap::new(),
            refused: None,
            away: None,
            lag_asked: Stopwatch::start(),
        }
    }

    /// One turn of the loop. Returns whether to go on; the group is left when the router is dropped.
    ///
    /// # Errors
    /// [`Fault`] if the router cannot go on. What it read and did not commit is read again.
    pub fn turn(&mut self) -> Result<bool, Fault> {
        self.health.beat();
        if self.stop.asked() {
            return Ok(false);
        }
        match self.link.serve()? {
            Some(Rebalance::Assigned(partitions)) => self.assigned(&partitions)?,
            Some(Rebalance::Revoked { lost }) => self.revoked(lost)?,
            None => {}
        }
        if self.routes.have_changed(&self.sources) {
            let reason = "other topics match route.sources now";
            return Err(Fault::Restart(reason.to_owned()));
        }
        let refused = self.refused;
        match refused {
            Some(since) if since.reached(REBALANCE_PATIENCE) => {
                let reason = "the group refused a commit and assigned nothing since";
                return Err(Fault::Restart(reason.to_owned()));
            }
            Some(_) => self.link.wait(IDLE_WAIT),
            None if self.waits_for_registry()? => self.link.wait(IDLE_WAIT),
            None => self.route()?,
        }
        if let Some(registry) = &self.routes.registry {
            let [sent, unknown, failed] = registry.take_figures();
            let report = RegistryReport {
                sent,
                unknown,
                failed,
            };
            report.emit(&self.routes.telemetry);
        }
        if self.lag_asked.reached(LAG_INTERVAL) {
            self.lag_asked = Stopwatch::start();
            self.tell_lag();
        }
        Ok(true)
    }

    /// Routes what has come, in one transaction, up to a record whose schema must be waited for.
    fn route(&mut self) -> Result<(), Fault> {
        let records_max = self.routes.config.route.batch_records_max as usize;
        let more = Duration::from_millis(self.routes.config.run.batch_wait_ms.into());
        let (mut batch, mut read, mut wait) = (Batch::default(), 0, IDLE_WAIT);
        let mut away = None;
        while read < records_max && batch.bytes < BATCH_BYTES_MAX && away.is_none() {
            let received = self.link.receive(PIECE.min(records_max - read), wait);
            if received == 0 {
                break;
            }
            (read, wait) = (read + received, more);
            away = self.take(&mut batch)?;
            self.link.prepare(&batch.outbound);
        }
        if !batch.offsets.is_empty() && !self.commit(batch)? {
            return Ok(());
        }
        let Some(away) = away else {
            return Ok(());
        };
        self.registry_is_away(away);
        // What was received and not routed is received again, once the registry has answered.
        self.link.clear();
        self.link.unassign()?;
        // The client gives partitions up in its own time, and then undoes what has taken them over before.
        self.link.wait(IDLE_WAIT);
        Ok(())
    }

    /// Writes and commits a transaction. Returns whether it was committed; otherwise the group assigns partitions anew.
    fn commit(&mut self, batch: Batch) -> Result<bool, Fault> {
        let offsets: Vec<_> = batch
            .offsets
            .iter()
            .map(|(at, next)| (*at, *next))
            .collect();
        match self.link.commit(&batch.outbound, &offsets)? {
            Attempt::Committed(_) => {}
            Attempt::Membership(_) => {
                self.refused = Some(Stopwatch::start());
                return Ok(false);
            }
            Attempt::TooLarge(indexes) => return Err(too_large(&batch, &indexes)),
            // The next router learns from the group's offsets what became of it.
            Attempt::Again(reason) | Attempt::Unknown(reason) => {
                return Err(Fault::Restart(format!("not committed: {reason}")));
            }
        }
        self.positions.extend(batch.offsets);
        let report = RouteReport {
            routed: batch.routed,
            passed_over: batch.passed_over,
            dead_lettered: batch.rejections.records(),
        };
        report.emit(&self.routes.telemetry);
        batch.rejections.log();
        Ok(true)
    }

    /// Whether the registry is still away; it is asked again now and then for what it was asked for.
    fn waits_for_registry(&mut self) -> Result<bool, Fault> {
        let (Some(away), Some(registry)) = (&self.away, &self.routes.registry) else {
            return Ok(false);
        };
        let now_ms = clock::monotonic_ms();
        if now_ms < away.until_ms {
            return Ok(true);
        }
        match registry.ask_again(away, now_ms) {
            Ok(()) => {
                self.registry_answers();
                troubles::over(REGISTRY, "the schema registry answers again");
                let positions = self.positions.iter();
                let starts: Vec<_> = positions.map(|(at, next)| (*at, *next)).collect();
                if !starts.is_empty() {
                    self.link.assign(&starts)?;
                }
                Ok(false)
            }
            Err(away) => {
                self.registry_is_away(away);
                Ok(true)
            }
        }
    }

    fn registry_is_away(&mut self, away: Away) {
        troubles::warn(REGISTRY, &away.reason);
        self.health.set(Condition::Schemas, false);
        self.away = Some(away);
    }

    fn registry_answers(&mut self) {
        self.away = None;
        self.health.set(Condition::Schemas, true);
    }

    /// Adds what was received to a transaction, up to a record whose schema must be waited for.
    fn take(&mut self, batch: &mut Batch) -> Result<Option<Away>, Fault> {
        let now_ms = clock::monotonic_ms();
        for item in self.link.items() {
            match item {
                Item::Record(record) => {
                    let Some(topic) = self.sources.topics.get(record.at.topic) else {
                        continue;
                    };
                    let room = &mut self.room;
                    if let Err(away) = self.targets.add(batch, topic, &record, now_ms, room) {
                        return Ok(Some(away));
                    }
                }
                Item::End { .. } => {}
                Item::Error { at, code, reason } => {
                    return Err(crate::kafka::fault(&self.sources.topics, at, code, &reason));
                }
            }
        }
        self.link.clear();
        Ok(None)
    }

    /// Partitions are ours: each goes on where the group stands, or begins at its first record.
    fn assigned(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault> {
        let first: BTreeMap<_, _> = self.link.starts(partitions)?.into_iter().collect();
        let mut starts = Vec::new();
        for (at, committed) in self.link.committed(partitions)? {
            let first = first.get(&at).copied().unwrap_or(0);
            let next = committed.unwrap_or(first);
            if next < first {
                return Err(Fault::Halt(format!(
                    "topic {} partition {}: records from offset {next} to {first} were deleted before they were routed; \
                     restore them, or go on without them under another `route.group`; then raise the topic's \
                     retention.ms",
                    self.sources.topics.name(at.topic),
                    at.partition
                )));
            }
            starts.push((at, next));
        }
        self.link.assign(&starts)?;
        self.positions = starts.into_iter().collect();
        self.refused = None;
        // The records that waited for it may be somebody else's now.
        self.registry_answers();
        info!(partitions = self.positions.len(), "routing partitions");
        self.health.set(Condition::Assigned, true);
        Ok(())
    }

    fn revoked(&mut self, lost: bool) -> Result<(), Fault> {
        self.health.set(Condition::Assigned, false);
        self.forget_lag();
        self.positions.clear();
        self.link.clear();
        info!(lost, "partitions given up");
        self.link.unassign()
    }

    /// States how far each partition is behind; a figure only, so brokers that do not answer are not asked again.
    fn tell_lag(&self) {
        let ours: Vec<_> = self.positions.keys().copied().collect();
        for (at, end) in self.link.ends(&ours).unwrap_or_default() {
            let next = self.positions.get(&at).copied().unwrap_or(end);
            self.lag(at)
                .emit(&self.routes.telemetry, (end - next).max(0));
        }
    }

    fn forget_lag(&self) {
        for at in self.positions.keys() {
            self.lag(*at).forget(&self.routes.telemetry);
        }
    }

    fn lag(&self, at: TopicPartition) -> RouteLag<'_> {
        RouteLag {
            topic: self.sources.topics.name(at.topic),
            partition: at.partition,
        }
    }
}

impl<L: Link> Drop for Router<'_, L> {
    fn drop(&mut self) {
        self.forget_lag();
    }
}

fn too_large(batch: &Batch, indexes: &[usize]) -> Fault {
    let first = indexes.first().and_then(|index| batch.outbound.get(*index));
    Fault::Halt(format!(
        "topic {} does not take what was read: it is too large; raise its max.message.bytes to that of the source topic and \
         4096 more, or lower `batch.size` in [kafka.properties] (1000000 by default) below it",
        first.map_or("?", |outbound| &outbound.topic)
    ))
}
