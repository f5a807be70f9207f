//! What waits for a receiver, and when it goes. It reads no clock and sends nothing, so tests give it any time.

use super::alert::Alert;
use super::bucket::Bucket;
use crate::config::AlertSettings;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::sync::Arc;

/// What waited for so long is written down for whoever comes after this board.
const LATE_MS: i64 = 20_000;
/// Messages of a program that are on their way at a time.
const PARALLEL: usize = 8;
/// A pause is up to this share longer or shorter.
const JITTER: f64 = 0.2;

/// Why a receiver is not told any more.
const UNWANTED: &str = "the receiver wants nothing any more (status 410)";

/// An alert on its way to a receiver.
#[derive(Debug, Clone)]
pub struct Item {
    /// Names it in reports.
    pub ticket: u64,
    /// What is said.
    pub alert: Arc<Alert>,
    /// Since when it waits.
    pub since: i64,
    /// Whether it is written down that it waits.
    pub is_noted: bool,
}

/// A message on its way: one alert, or a digest.
#[derive(Debug)]
pub struct Packet {
    /// What it says.
    pub items: Vec<Item>,
    attempts: u32,
    at: i64,
    /// What was forgotten since must not come back.
    generation: u64,
}

impl Packet {
    /// The same for the same alerts.
    pub fn name(&self) -> String {
        let mut name = Sha256::new();
        for item in &self.items {
            name.update(item.alert.id());
            name.update("\n");
        }
        let name = name.finalize();
        name.iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The receiver has it.
    Taken,
    /// The receiver wants nothing any more.
    Gone,
    /// The receiver takes nothing now; it may say for how long, in milliseconds.
    Busy(String, Option<i64>),
    /// The receiver does not take this message.
    Refused(String),
}

/// What has happened.
#[derive(Debug, PartialEq, Eq)]
pub enum Report {
    /// The receiver has these.
    Delivered(Vec<u64>),
    /// It waits longer than usual.
    Late(u64),
    /// It has failed for good, and why.
    Failed(u64, String),
    /// The receiver wants nothing any more.
    Gone,
}

/// When daily mail goes next, after some moment.
pub type Slots = Arc<dyn Fn(i64) -> i64 + Send + Sync>;

/// How a receiver is told.
pub struct Pace {
    /// One message for each alert, several on their way at a time.
    pub single: bool,
    /// Its limit.
    pub bucket: Option<Bucket>,
    /// Once a day.
    pub daily: Option<Slots>,
}

/// What waits for a receiver.
pub struct Lane {
    pace: Pace,
    retry_ms: Vec<i64>,
    give_up_ms: i64,
    waiting_max: usize,
    waiting: VecDeque<Item>,
    /// Messages that were refused, each with its own time.
    refused: Vec<Packet>,
    flying: usize,
    /// When daily mail goes.
    slot: Option<i64>,
    /// Attempts since the receiver took something.
    failures: u32,
    hold_until: i64,
    generation: u64,
    gone: bool,
    /// Attempts behind the first ones.
    pub retried: u64,
    /// What went wrong the last time, until something goes right.
    pub trouble: Option<(i64, String)>,
}

impl Lane {
    /// Nothing waits.
    pub fn new(pace: Pace, settings: &AlertSettings) -> Self {
        Self {
            pace,
            retry_ms: settings
                .retry_seconds
                .iter()
                .map(|s| i64::from(*s) * 1000)
                .collect(),
            give_up_ms: i64::from(settings.give_up_hours) * 3_600_000,
            waiting_max: settings.waiting_max as usize,
            waiting: VecDeque::new(),
            refused: Vec::new(),
            flying: 0,
            slot: None,
            failures: 0,
            hold_until: 0,
            generation: 0,
            gone: false,
            retried: 0,
            trouble: None,
        }
    }

    /// Alerts that wait or are on their way.
    pub fn len(&self) -> usize {
        let refused: usize = self.refused.iter().map(|packet| packet.items.len()).sum();
        self.waiting.len() + refused + self.flying
    }

    /// Whether the receiver takes nothing at present.
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// A further alert.
    pub fn push(&mut self, item: Item, now: i64) {
        if let (Some(slots), None) = (&self.pace.daily, self.slot) {
            self.slot = Some(slots(now));
        }
        self.waiting.push_back(item);
    }

    /// Forgets what waits; what is on its way is told of and not tried again.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.refused.clear();
        self.generation += 1;
    }

    /// The receiver is wanted again, or not.
    pub fn set_gone(&mut self, gone: bool) {
        self.gone = gone;
        self.trouble = None;
    }

    /// The next message to send, if one may go now.
    pub fn next(&mut self, now: i64) -> Option<Packet> {
        let parallel = match self.pace.single && self.failures == 0 {
            true => PARALLEL,
            false => 1,
        };
        if self.gone || now < self.hold_until || self.flying >= parallel {
            return None;
        }
        let free = match &mut self.pace.bucket {
            Some(bucket) => bucket.free(now),
            None => usize::MAX,
        };
        if free == 0 {
            return None;
        }
        let due = self.refused.iter().position(|packet| packet.at <= now);
        let packet = match due {
            Some(place) => self.refused.swap_remove(place),
            None => Packet {
                items: self.waiting_items(now, free),
                attempts: 0,
                at: now,
                generation: self.generation,
            },
        };
        if packet.items.is_empty() {
            return None;
        }
        if let Some(bucket) = &mut self.pace.bucket {
            bucket.take();
        }
        self.flying += 1;
        Some(packet)
    }

