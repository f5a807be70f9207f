use super::catalog;
use super::register::{counter, counters, float_gauges, gauge, gauges, histogram};
use super::work::{Holders, ProcessAnswer, Work};
use crate::engine::triggers::REGISTRY;
use crate::engine::{Customers, RegionLevel, RegionOutcomes, RegionUplift};
use crate::model::{Counts, Feed, Reject, Severity, Suppression, TaskStatus, Tier};
use prometheus::core::Collector;
use prometheus::{
    GaugeVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};

/// Values of the label `outcome` of `churnwatch_records_total`.
pub(super) const OUTCOMES: [&str; 5] = [
    "applied",
    "duplicate",
    "expired",
    "ignored",
    "dead_lettered",
];

/// Values of the label `outcome` of `churnwatch_registry_requests_total`.
pub(super) const REGISTRY_OUTCOMES: [&str; 3] = ["sent", "unknown", "failed"];
/// Values of the label `outcome` of `churnwatch_route_records_total`.
pub(super) const ROUTE_OUTCOMES: [&str; 3] = ["routed", "passed_over", "dead_lettered"];

/// The label `feed` of a record that could not be read far enough to know.
pub const UNKNOWN_FEED: &str = "unknown";

/// The label `suppression` of a signal that raised or revised a task.
pub(super) const NOT_SUPPRESSED: &str = "none";

const STATUSES: [TaskStatus; 4] = [
    TaskStatus::Open,
    TaskStatus::Updated,
    TaskStatus::Escalated,
    TaskStatus::Closed,
];

/// From well below one commit's round trip on a healthy network to the transaction timeout.
const COMMIT_BUCKETS_SECONDS: [f64; 13] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
];

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Committed.
    Committed,
    /// Aborted; its effects are sent again.
    Aborted,
    /// The brokers did not say; found out afterwards.
    Unknown,
}

impl CommitOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Committed, Self::Aborted, Self::Unknown];

    /// The name used in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Aborted => "aborted",
            Self::Unknown => "unknown",
        }
    }
}

/// The process's metrics; clones share them.
#[derive(Debug, Clone)]
pub struct Telemetry {
    registry: Registry,
    pub(super) received: IntCounter,
    pub(super) records: IntCounterVec,
    pub(super) late: IntCounterVec,
    pub(super) dead_letters: IntCounterVec,
    pub(super) field_faults: IntCounterVec,
    pub(super) key_disagreements: IntCounterVec,
    pub(super) signals: IntCounterVec,
    pub(super) shadow_signals: IntCounterVec,
    pub(super) tasks: IntCounterVec,
    pub(super) deputy_tasks: IntCounterVec,
    pub(super) over_capacity_tasks: IntCounterVec,
    pub(super) commits: IntCounterVec,
    pub(super) commit_duration: Histogram,
    pub(super) commit_polls: IntCounter,
    pub(super) lag_records: IntGaugeVec,
    pub(super) lag_seconds: GaugeVec,
    pub(super) routed: IntCounterVec,
    pub(super) route_lag: IntGaugeVec,
    pub(super) registry_requests: IntCounterVec,
    pub(super) watermark_delay: GaugeVec,
    pub(super) day_closes: IntCounterVec,
    pub(super) forgotten: IntCounterVec,
    pub(super) outage_days: IntCounterVec,
    pub(super) subscribers: IntGaugeVec,
    pub(super) robots: IntGaugeVec,
    pub(super) store_bytes: IntGaugeVec,
    pub(super) open_tasks: IntGaugeVec,
    pub(super) replay_debt: IntGaugeVec,
    pub(super) restore_remaining: IntGaugeVec,
    pub(super) restore_seconds: GaugeVec,
    pub(super) journal_bytes: IntCounter,
    pub(super) snapshots: IntCounterVec,
    pub(super) work: Work,
    ready: IntGauge,
    build: IntGaugeVec,
}

