//! What is on its way: which alerts to whom, what each of them settles, and what is written down of them.

use super::alert::{Alert, Kind};
use super::carriers::{Carriers, Order};
use super::figures::Figures;
use super::lane::{Item, Report};
use super::rules;
use super::track::Track;
use crate::board::people;
use crate::board::status::Status;
use crate::board::store::{
    FailedAlert, FailedText, GoneReceiver, Store, StoreError, Topics, WaitingAlert,
};
use crate::config::Config;
use crate::runtime::clock;
use crate::telemetry::troubles;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

/// More is not read while so many alerts are on their way to a receiver that takes them.
const LOAD_MAX: usize = 5_000;

/// What alerts are made from, and where it is noted what became of them.
pub struct Means {
    /// Whose tasks, and who is told.
    pub config: Config,
    /// Names of topics.
    pub topics: Topics,
    /// What was said, and what waits.
    pub store: Store,
    /// Whether the board has read what there is.
    pub status: Arc<Status>,
    /// How receivers stand.
    pub figures: Arc<Figures>,
}

/// What is done once all receivers of it have it.
#[derive(Debug, Clone)]
pub enum Source {
    /// A record of the tasks' topic: the group may stand behind it.
    Record(i32, i64),
    /// That time has passed: it was said.
    Time(String, Kind),
    /// Nothing: it is written down that it waits.
    Noted,
}

/// An alert on its way to a receiver.
struct Claim {
    receiver: usize,
    alert: Arc<Alert>,
    partition: i32,
    since: i64,
    source: Source,
    /// Whether the store has it among those that wait.
    is_waiting: bool,
}

/// What is on its way.
pub struct Book<'a> {
    means: &'a Means,
    names: Vec<String>,
    /// Hashes of where receivers are.
    targets: Vec<String>,
    /// Alerts on their way to each receiver that are not written down.
    load: Vec<usize>,
    gone: Vec<bool>,
    carriers: Carriers,
    reports: Receiver<(usize, Report)>,
    /// How far the records of our partitions are done.
    pub tracks: BTreeMap<i32, Track>,
    claims: BTreeMap<u64, Claim>,
    /// That time has passed, as it is being said: to how many receivers yet.
    saying: BTreeMap<(String, Kind), usize>,
    /// What was written down and is done when the brokers have it, by the number of its letter.
    noted: VecDeque<(i64, Source)>,
    /// Alerts that an admin had sent again, and when: the store may yet show one that is done with.
    resent: BTreeMap<(String, String), i64>,
    ticket: u64,
}

/// What the store says of an error.
pub fn of_store(error: StoreError) -> String {
    error.to_string()
}

impl<'a> Book<'a> {
    /// Nothing is on its way, and the carriers wait.
    ///
    /// # Errors
    /// The carriers cannot be started.
    pub fn open(means: &'a Means) -> Result<Self, String> {
        let receivers = &means.config.board.alerts.receivers;
        let (sender, reports) = mpsc::channel();
        means.figures.none_waits();
        let carriers = Carriers::start(&means.config, &means.status, &means.figures, &sender)?;
        let target = |url: &str| people::hash(url)[..16].to_owned();
        Ok(Self {
            means,
            names: receivers.keys().cloned().collect(),
            targets: receivers
                .values()
                .map(|receiver| target(receiver.url.reveal()))
                .collect(),
            load: vec![0; receivers.len()],
            gone: vec![false; receivers.len()],
            carriers,
            reports,
            tracks: BTreeMap::new(),
            claims: BTreeMap::new(),
            saying: BTreeMap::new(),
            noted: VecDeque::new(),
            resent: BTreeMap::new(),
            ticket: 0,
        })
    }

    /// A record was read.
    pub fn read(&mut self, partition: i32, offset: i64, alert: Option<Alert>) {
        let receivers = alert
            .as_ref()
            .map(|alert| self.receivers_of(alert))
            .unwrap_or_default();
        let Some(track) = self.tracks.get_mut(&partition) else {
            return;
        };
        track.read(offset, receivers.len());
        if let Some(alert) = alert {
            self.say(
                &Arc::new(alert),
                &receivers,
                partition,
                &Source::Record(partition, offset),
            );
        }
    }

    /// Says that time has passed, unless that is being said.
    pub fn say_time(&mut self, alert: Alert, partition: i32) {
        let name = (alert.task_id.clone(), alert.kind);
        let receivers = self.receivers_of(&alert);
        if receivers.is_empty() || self.saying.contains_key(&name) {
            return;
        }
        self.saying.insert(name.clone(), receivers.len());
        let source = Source::Time(name.0, name.1);
        self.say(&Arc::new(alert), &receivers, partition, &source);
    }