    /// One alert while all that wait may have messages of their own, else all of them.
    fn waiting_items(&mut self, now: i64, free: usize) -> Vec<Item> {
        if self.slot.is_some_and(|slot| now < slot) {
            return Vec::new();
        }
        self.slot = None;
        let alone = self.pace.single || (self.pace.daily.is_none() && self.waiting.len() <= free);
        let count = if alone { 1 } else { self.waiting.len() };
        self.waiting
            .drain(..count.min(self.waiting.len()))
            .collect()
    }

    /// When [`Lane::next`] may have something, as far as it is known.
    pub fn wake(&mut self, now: i64) -> i64 {
        let token = match &mut self.pace.bucket {
            Some(bucket) => match bucket.free(now) {
                0 => bucket.next(now),
                _ => now,
            },
            None => now,
        };
        let refused = self.refused.iter().map(|packet| packet.at).min();
        let waiting = (!self.waiting.is_empty()).then(|| self.slot.unwrap_or(now));
        let work = refused.into_iter().chain(waiting).min();
        work.map_or(i64::MAX, |at| at.max(token).max(self.hold_until))
    }

    /// An attempt has ended. `dice` is from 0 to 1.
    pub fn answered(&mut self, packet: Packet, answer: Answer, now: i64, dice: f64) -> Vec<Report> {
        self.flying -= 1;
        let is_ours = packet.generation == self.generation;
        let mut reports = Vec::new();
        let tickets = |packet: &Packet| packet.items.iter().map(|item| item.ticket).collect();
        match answer {
            Answer::Taken => {
                // A pause that it asked for stays: this one was on its way before.
                (self.failures, self.trouble) = (0, None);
                reports.push(Report::Delivered(tickets(&packet)));
            }
            Answer::Gone => {
                self.gone = true;
                self.trouble = Some((now, UNWANTED.to_owned()));
                reports.push(Report::Gone);
                if is_ours {
                    self.waiting.extend(packet.items);
                }
                reports.extend(self.fail(|_| true, UNWANTED));
            }
            Answer::Busy(reason, wait) => {
                self.retried += 1;
                let pause = self.pause(self.failures, dice).max(wait.unwrap_or(0));
                self.failures = self.failures.saturating_add(1);
                self.hold_until = now.saturating_add(pause);
                if is_ours {
                    for item in packet.items.into_iter().rev() {
                        self.waiting.push_front(item);
                    }
                }
                if self.pace.daily.is_some() {
                    self.slot = Some(self.hold_until);
                }
                reports.extend(self.give_up(&reason, now));
                self.trouble = Some((now, reason));
            }
            Answer::Refused(reason) => {
                self.retried += 1;
                self.failures = 0;
                let pause = self.pause(packet.attempts, dice);
                if is_ours {
                    self.refused.push(Packet {
                        attempts: packet.attempts + 1,
                        at: now.saturating_add(pause),
                        ..packet
                    });
                }
                reports.extend(self.give_up(&reason, now));
                self.trouble = Some((now, reason));
            }
        }
        reports
    }

    /// What waits for long, and too much of what waits.
    pub fn look(&mut self, now: i64) -> Vec<Report> {
        if self.gone {
            return self.fail(|_| true, UNWANTED);
        }
        let mut reports = Vec::new();
        let is_daily = self.pace.daily.is_some();
        let refused = self.refused.iter_mut().flat_map(|packet| &mut packet.items);
        for item in self.waiting.iter_mut().chain(refused) {
            if !item.is_noted && (is_daily || now.saturating_sub(item.since) > LATE_MS) {
                item.is_noted = true;
                reports.push(Report::Late(item.ticket));
            }
        }
        while (is_daily || self.is_failing()) && self.waiting.len() > self.waiting_max {
            let Some(item) = self.waiting.pop_front() else {
                break;
            };
            let reason = match &self.trouble {
                Some((_, reason)) => format!("too many alerts wait; {reason}"),
                None => "too many alerts wait".to_owned(),
            };
            reports.push(Report::Failed(item.ticket, reason));
        }
        reports
    }

    fn pause(&self, failures: u32, dice: f64) -> i64 {
        let step = (failures as usize).min(self.retry_ms.len().saturating_sub(1));
        let pause = self.retry_ms.get(step).copied().unwrap_or(1000);
        (pause as f64 * (1.0 - JITTER + 2.0 * JITTER * dice)) as i64
    }

    /// Fails what has been tried for too long. Only an attempt can end in that: after a time without a board, all is tried once.
    fn give_up(&mut self, reason: &str, now: i64) -> Vec<Report> {
        // What goes once a day has waited for its hour first.
        let day = if self.pace.daily.is_some() {
            86_400_000
        } else {
            0
        };
        let limit = self.give_up_ms + day;
        self.fail(|item| now.saturating_sub(item.since) > limit, reason)
    }

    fn fail(&mut self, is_over: impl Fn(&Item) -> bool, reason: &str) -> Vec<Report> {
        let mut reports = Vec::new();
        let mut keep = |item: &Item| {
            let over = is_over(item);
            if over {
                reports.push(Report::Failed(item.ticket, reason.to_owned()));
            }
            !over
        };
        self.waiting.retain(&mut keep);
        for packet in &mut self.refused {
            packet.items.retain(&mut keep);
        }
        self.refused.retain(|packet| !packet.items.is_empty());
        reports
    }
}
