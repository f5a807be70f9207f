//! Every metric, declared once: its name, kind, labels and meaning. `/metrics` is made of these, and so is the table in
//! `deploy/metrics.md`.

/// One metric.
#[derive(Debug)]
pub(super) struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    /// The help text of `/metrics`.
    pub help: &'static str,
    /// What the table says beyond the help text.
    pub detail: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

const fn metric(
    kind: Kind,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        labels,
        help,
        detail: "",
    }
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    metric(Kind::Counter, name, labels, help)
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    metric(Kind::Gauge, name, labels, help)
}

impl Metric {
    const fn detail(self, detail: &'static str) -> Self {
        Self { detail, ..self }
    }
}

/// All of them, in the order of the table.
pub(super) const METRICS: &[&Metric] = &[
    &RECORDS_RECEIVED,
    &RECORDS,
    &RECORDS_LATE,
    &DEAD_LETTERS,
    &FIELD_FAULTS,
    &KEY_DISAGREEMENTS,
    &SIGNALS,
    &SHADOW_SIGNALS,
    &TASK_REVISIONS,
    &DEPUTY_TASKS,
    &OVER_CAPACITY_TASKS,
    &OPEN_TASKS,
    &TASKS,
    &REGION_TASKS,
    &TASK_OUTCOMES,
    &TASKS_JUDGED,
    &FOLLOWED,
    &UPLIFT,
    &COMMITS,
    &COMMIT_DURATION,
    &COMMIT_POLLS,
    &LAG_RECORDS,
    &LAG_SECONDS,
    &ROUTED,
    &ROUTE_LAG,
    &REGISTRY_REQUESTS,
    &WATERMARK_DELAY,
    &DAY_CLOSES,
    &FORGOTTEN,
    &FEED_OUTAGE_DAYS,
    &SUBSCRIBERS,
    &ROBOTS,
    &STORE_MEMORY,
    &REPLAY_DEBT,
    &RESTORE_REMAINING,
    &RESTORE_SECONDS,
    &JOURNAL_BYTES,
    &SNAPSHOTS,
    &READY,
    &BUILD_INFO,
    &BOARD_RECORDS,
    &BOARD_RECORDS_BROKEN,
    &BOARD_LAG_SECONDS,
    &BOARD_AWAY_SECONDS,
    &BOARD_OUTBOX,
    &BOARD_OUTBOX_SECONDS,
    &BOARD_TASKS,
    &BOARD_STORE_BYTES,
    &BOARD_REQUESTS,
    &BOARD_ALERTS,
    &BOARD_ALERT_ATTEMPTS_FAILED,
    &BOARD_ALERTS_WAITING,
    &BOARD_ALERT_DELIVERY,
];

pub(super) const RECORDS_RECEIVED: Metric = counter(
    "churnwatch_records_received_total",
    &[],
    "Records taken in; equals the sum of churnwatch_records_total.",
);

pub(super) const RECORDS: Metric = counter(
    "churnwatch_records_total",
    &["feed", "outcome"],
    "Records by what became of them; each has exactly one outcome.",
)
.detail(
    "Outcomes: `applied`, `duplicate`, `expired`, `ignored`, `dead_lettered`. `feed=\"unknown\"`: the record could not be \
     read far enough to know its feed.",
);

pub(super) const RECORDS_LATE: Metric = counter(
    "churnwatch_records_late_total",
    &["feed"],
    "Applied records whose day was closed already.",
);

pub(super) const DEAD_LETTERS: Metric = counter(
    "churnwatch_dead_letters_total",
    &["feed", "reason"],
    "Records that could not be used, by feed and reason.",
)
.detail(
    "A record that could not be read counts for the feed of its topic, and as `unknown` if the topic carries several.",
);

pub(super) const FIELD_FAULTS: Metric = counter(
    "churnwatch_field_faults_total",
    &["feed", "field", "fault"],
    "Fields that could not be used, of records that counted without them.",
)
.detail(
    "Faults: `missing`: the record type should have it; `unknown`: a value that is not in the field's list; `invalid`: of \
     another type, or a value that cannot be meant.",
);

pub(super) const KEY_DISAGREEMENTS: Metric = counter(
    "churnwatch_key_disagreements_total",
    &["topic"],
    "Records of a sample that lie in another partition than the other records of their subscriber, by topic.",
)
.detail("The sample is the first 256 records of a topic for each worker, and then one in 1,024.");