    fn receivers_of(&self, alert: &Alert) -> Vec<usize> {
        let receivers = rules::receivers_of(&self.means.config.board.alerts, alert);
        receivers
            .into_iter()
            .filter(|receiver| !self.gone[*receiver])
            .collect()
    }

    fn say(&mut self, alert: &Arc<Alert>, receivers: &[usize], partition: i32, source: &Source) {
        let since = clock::now().0;
        for receiver in receivers {
            let claim = Claim {
                receiver: *receiver,
                alert: Arc::clone(alert),
                partition,
                since,
                source: source.clone(),
                is_waiting: false,
            };
            self.claim(claim);
        }
    }

    fn claim(&mut self, claim: Claim) {
        self.ticket += 1;
        let item = Item {
            ticket: self.ticket,
            alert: Arc::clone(&claim.alert),
            since: claim.since,
            is_noted: claim.is_waiting,
        };
        if !claim.is_waiting {
            self.load[claim.receiver] += 1;
        }
        let figures = &self.means.figures;
        figures.waits(claim.receiver, claim.alert.kind, 1);
        self.carriers.tell(claim.receiver, Order::Say(item));
        self.claims.insert(self.ticket, claim);
    }

    /// Takes in what carriers report.
    ///
    /// # Errors
    /// The store refuses.
    pub fn take_reports(&mut self) -> Result<(), String> {
        while let Ok((receiver, report)) = self.reports.try_recv() {
            match report {
                Report::Delivered(tickets) => {
                    for ticket in tickets {
                        self.end(ticket, None)?;
                    }
                }
                Report::Failed(ticket, reason) => self.end(ticket, Some(reason))?,
                Report::Late(ticket) => self.note(ticket)?,
                Report::Gone => {
                    let now = clock::now().0;
                    let gone = GoneReceiver {
                        at: now,
                        target: self.targets[receiver].clone(),
                    };
                    self.gone[receiver] = true;
                    let (store, topics) = (&self.means.store, &self.means.topics);
                    let noted = store.note_gone(topics, &self.names[receiver], Some(&gone), now);
                    noted.map_err(of_store)?;
                }
            }
        }
        Ok(())
    }

    /// A receiver has an alert, or will never have it.
    fn end(&mut self, ticket: u64, failed: Option<String>) -> Result<(), String> {
        let Some(claim) = self.claims.remove(&ticket) else {
            return Ok(());
        };
        if !claim.is_waiting {
            self.load[claim.receiver] -= 1;
        }
        let (figures, kind) = (&self.means.figures, claim.alert.kind);
        figures.waits(claim.receiver, kind, -1);
        match &failed {
            Some(_) => figures.failed(claim.receiver, kind),
            None => figures.sent(claim.receiver, kind, clock::now().0 - claim.since),
        }
        let failed = failed.map(|reason| self.failed(&claim, reason));
        let failed = failed.transpose()?;
        if claim.is_waiting || failed.is_some() {
            let (store, topics) = (&self.means.store, &self.means.topics);
            let receiver = &self.names[claim.receiver];
            let letter = store.end_alert(topics, receiver, &claim.alert.id(), failed.as_ref());
            let letter = letter.map_err(of_store)?;
            self.noted.push_back((letter, claim.source));
            return Ok(());
        }
        self.done(claim.source)
    }

    fn failed(&self, claim: &Claim, reason: String) -> Result<FailedAlert, String> {
        let alert = &*claim.alert;
        let (name, kind) = (&self.names[claim.receiver], alert.kind.name());
        troubles::warn(
            "alerts failed",
            &format!("an alert `{kind}` for the receiver `{name}` has failed: {reason}"),
        );
        Ok(FailedAlert {
            receiver: name.clone(),
            alert_id: alert.id(),
            task_id: alert.task_id.clone(),
            kind: kind.to_owned(),
            at: clock::now().0,
            reason,
            said: Some(FailedText {
                partition: claim.partition,
                alert: serde_json::to_value(alert).map_err(|error| error.to_string())?,
            }),
        })
    }

    /// An alert waits: it is written down, so that its record need not be read again.
    fn note(&mut self, ticket: u64) -> Result<(), String> {
        let Some(claim) = self
            .claims
            .get_mut(&ticket)
            .filter(|claim| !claim.is_waiting)
        else {
            return Ok(());
        };
        let waiting = WaitingAlert {
            receiver: self.names[claim.receiver].clone(),
            alert_id: claim.alert.id(),
            partition: claim.partition,
            since: claim.since,
            alert: serde_json::to_value(&*claim.alert).map_err(|error| error.to_string())?,
            resent: false,
        };
        let (store, topics) = (&self.means.store, &self.means.topics);
        let letter = store
            .note_waiting_alert(topics, &waiting)
            .map_err(of_store)?;
        claim.is_waiting = true;
        self.load[claim.receiver] -= 1;
        let source = std::mem::replace(&mut claim.source, Source::Noted);
        self.noted.push_back((letter, source));
        Ok(())
    }

