use super::work::{Answer, Holders, Work};
use crate::engine::triggers::REGISTRY;
use crate::engine::{RegionLevel, RegionOutcomes};
use crate::model::{Counts, Feed, Reject, Severity, Suppression, TaskStatus, Tier};
use prometheus::core::Collector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// Values of the label `outcome` of `churnwatch_records_total`.
pub(super) const OUTCOMES: [&str; 5] = [
    "applied",
    "duplicate",
    "expired",
    "ignored",
    "dead_lettered",
];

/// The label `feed` of a record that could not be read far enough to know.
pub(super) const UNKNOWN_FEED: &str = "unknown";

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
    pub(super) signals: IntCounterVec,
    pub(super) shadow_signals: IntCounterVec,
    pub(super) tasks: IntCounterVec,
    pub(super) commits: IntCounterVec,
    pub(super) commit_duration: Histogram,
    pub(super) commit_polls: IntCounter,
    pub(super) lag_records: IntGaugeVec,
    pub(super) lag_seconds: GaugeVec,
    pub(super) watermark_delay: GaugeVec,
    pub(super) day_closes: IntCounter,
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
            received: counter(
                r,
                "churnwatch_records_received_total",
                "Records taken in; equals the sum of churnwatch_records_total.",
            )?,
            records: counters(
                r,
                "churnwatch_records_total",
                "Records by what became of them; each has exactly one outcome.",
                &["feed", "outcome"],
            )?,
            late: counters(
                r,
                "churnwatch_records_late_total",
                "Applied records whose day was closed already.",
                &["feed"],
            )?,
            dead_letters: counters(
                r,
                "churnwatch_dead_letters_total",
                "Records that could not be used, by reason.",
                &["reason"],
            )?,
            signals: counters(
                r,
                "churnwatch_signals_total",
                "Signals by trigger and by why they raised no task (none: they did).",
                &["trigger", "suppression"],
            )?,
            shadow_signals: counters(
                r,
                "churnwatch_shadow_signals_total",
                "Signals of the shadow rules by trigger and by why no task could come of them (none: one could).",
                &["trigger", "suppression"],
            )?,
            tasks: counters(
                r,
                "churnwatch_tasks_total",
                "Published revisions of tasks; the trigger is that of the latest reason.",
                &["status", "tier", "severity", "trigger"],
            )?,
            commits: counters(
                r,
                "churnwatch_commits_total",
                "Transactions by outcome.",
                &["outcome"],
            )?,
            commit_duration: registered(
                r,
                Histogram::with_opts(
                    HistogramOpts::new(
                        "churnwatch_commit_duration_seconds",
                        "Time from the end of a batch to the end of its transaction.",
                    )
                    .buckets(COMMIT_BUCKETS_SECONDS.to_vec()),
                )?,
            )?,
            commit_polls: counter(
                r,
                "churnwatch_commit_polls_total",
                "Times that transactions asked for the deliveries of their records, half a millisecond each.",
            )?,
            lag_records: gauges(
                r,
                "churnwatch_lag_records",
                "Records of a partition that are not yet processed.",
                &["topic", "partition"],
            )?,
            lag_seconds: measures(
                r,
                "churnwatch_lag_seconds",
                "Age of the oldest record of a partition that is not yet processed.",
                &["topic", "partition"],
            )?,
            watermark_delay: measures(
                r,
                "churnwatch_watermark_delay_seconds",
                "How far a feed's watermark is behind the clock.",
                &["feed", "partition"],
            )?,
            day_closes: counter(
                r,
                "churnwatch_day_closes_total",
                "Days closed, counted in every partition.",
            )?,
            outage_days: counters(
                r,
                "churnwatch_feed_outage_days_total",
                "Closed days of which a feed's volume is unknown, counted in every partition.",
                &["feed"],
            )?,
            subscribers: gauges(
                r,
                "churnwatch_subscribers",
                "Subscribers held.",
                &["partition"],
            )?,
            robots: gauges(
                r,
                "churnwatch_robots",
                "Subscribers taken for machines by their behaviour.",
                &["partition"],
            )?,
            store_bytes: gauges(
                r,
                "churnwatch_store_memory_bytes",
                "Memory of the subscribers' windows and their index.",
                &["partition"],
            )?,
            open_tasks: gauges(
                r,
                "churnwatch_open_tasks",
                "Tasks open now.",
                &["partition"],
            )?,
            replay_debt: gauges(
                r,
                "churnwatch_replay_debt_records",
                "Records applied since the last snapshot, which a restart has to replay.",
                &["partition"],
            )?,
            restore_remaining: gauges(
                r,
                "churnwatch_restore_remaining_records",
                "Records still to be replayed before a partition is live.",
                &["partition"],
            )?,
            restore_seconds: measures(
                r,
                "churnwatch_restore_seconds",
                "How long the last restore of a partition took, or has taken so far.",
                &["partition"],
            )?,
            journal_bytes: counter(
                r,
                "churnwatch_journal_bytes_total",
                "Bytes written to the journal.",
            )?,
            snapshots: counters(
                r,
                "churnwatch_snapshots_total",
                "Snapshots written, those that could not be written, and those refused when read.",
                &["outcome"],
            )?,
            work: Work::new(r)?,
            ready: registered(
                r,
                IntGauge::new("churnwatch_ready", "1 while /readyz says ready, else 0.")?,
            )?,
            build: gauges(
                r,
                "churnwatch_build_info",
                "Always 1; what is running, as labels.",
                &["version", "rules_version"],
            )?,
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

    /// Days closed so far, over all shards.
    pub fn day_closes(&self) -> u64 {
        self.day_closes.get()
    }

    /// The work of a region and of those one level below it, as last rolled up; of an empty path, everything.
    pub fn region(&self, path: &str) -> Answer<RegionLevel> {
        self.work.level(path)
    }

    /// What became of the tasks of a region, as last rolled up; of an empty path, everything.
    pub fn outcomes(&self, path: &str) -> Answer<RegionOutcomes> {
        self.work.outcomes(path)
    }

    /// The work of those who have tasks, or of one account manager, as last rolled up.
    pub fn holders(&self, manager: Option<&str>) -> Answer<Holders> {
        self.work.holders(manager)
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
        }
        for feed in feeds() {
            self.late.with_label_values(&[feed]);
            self.outage_days.with_label_values(&[feed]);
        }
        for reason in Reject::REASONS {
            self.dead_letters.with_label_values(&[reason]);
        }
        for outcome in CommitOutcome::ALL {
            self.commits.with_label_values(&[outcome.name()]);
        }
        for outcome in ["written", "failed", "refused"] {
            self.snapshots.with_label_values(&[outcome]);
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

pub(super) type Made<M> = Result<M, prometheus::Error>;

fn counter(registry: &Registry, name: &str, help: &str) -> Made<IntCounter> {
    registered(registry, IntCounter::new(name, help)?)
}

pub(super) fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Made<IntCounterVec> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

pub(super) fn gauges(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Made<IntGaugeVec> {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
}

fn measures(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Made<GaugeVec> {
    registered(registry, GaugeVec::new(Opts::new(name, help), labels)?)
}

fn registered<M: Collector + Clone + 'static>(registry: &Registry, metric: M) -> Made<M> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