impl Telemetry {
    /// A registry with every metric at zero.
    ///
    /// # Errors
    /// None, unless the program was built with two metrics of one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let r = &registry;
        let telemetry = Self {
            received: counter(r, &catalog::RECORDS_RECEIVED)?,
            records: counters(r, &catalog::RECORDS)?,
            late: counters(r, &catalog::RECORDS_LATE)?,
            dead_letters: counters(r, &catalog::DEAD_LETTERS)?,
            field_faults: counters(r, &catalog::FIELD_FAULTS)?,
            key_disagreements: counters(r, &catalog::KEY_DISAGREEMENTS)?,
            signals: counters(r, &catalog::SIGNALS)?,
            shadow_signals: counters(r, &catalog::SHADOW_SIGNALS)?,
            tasks: counters(r, &catalog::TASK_REVISIONS)?,
            deputy_tasks: counters(r, &catalog::DEPUTY_TASKS)?,
            over_capacity_tasks: counters(r, &catalog::OVER_CAPACITY_TASKS)?,
            commits: counters(r, &catalog::COMMITS)?,
            commit_duration: histogram(r, &catalog::COMMIT_DURATION, &COMMIT_BUCKETS_SECONDS)?,
            commit_polls: counter(r, &catalog::COMMIT_POLLS)?,
            lag_records: gauges(r, &catalog::LAG_RECORDS)?,
            lag_seconds: float_gauges(r, &catalog::LAG_SECONDS)?,
            routed: counters(r, &catalog::ROUTED)?,
            route_lag: gauges(r, &catalog::ROUTE_LAG)?,
            registry_requests: counters(r, &catalog::REGISTRY_REQUESTS)?,
            watermark_delay: float_gauges(r, &catalog::WATERMARK_DELAY)?,
            day_closes: counters(r, &catalog::DAY_CLOSES)?,
            forgotten: counters(r, &catalog::FORGOTTEN)?,
            outage_days: counters(r, &catalog::FEED_OUTAGE_DAYS)?,
            subscribers: gauges(r, &catalog::SUBSCRIBERS)?,
            robots: gauges(r, &catalog::ROBOTS)?,
            store_bytes: gauges(r, &catalog::STORE_MEMORY)?,
            open_tasks: gauges(r, &catalog::OPEN_TASKS)?,
            replay_debt: gauges(r, &catalog::REPLAY_DEBT)?,
            restore_remaining: gauges(r, &catalog::RESTORE_REMAINING)?,
            restore_seconds: float_gauges(r, &catalog::RESTORE_SECONDS)?,
            journal_bytes: counter(r, &catalog::JOURNAL_BYTES)?,
            snapshots: counters(r, &catalog::SNAPSHOTS)?,
            work: Work::new(r)?,
            ready: gauge(r, &catalog::READY)?,
            build: gauges(r, &catalog::BUILD_INFO)?,
            registry,
        };
        telemetry.start_at_zero();
        Ok(telemetry)
    }

    /// States the version of the program and of its rules.
    pub fn set_rules_version(&self, rules_version: &str) {
        self.build.reset();
        let labels = [env!("CARGO_PKG_VERSION"), rules_version];
        self.build.with_label_values(&labels).set(1);
    }

    /// Counts a snapshot that could not be used.
    pub fn snapshot_refused(&self) {
        self.snapshots.with_label_values(&["refused"]).inc();
    }

    /// States whether the process is ready.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(i64::from(ready));
    }

    /// Removes the series of a partition that is not ours any more.
    pub fn forget_partition(&self, topics: &[&str], partition: i32) {
        self.work.forget(partition);
        let partition = partition.to_string();
        let partition = partition.as_str();
        // A series that was never set is not there to be removed; that is no error.
        for topic in topics {
            let _ = self.lag_records.remove_label_values(&[topic, partition]);
            let _ = self.lag_seconds.remove_label_values(&[topic, partition]);
        }
        let _ = self.restore_seconds.remove_label_values(&[partition]);
        for feed in Feed::ALL {
            let _ = self
                .watermark_delay
                .remove_label_values(&[feed.name(), partition]);
        }
        let _ = self.day_closes.remove_label_values(&[partition]);
        let _ = self.forgotten.remove_label_values(&[partition]);
        for feed in Feed::ALL {
            let labels = [feed.name(), partition];
            let _ = self.outage_days.remove_label_values(&labels);
        }
        for gauge in [
            &self.subscribers,
            &self.robots,
            &self.store_bytes,
            &self.open_tasks,
            &self.replay_debt,
            &self.restore_remaining,
        ] {
            let _ = gauge.remove_label_values(&[partition]);
        }
    }

    /// What became of all records so far, over all feeds.
    pub fn counts(&self) -> Counts {
        let of = |outcome: &str| {
            let feeds = Feed::ALL.iter().map(|feed| feed.name());
            let labels = feeds.chain([UNKNOWN_FEED]).map(|feed| [feed, outcome]);
            labels
                .map(|labels| self.records.with_label_values(&labels).get())
                .sum()
        };
        let late = Feed::ALL
            .iter()
            .map(|feed| self.late.with_label_values(&[feed.name()]).get());
        Counts {
            records: self.received.get(),
            applied: of("applied"),
            late: late.sum(),
            duplicate: of("duplicate"),
            expired: of("expired"),
            ignored: of("ignored"),
            dead_lettered: of("dead_lettered"),
        }
    }

    /// Days closed so far, over all partitions that are here.
    pub fn day_closes(&self) -> u64 {
        let families = self.day_closes.collect();
        let series = families.iter().flat_map(|family| family.get_metric());
        series
            .map(|series| series.get_counter().get_value() as u64)
            .sum()
    }

    /// Whether there is or was a task in a region, as far as this process's partitions tell.
    pub fn has_region(&self, path: &str) -> bool {
        self.work.has(path)
    }

    /// The work of a region and of those one level below it, as last rolled up; of an empty path, everything.
    pub fn region(&self, path: &str) -> ProcessAnswer<RegionLevel> {
        self.work.level(path)
    }

    /// What became of the tasks of a region, as last rolled up; of an empty path, everything.
    pub fn outcomes(&self, path: &str) -> ProcessAnswer<RegionOutcomes> {
        self.work.outcomes(path)
    }

    /// What tasks achieve in a region, against those held out.
    pub fn uplift(&self, path: &str) -> ProcessAnswer<RegionUplift> {
        self.work.uplift(path)
    }

    /// The work of those who have tasks, or of one account manager, as last rolled up.
    pub fn holders(&self, manager: Option<&str>) -> ProcessAnswer<Holders> {
        self.work.holders(manager)
    }

    /// The work by how customers are looked after, as last rolled up.
    pub fn customers(&self) -> ProcessAnswer<Customers> {
        self.work.customers()
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// If a metric cannot be written as text.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        self.work.refresh();
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// Makes every series whose labels are known, so that a first count is seen as an increase.
    fn start_at_zero(&self) {
        let feeds = || Feed::ALL.into_iter().map(Feed::name);
        for feed in feeds().chain([UNKNOWN_FEED]) {
            for outcome in OUTCOMES {
                self.records.with_label_values(&[feed, outcome]);
            }
            for reason in Reject::REASONS {
                self.dead_letters.with_label_values(&[feed, reason]);
            }
        }
        for feed in feeds() {
            self.late.with_label_values(&[feed]);
        }
        for outcome in CommitOutcome::ALL {
            self.commits.with_label_values(&[outcome.name()]);
        }
        for outcome in ROUTE_OUTCOMES {
            self.routed.with_label_values(&[outcome]);
        }
        for outcome in REGISTRY_OUTCOMES {
            self.registry_requests.with_label_values(&[outcome]);
        }
        for outcome in ["written", "failed", "refused"] {
            self.snapshots.with_label_values(&[outcome]);
        }
        for tier in Tier::ALL.map(Tier::name) {
            self.deputy_tasks.with_label_values(&[tier]);
            self.over_capacity_tasks.with_label_values(&[tier]);
        }
        for trigger in REGISTRY.iter().map(|registration| registration.name) {
            let suppressions = Suppression::ALL.into_iter().map(Suppression::name);
            for suppression in suppressions.chain([NOT_SUPPRESSED]) {
                self.signals.with_label_values(&[trigger, suppression]);
                self.shadow_signals
                    .with_label_values(&[trigger, suppression]);
            }
            for status in STATUSES {
                for tier in Tier::ALL {
                    for severity in Severity::ALL {
                        let labels = [status.name(), tier.name(), severity.name(), trigger];
                        self.tasks.with_label_values(&labels);
                    }
                }
            }
        }
    }
}
