//! How receivers stand, for pages and programs.

use super::alert::Kind;
use crate::config::{ALERTS, AlertSettings, ReceiverKind};
use crate::telemetry::{BoardTelemetry, ReceiverLabels};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a receiver stands with this process. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReceiverFigures {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ReceiverKind,
    /// Alerts that it has taken since the start, by kind.
    pub sent: BTreeMap<&'static str, u64>,
    /// Alerts that were given up since the start, by kind.
    pub failed: BTreeMap<&'static str, u64>,
    /// Attempts that did not succeed.
    pub retried: u64,
    /// Alerts that wait for it.
    pub waiting: usize,
    /// Whether it takes nothing at present.
    pub failing: bool,
    /// What went wrong the last time, until something goes right.
    pub trouble: Option<String>,
    /// When that was.
    pub trouble_at: Option<i64>,
    /// Since when it wants nothing any more.
    pub gone_since: Option<i64>,
}

impl ReceiverFigures {
    fn labels(&self) -> ReceiverLabels<'_> {
        ReceiverLabels {
            receiver: &self.name,
            channel: self.kind.name(),
        }
    }
}

/// How all receivers stand.
#[derive(Debug)]
pub struct Figures {
    receivers: Mutex<Vec<ReceiverFigures>>,
    telemetry: BoardTelemetry,
}

impl Figures {
    /// Nothing was sent.
    pub fn new(settings: &AlertSettings, telemetry: BoardTelemetry) -> Self {
        let none = || Kind::ALL.iter().map(|kind| (kind.name(), 0)).collect();
        let receivers = settings
            .receivers
            .iter()
            .map(|(name, receiver)| ReceiverFigures {
                name: name.clone(),
                kind: receiver.kind,
                sent: none(),
                failed: none(),
                retried: 0,
                waiting: 0,
                failing: false,
                trouble: None,
                trouble_at: None,
                gone_since: None,
            });
        let receivers: Vec<ReceiverFigures> = receivers.collect();
        let figures = Self {
            receivers: Mutex::new(receivers),
            telemetry,
        };
        figures.none_waits();
        figures
    }

    /// All, in the order of their names.
    pub fn all(&self) -> Vec<ReceiverFigures> {
        self.lock().clone()
    }

    /// Nothing waits for anybody.
    pub fn none_waits(&self) {
        for receiver in self.lock().iter() {
            self.telemetry.none_waits(receiver.labels(), &ALERTS);
        }
    }

    /// So many more alerts of a kind wait for a receiver.
    pub fn waits(&self, receiver: usize, kind: Kind, more: i64) {
        self.change(receiver, |figures| {
            self.telemetry.waits(figures.labels(), kind.name(), more);
        });
    }

    /// A receiver has taken an alert, so many milliseconds after the board learned of it.
    pub fn sent(&self, receiver: usize, kind: Kind, waited_ms: i64) {
        self.change(receiver, |figures| {
            *figures.sent.entry(kind.name()).or_default() += 1;
            let seconds = waited_ms.max(0) as f64 / 1000.0;
            self.telemetry.sent(figures.labels(), kind.name(), seconds);
        });
    }

    /// An alert was given up.
    pub fn failed(&self, receiver: usize, kind: Kind) {
        self.change(receiver, |figures| {
            *figures.failed.entry(kind.name()).or_default() += 1;
            self.telemetry.failed(figures.labels(), kind.name());
        });
    }

    /// A receiver did not take a message.
    pub fn not_taken(&self, receiver: usize) {
        self.change(receiver, |figures| {
            self.telemetry.not_taken(figures.labels());
        });
    }

    /// Changes those of one.
    pub fn change(&self, receiver: usize, change: impl FnOnce(&mut ReceiverFigures)) {
        if let Some(figures) = self.lock().get_mut(receiver) {
            change(figures);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ReceiverFigures>> {
        self.receivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