pub(super) const SIGNALS: Metric = counter(
    "churnwatch_signals_total",
    &["trigger", "suppression"],
    "Signals by trigger and by why they raised no task (none: they did).",
)
.detail("A signal that revised a task counts as one that raised it.");

pub(super) const SHADOW_SIGNALS: Metric = counter(
    "churnwatch_shadow_signals_total",
    &["trigger", "suppression"],
    "Signals of the shadow rules by trigger and by why no task could come of them (none: one could).",
)
.detail(
    "All zero without shadow rules. Tasks that are open already are not considered. Compared with \
     `churnwatch_signals_total` it shows how much work the rules on trial would cause.",
);

pub(super) const TASK_REVISIONS: Metric = counter(
    "churnwatch_tasks_total",
    &["status", "tier", "severity", "trigger"],
    "Published revisions of tasks; the trigger names the latest reason.",
);

pub(super) const DEPUTY_TASKS: Metric = counter(
    "churnwatch_deputy_tasks_total",
    &["tier"],
    "New tasks that went to a deputy.",
)
.detail(
    "The customer's own manager or queue was absent or had no room that day (`[policy.capacity]`).",
);

pub(super) const OVER_CAPACITY_TASKS: Metric = counter(
    "churnwatch_over_capacity_tasks_total",
    &["tier"],
    "New urgent tasks although nobody who might have got them was present and had room that day.",
);

pub(super) const OPEN_TASKS: Metric =
    gauge("churnwatch_open_tasks", &["partition"], "Tasks open now.");

pub(super) const TASKS: Metric = gauge(
    "churnwatch_tasks",
    &["state", "purpose", "tier"],
    "Open tasks by how they stand; a task is in every state that holds.",
)
.detail(
    "At most ten seconds old. States: `open`: all; `due`: the customer may be contacted now, and the task is not overdue; \
     `overdue`: past its due time without a reported contact; `escalated`: above the first rung of the ladder; `at_top`: \
     on its top rung.",
);

pub(super) const REGION_TASKS: Metric = gauge(
    "churnwatch_region_tasks",
    &["region", "state", "purpose"],
    "Open tasks by region down to the province and by how they stand.",
)
.detail(
    "The label holds the first two levels of the region, such as `HQ/Guangdong`; `none`: no region is known. The 64 \
     regions with most open tasks have their own series, the rest is `other`. Cities and managers are in `/api/rollup`.",
);

pub(super) const TASK_OUTCOMES: Metric = gauge(
    "churnwatch_task_outcomes_total",
    &["outcome", "trigger", "tier"],
    "What became of tasks so far, once for every trigger among a task's reasons.",
)
.detail(
    "Outcomes: `opened`, `escalated` (left the first rung), `reached` (the customer was spoken to), `saved`, `refused`, \
     `lost`, `churned`, `recovered` (the reason went by itself), `contacted` (care and growth), `returned` (won back), `expired`, `other`. An \
     outcome that corrects another takes that one back. A total kept in the state; see below.",
);

pub(super) const TASKS_JUDGED: Metric = gauge(
    "churnwatch_tasks_judged_total",
    &["verdict", "trigger"],
    "Churn tasks so far that turned out right (confirmed) or wrong (refuted), once for every trigger among the reasons.",
)
.detail("A total kept in the state; see below.");

pub(super) const FOLLOWED: Metric = gauge(
    "churnwatch_followed_total",
    &["group", "fate", "days", "trigger"],
    "Subscribers who are followed to see what tasks achieve, by what became of them within so many days.",
)
.detail(
    "All zero unless somebody is held out. Groups: `with_task`; `held_out`. Fates: `stayed`, `left`, `dropped` (erased, a new \
     owner, or changed over to the other group), `unfinished`. The trigger is the first reason. A total kept in the state; \
     see below.",
);

pub(super) const UPLIFT: Metric = gauge(
    "churnwatch_uplift_ratio",
    &["bound", "days", "trigger"],
    "Share of the held-out subscribers who left, minus the share of those with a task.",
)
.detail(
    "Bounds: `value`; `low` and `high` of the interval that holds the true difference in 95 of 100 cases. Of the partitions of \
     this process, by trigger and for `all`; NaN while the numbers are too small. It does not add up over processes: \
     `churnwatch_followed_total` does, and the board adds up all partitions.",
);