    /// Writes down all that is on its way.
    ///
    /// # Errors
    /// The store refuses.
    pub fn note_all(&mut self) -> Result<(), String> {
        let open: Vec<u64> = self.claims.keys().copied().collect();
        open.into_iter().try_for_each(|ticket| self.note(ticket))
    }

    /// What was written down is done once the brokers have it. Returns whether they have all of it.
    ///
    /// # Errors
    /// The store refuses.
    pub fn release(&mut self) -> Result<bool, String> {
        if self.noted.is_empty() {
            return Ok(true);
        }
        let oldest = self.means.store.oldest_letter().map_err(of_store)?;
        while let Some((letter, _)) = self.noted.front() {
            if oldest.is_some_and(|oldest| oldest <= *letter) {
                break;
            }
            if let Some((_, source)) = self.noted.pop_front() {
                self.done(source)?;
            }
        }
        Ok(self.noted.is_empty())
    }

    fn done(&mut self, source: Source) -> Result<(), String> {
        match source {
            Source::Record(partition, offset) => {
                if let Some(track) = self.tracks.get_mut(&partition) {
                    track.done(offset);
                }
            }
            Source::Time(task_id, kind) => {
                let Some(left) = self.saying.get_mut(&(task_id.clone(), kind)) else {
                    return Ok(());
                };
                *left -= 1;
                if *left == 0 {
                    let (store, topics) = (&self.means.store, &self.means.topics);
                    let said = store.note_said(topics, &task_id, kind.name(), clock::now().0);
                    said.map_err(of_store)?;
                    self.saying.remove(&(task_id, kind));
                }
            }
            Source::Noted => {}
        }
        Ok(())
    }

    /// Goes on with an alert that somebody has written down.
    ///
    /// # Errors
    /// The store refuses.
    pub fn resume(&mut self, waiting: WaitingAlert) -> Result<(), String> {
        if waiting.resent {
            let name = (waiting.receiver.clone(), waiting.alert_id.clone());
            if self.resent.get(&name) >= Some(&waiting.since) {
                return Ok(());
            }
            self.resent.insert(name, waiting.since);
        }
        let receiver = self.names.iter().position(|name| *name == waiting.receiver);
        let alert: Option<Alert> = serde_json::from_value(waiting.alert).ok();
        let (Some(receiver), Some(alert)) = (receiver, alert) else {
            let (store, topics) = (&self.means.store, &self.means.topics);
            let ended = store.end_alert(topics, &waiting.receiver, &waiting.alert_id, None);
            ended.map_err(of_store)?;
            let text = "an alert that waited is dropped: its receiver is not in the configuration any more";
            troubles::warn("alerts dropped", text);
            return Ok(());
        };
        let claim = Claim {
            receiver,
            alert: Arc::new(alert),
            partition: waiting.partition,
            since: waiting.since,
            source: Source::Noted,
            is_waiting: true,
        };
        self.claim(claim);
        Ok(())
    }

    /// Forgets all that is on its way: it is somebody else's now.
    pub fn clear(&mut self) {
        self.carriers.forget();
        self.tracks.clear();
        self.claims.clear();
        self.means.figures.none_waits();
        self.saying.clear();
        self.noted.clear();
        self.resent.clear();
        self.load.fill(0);
    }

    /// Whether nothing is on its way that was not written down.
    pub fn is_settled(&self) -> bool {
        self.tracks.values().all(Track::is_settled) && self.saying.is_empty()
    }

    /// Looks which receivers want nothing any more.
    ///
    /// # Errors
    /// The store refuses.
    pub fn look(&mut self) -> Result<(), String> {
        let gone = self.means.store.gone_receivers().map_err(of_store)?;
        for receiver in 0..self.names.len() {
            let entry = gone.get(&self.names[receiver]);
            let since = entry
                .filter(|entry| entry.target == self.targets[receiver])
                .map(|entry| entry.at);
            if self.gone[receiver] != since.is_some() {
                self.gone[receiver] = since.is_some();
                self.carriers.tell(receiver, Order::Want(since.is_none()));
            }
            self.means
                .figures
                .change(receiver, |figures| figures.gone_since = since);
        }
        Ok(())
    }

    /// Whether a receiver that takes alerts has many before it.
    pub fn is_full(&self) -> bool {
        let figures = self.means.figures.all();
        let mut loads = self.load.iter().zip(&figures);
        loads.any(|(load, figures)| *load > LOAD_MAX && !figures.failing)
    }
}
