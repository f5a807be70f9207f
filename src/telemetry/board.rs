use super::catalog;
use super::register::{counter, counters, float_gauge, float_gauges, gauge, gauges, histograms};
use prometheus::{
    Gauge, GaugeVec, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
    TextEncoder,
};

/// From a webhook in the same network to a mail once a day.
const DELIVERY_BUCKETS_SECONDS: [f64; 14] = [
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0, 14_400.0, 86_400.0,
];

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestClass {
    /// A page for people.
    Page,
    /// A form that somebody sent.
    Form,
    /// JSON for programs.
    Api,
    /// A file that somebody takes away.
    Export,
    /// What is new, for an open page.
    Changes,
    /// Anything else: the board's own files, and what is not there.
    Other,
}

impl RequestClass {
    const ALL: [Self; 6] = [
        Self::Page,
        Self::Form,
        Self::Api,
        Self::Export,
        Self::Changes,
        Self::Other,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Form => "form",
            Self::Api => "api",
            Self::Export => "export",
            Self::Changes => "changes",
            Self::Other => "other",
        }
    }
}

const STATUSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// A receiver as metrics name it.
#[derive(Debug, Clone, Copy)]
pub struct ReceiverLabels<'a> {
    /// Its name in the configuration.
    pub receiver: &'a str,
    /// What it is.
    pub channel: &'a str,
}

/// How a board stands at a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BoardReport {
    /// How long the brokers have been away.
    pub away_seconds: f64,
    /// Records that wait to be sent.
    pub outbox_records: u64,
    /// How long the oldest of them has waited.
    pub outbox_seconds: f64,
    /// By tier: open tasks, and those of them that are overdue.
    pub tasks: Vec<(&'static str, u64, u64)>,
    /// Size of the store.
    pub store_bytes: u64,
}

/// The metrics of a board; clones share them.
#[derive(Debug, Clone)]
pub struct BoardTelemetry {
    registry: Registry,
    records: IntCounterVec,
    broken: IntCounter,
    lag: GaugeVec,
    away: Gauge,
    outbox: IntGauge,
    outbox_seconds: Gauge,
    tasks: IntGaugeVec,
    store_bytes: IntGauge,
    requests: IntCounterVec,
    alerts: IntCounterVec,
    attempts_failed: IntCounterVec,
    waiting: IntGaugeVec,
    delivery: HistogramVec,
}

impl BoardTelemetry {
    /// A registry with every metric at zero.
    ///
    /// # Errors
    /// None, unless the program was built with two metrics of one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let r = &registry;
        let telemetry = Self {
            records: counters(r, &catalog::BOARD_RECORDS)?,
            broken: counter(r, &catalog::BOARD_RECORDS_BROKEN)?,
            lag: float_gauges(r, &catalog::BOARD_LAG_SECONDS)?,
            away: float_gauge(r, &catalog::BOARD_AWAY_SECONDS)?,
            outbox: gauge(r, &catalog::BOARD_OUTBOX)?,
            outbox_seconds: float_gauge(r, &catalog::BOARD_OUTBOX_SECONDS)?,
            tasks: gauges(r, &catalog::BOARD_TASKS)?,
            store_bytes: gauge(r, &catalog::BOARD_STORE_BYTES)?,
            requests: counters(r, &catalog::BOARD_REQUESTS)?,
            alerts: counters(r, &catalog::BOARD_ALERTS)?,
            attempts_failed: counters(r, &catalog::BOARD_ALERT_ATTEMPTS_FAILED)?,
            waiting: gauges(r, &catalog::BOARD_ALERTS_WAITING)?,
            delivery: histograms(r, &catalog::BOARD_ALERT_DELIVERY, &DELIVERY_BUCKETS_SECONDS)?,
            registry,
        };
        for class in RequestClass::ALL {
            for status in STATUSES {
                telemetry
                    .requests
                    .with_label_values(&[class.name(), status]);
            }
        }
        Ok(telemetry)
    }

    /// Records of a topic were read.
    pub fn read(&self, topic: &str, records: u64) {
        self.records.with_label_values(&[topic]).inc_by(records);
    }

    /// The record of a topic that was read last is so old.
    pub fn lags(&self, topic: &str, seconds: f64) {
        self.lag.with_label_values(&[topic]).set(seconds);
    }

    /// All of some topics was read.
    pub fn nothing_waits<'a>(&self, topics: impl IntoIterator<Item = &'a str>) {
        for topic in topics {
            self.read(topic, 0);
            self.lags(topic, 0.0);
        }
    }

    /// Records did not read.
    pub fn broken(&self, records: u64) {
        self.broken.inc_by(records);
    }

    /// A request was answered.
    pub fn answered(&self, class: RequestClass, status: u16) {
        let status = usize::from(status / 100).clamp(2, 5) - 2;
        self.requests
            .with_label_values(&[class.name(), STATUSES[status]])
            .inc();
    }

    /// Nothing waits for a receiver. Makes its series where it has none.
    pub fn none_waits(&self, to: ReceiverLabels<'_>, alerts: &[&str]) {
        let ReceiverLabels { receiver, channel } = to;
        self.attempts_failed.with_label_values(&[receiver, channel]);
        self.delivery.with_label_values(&[receiver, channel]);
        for alert in alerts {
            let waiting = self.waiting.with_label_values(&[receiver, channel, alert]);
            waiting.set(0);
            for outcome in ["sent", "failed"] {
                self.alerts
                    .with_label_values(&[receiver, channel, alert, outcome]);
            }
        }
    }

    /// So many more alerts wait for a receiver.
    pub fn waits(&self, to: ReceiverLabels<'_>, alert: &str, more: i64) {
        self.waiting
            .with_label_values(&[to.receiver, to.channel, alert])
            .add(more);
    }

    /// A receiver has taken an alert so long after the board learned of it.
    pub fn sent(&self, to: ReceiverLabels<'_>, alert: &str, seconds: f64) {
        let ReceiverLabels { receiver, channel } = to;
        self.alerts
            .with_label_values(&[receiver, channel, alert, "sent"])
            .inc();
        self.delivery
            .with_label_values(&[receiver, channel])
            .observe(seconds);
    }

    /// An alert was given up.
    pub fn failed(&self, to: ReceiverLabels<'_>, alert: &str) {
        self.alerts
            .with_label_values(&[to.receiver, to.channel, alert, "failed"])
            .inc();
    }

    /// A receiver did not take a message.
    pub fn not_taken(&self, to: ReceiverLabels<'_>) {
        self.attempts_failed
            .with_label_values(&[to.receiver, to.channel])
            .inc();
    }

    /// All metrics in Prometheus' text format, with how the board stands now.
    ///
    /// # Errors
    /// If a metric cannot be written as text.
    pub fn render(&self, report: &BoardReport) -> Result<String, prometheus::Error> {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.away.set(report.away_seconds);
        self.outbox.set(whole(report.outbox_records));
        self.outbox_seconds.set(report.outbox_seconds);
        self.store_bytes.set(whole(report.store_bytes));
        for (tier, open, overdue) in &report.tasks {
            for (state, tasks) in [("open", open), ("overdue", overdue)] {
                self.tasks
                    .with_label_values(&[state, tier])
                    .set(whole(*tasks));
            }
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}