pub(super) const COMMITS: Metric = counter(
    "churnwatch_commits_total",
    &["outcome"],
    "Transactions by outcome.",
)
.detail("Outcomes: `committed`, `aborted`, `unknown`.");

pub(super) const COMMIT_DURATION: Metric = metric(
    Kind::Histogram,
    "churnwatch_commit_duration_seconds",
    &[],
    "Time from the end of a batch to the end of its transaction.",
);

pub(super) const COMMIT_POLLS: Metric = counter(
    "churnwatch_commit_polls_total",
    &[],
    "Times that transactions asked for the deliveries of their records, half a millisecond each.",
);

pub(super) const LAG_RECORDS: Metric = gauge(
    "churnwatch_lag_records",
    &["topic", "partition"],
    "Records of a partition that are not yet processed.",
);

pub(super) const LAG_SECONDS: Metric = gauge(
    "churnwatch_lag_seconds",
    &["topic", "partition"],
    "Age of the oldest record of a partition that is not yet processed.",
);

pub(super) const ROUTED: Metric = counter(
    "churnwatch_route_records_total",
    &["outcome"],
    "Records that the routers read, by what became of them.",
)
.detail("Outcomes: `routed`, `passed_over` (dated before `route.from`), `dead_lettered`. A statement of progress counts once, in however many partitions it is written.");

pub(super) const ROUTE_LAG: Metric = gauge(
    "churnwatch_route_lag_records",
    &["topic", "partition"],
    "Records of a source's partition that are not yet routed.",
);

pub(super) const REGISTRY_REQUESTS: Metric = counter(
    "churnwatch_registry_requests_total",
    &["outcome"],
    "Requests of the routers for schemas, by how the registry answered.",
)
.detail("Outcomes: `sent`, `unknown` (it has no such schema), `failed` (it is away, or refuses us: nothing is routed meanwhile).");

pub(super) const WATERMARK_DELAY: Metric = gauge(
    "churnwatch_watermark_delay_seconds",
    &["feed", "partition"],
    "How far a feed's watermark is behind the clock.",
);

pub(super) const DAY_CLOSES: Metric = counter(
    "churnwatch_day_closes_total",
    &["partition"],
    "Days closed since the partition's first record.",
);

pub(super) const FORGOTTEN: Metric = counter(
    "churnwatch_subscribers_forgotten_total",
    &["partition"],
    "Lines that were forgotten because nothing was heard of them for `window.forget_days`, since the partition's first record.",
);

pub(super) const FEED_OUTAGE_DAYS: Metric = counter(
    "churnwatch_feed_outage_days_total",
    &["feed", "partition"],
    "Closed days on which a feed's volume is unknown, since the partition's first record.",
);

pub(super) const SUBSCRIBERS: Metric = gauge(
    "churnwatch_subscribers",
    &["partition"],
    "Subscribers held.",
);

pub(super) const ROBOTS: Metric = gauge(
    "churnwatch_robots",
    &["partition"],
    "Subscribers taken for machines by their behaviour.",
)
.detail(
    "The limits are in `[robots]`; lines that the operator marked as machines are not counted.",
);

pub(super) const STORE_MEMORY: Metric = gauge(
    "churnwatch_store_memory_bytes",
    &["partition"],
    "Memory of the subscribers' windows and their index.",
);

pub(super) const REPLAY_DEBT: Metric = gauge(
    "churnwatch_replay_debt_records",
    &["partition"],
    "Records applied since the last snapshot, which a restart has to replay.",
);

pub(super) const RESTORE_REMAINING: Metric = gauge(
    "churnwatch_restore_remaining_records",
    &["partition"],
    "Records still to be replayed before a partition is live.",
);

pub(super) const RESTORE_SECONDS: Metric = gauge(
    "churnwatch_restore_seconds",
    &["partition"],
    "How long the last restore of a partition took, or has taken so far.",
);

pub(super) const JOURNAL_BYTES: Metric = counter(
    "churnwatch_journal_bytes_total",
    &[],
    "Bytes written to the journal.",
);

pub(super) const SNAPSHOTS: Metric = counter(
    "churnwatch_snapshots_total",
    &["outcome"],
    "Snapshots written, those that could not be written, and those refused when read.",
)
.detail("Outcomes: `written`, `failed`, `refused`.");

pub(super) const READY: Metric = gauge(
    "churnwatch_ready",
    &[],
    "1 while /readyz says ready, else 0.",
);

pub(super) const BUILD_INFO: Metric = gauge(
    "churnwatch_build_info",
    &["version", "rules_version"],
    "Always 1; what is running, as labels.",
);

pub(super) const BOARD_RECORDS: Metric = counter(
    "churnwatch_board_records_total",
    &["topic"],
    "Records that the board has read.",
);

pub(super) const BOARD_RECORDS_BROKEN: Metric = counter(
    "churnwatch_board_records_broken_total",
    &[],
    "Records that the board could not read; its log says why.",
);

pub(super) const BOARD_LAG_SECONDS: Metric = gauge(
    "churnwatch_board_lag_seconds",
    &["topic"],
    "Age of the record that the board read last, while further ones wait; 0 while none do.",
);

pub(super) const BOARD_AWAY_SECONDS: Metric = gauge(
    "churnwatch_board_brokers_away_seconds",
    &[],
    "How long the board has not reached the brokers; 0 while it does.",
);

pub(super) const BOARD_OUTBOX: Metric = gauge(
    "churnwatch_board_outbox_records",
    &[],
    "Records that wait to be sent to the brokers: answers, and what else people did.",
);

pub(super) const BOARD_OUTBOX_SECONDS: Metric = gauge(
    "churnwatch_board_outbox_seconds",
    &[],
    "How long the oldest record has waited to be sent.",
);

pub(super) const BOARD_TASKS: Metric = gauge(
    "churnwatch_board_tasks",
    &["state", "tier"],
    "Open tasks on the board by how they stand; a task is in every state that holds.",
)
.detail(
    "States: `open`: all, those of bulk campaigns too; `overdue`: people do them, and their time is over without a contact. \
     Each board counts all tasks, so do not add boards up.",
);

pub(super) const BOARD_STORE_BYTES: Metric = gauge(
    "churnwatch_board_store_bytes",
    &[],
    "Size of the board's store on disk, its log included.",
);

pub(super) const BOARD_REQUESTS: Metric = counter(
    "churnwatch_board_requests_total",
    &["class", "status"],
    "Answered requests by what was asked for and the class of the answer's status.",
)
.detail(
    "Classes: `page`, `form`, `api`, `export` (CSV and campaign files), `changes` (open pages asking for what is new), `other`. \
     Statuses: `2xx`, `3xx`, `4xx`, `5xx`.",
);

pub(super) const BOARD_ALERTS: Metric = counter(
    "churnwatch_board_alerts_total",
    &["receiver", "channel", "alert", "outcome"],
    "Alerts by what became of them.",
)
.detail(
    "Outcomes: `sent`: the receiver has taken it; `failed`: it was given up, and the page *Alerts* can send it again. \
     Receivers have their names of the configuration, and channels are their kinds.",
);

pub(super) const BOARD_ALERT_ATTEMPTS_FAILED: Metric = counter(
    "churnwatch_board_alert_attempts_failed_total",
    &["receiver", "channel"],
    "Messages that a receiver did not take at an attempt.",
);

pub(super) const BOARD_ALERTS_WAITING: Metric = gauge(
    "churnwatch_board_alerts_waiting",
    &["receiver", "channel", "alert"],
    "Alerts that wait or are on their way.",
);

pub(super) const BOARD_ALERT_DELIVERY: Metric = metric(
    Kind::Histogram,
    "churnwatch_board_alert_delivery_seconds",
    &["receiver", "channel"],
    "Time from when the board learned of an alert until the receiver had taken it.",
);

/// The rows of the table in `deploy/metrics.md`, one a line.
pub fn table() -> String {
    METRICS.iter().map(|metric| row(metric)).collect()
}

fn row(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let labels: Vec<String> = metric
        .labels
        .iter()
        .map(|label| format!("`{label}`"))
        .collect();
    let labels = match labels.is_empty() {
        true => String::new(),
        false => format!(" {}", labels.join(", ")),
    };
    let detail = match metric.detail {
        "" => String::new(),
        detail => format!(" {detail}"),
    };
    let Metric { name, help, .. } = metric;
    format!("| `{name}` | {kind} |{labels} | {help}{detail} |\n")
}
