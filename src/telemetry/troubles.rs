//! Troubles that come again and again. The log has each when it begins, then now and then with how often it came, and
//! its end with how long it lasted, where somebody states that.
//!
//! They belong to the process, as its log does: what several workers meet at once is one trouble. Until
//! [`init`](super::logging::init) has given a clock, every occurrence is logged.

use crate::model::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tracing::{debug, info, warn};

/// The brokers cannot be reached, or connections to them break.
pub const BROKERS: &str = "brokers";

/// From the first line to the first summary of what came again; each later summary comes after twice the time, up to
/// the last.
const SUMMARY_FIRST_MS: i64 = 60_000;
const SUMMARY_LAST_MS: i64 = 3_600_000;
/// What seems to be over is over when it has not come again for this long: longer than a worker may wait in one call for
/// brokers that do not answer.
const SETTLED_MS: i64 = 15_000;
/// What has not come for this long begins anew when it comes.
const QUIET_MS: i64 = 120_000;
/// Kinds known at a time; what is beyond them shares one.
const KINDS_MAX: usize = 256;
const OTHER: &str = "other";

static CLOCK: OnceLock<fn() -> Timestamp> = OnceLock::new();
static TROUBLES: Mutex<Troubles> = Mutex::new(Troubles(BTreeMap::new()));

/// Something went wrong that may well come again. `kind` tells it from other troubles and stands in the log.
pub fn warn(kind: &str, text: &str) {
    count(kind, 1, text);
}

/// The same went wrong so many times; the text tells of one of them.
pub fn count(kind: &str, times: u64, text: &str) {
    let Some(now) = now() else {
        return warn!(trouble = kind, times, "{text}");
    };
    if troubles().occurred(kind, times, text, now) {
        warn!(trouble = kind, "{text}");
    } else {
        debug!(trouble = kind, "again: {text}");
    }
}

/// What goes along with a trouble and is none alone: it counts if there is one.
pub fn aside(kind: &str, text: &str) {
    let now = now();
    let beside = now.is_some_and(|now| troubles().came_along(kind, text, now));
    debug!(trouble = kind, beside, "{text}");
}

/// A trouble is over; nothing is logged if there was none.
pub fn over(kind: &str, text: &str) {
    let Some(now) = now() else { return };
    let ended = troubles().over(kind);
    if let Some(trouble) = ended {
        log_end(kind, &trouble, now, text);
    }
}

/// A trouble seems to be over: it is, if it does not come again soon. Others may still have to tell of it what they met
/// before.
pub fn seems_over(kind: &str, text: &'static str) {
    if let Some(now) = now() {
        troubles().seems_over(kind, now, text);
    }
}

/// Logs the summaries that are due, and ends: to be called about once a second.
pub fn summarize() {
    let Some(now) = now() else { return };
    let (due, ended) = {
        let mut troubles = troubles();
        (troubles.due(now), troubles.ended(now))
    };
    log(due);
    for (kind, trouble, at, text) in ended {
        log_end(&kind, &trouble, at, text);
    }
}

/// Logs what has come again since it was last logged, and what seems to be over: the process ends.
pub fn conclude() {
    let rest = std::mem::take(&mut troubles().0);
    for (kind, trouble) in rest {
        match trouble.seems_over {
            Some((at, text)) => log_end(&kind, &trouble, at, text),
            None if trouble.untold > 0 => log(vec![Summary::of(&kind, &trouble)]),
            None => {}
        }
    }
}

fn log_end(kind: &str, trouble: &Trouble, at: Timestamp, text: &str) {
    let (times, since) = (trouble.times, moment(trouble.since));
    let seconds = at.since_ms(trouble.since) as f64 / 1000.0;
    info!(trouble = kind, times, since, seconds, "{text}");
}

/// From now on the time is known.
pub(super) fn set_clock(clock: fn() -> Timestamp) {
    // Whoever starts logging twice is told so.
    let _ = CLOCK.set(clock);
}

fn log(summaries: Vec<Summary>) {
    for Summary {
        kind,
        text,
        times,
        last,
    } in summaries
    {
        let last = moment(last);
        warn!(trouble = kind, times, last, "again: {text}");
    }
}

fn moment(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.0)
        .map_or_else(|_| String::new(), |time| time.to_string())
}

fn now() -> Option<Timestamp> {
    CLOCK.get().map(|clock| clock())
}

fn troubles() -> MutexGuard<'static, Troubles> {
    TROUBLES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Troubles by kind.
struct Troubles(BTreeMap<String, Trouble>);

struct Trouble {
    since: Timestamp,
    last: Timestamp,
    /// How often it came in all.
    times: u64,
    /// How often since it was last logged.
    untold: u64,
    told: Timestamp,
    pause_ms: i64,
    /// What was said of it the last time.
    text: String,
    /// Since when it has not come any more though it could, and what to say then.
    seems_over: Option<(Timestamp, &'static str)>,
}

impl Trouble {
    fn again(&mut self, times: u64, text: &str, now: Timestamp) {
        self.last = now;
        self.times += times;
        self.untold += times;
        self.text.clear();
        self.text.push_str(text);
        self.seems_over = None;
    }
}

/// What is to be logged of a trouble that came again.
#[derive(Debug, PartialEq)]
struct Summary {
    kind: String,
    text: String,
    times: u64,
    last: Timestamp,
}

impl Summary {
    fn of(kind: &str, trouble: &Trouble) -> Self {
        Self {
            kind: kind.to_owned(),
            text: trouble.text.clone(),
            times: trouble.untold,
            last: trouble.last,
        }
    }
}

impl Troubles {
    /// Notes occurrences. Returns whether the first is to be logged now.
    fn occurred(&mut self, kind: &str, times: u64, text: &str, now: Timestamp) -> bool {
        let known = self.0.contains_key(kind) || self.0.len() < KINDS_MAX;
        let kind = if known { kind } else { OTHER };
        if let Some(trouble) = self.0.get_mut(kind) {
            trouble.again(times, text, now);
            return false;
        }
        let trouble = Trouble {
            since: now,
            last: now,
            times,
            untold: times.saturating_sub(1),
            told: now,
            pause_ms: SUMMARY_FIRST_MS,
            text: text.to_owned(),
            seems_over: None,
        };
        self.0.insert(kind.to_owned(), trouble);
        true
    }

    /// Notes what counts only beside a trouble. Returns whether there is one.
    fn came_along(&mut self, kind: &str, text: &str, now: Timestamp) -> bool {
        let trouble = self.0.get_mut(kind);
        trouble.map(|trouble| trouble.again(1, text, now)).is_some()
    }

    fn seems_over(&mut self, kind: &str, now: Timestamp, text: &'static str) {
        if let Some(trouble) = self.0.get_mut(kind) {
            trouble.seems_over.get_or_insert((now, text));
        }
    }

    /// Takes those that have not come again since they seemed to be over, with the moment and the words for it.
    fn ended(&mut self, now: Timestamp) -> Vec<(String, Trouble, Timestamp, &'static str)> {
        let settled = |_: &String, trouble: &mut Trouble| {
            let end = trouble.seems_over;
            end.is_some_and(|(at, _)| now.since_ms(at) >= SETTLED_MS)
        };
        let ended = self.0.extract_if(.., settled);
        ended
            .filter_map(|(kind, trouble)| {
                let (at, text) = trouble.seems_over?;
                Some((kind, trouble, at, text))
            })
            .collect()
    }

    fn over(&mut self, kind: &str) -> Option<Trouble> {
        self.0.remove(kind)
    }

    fn due(&mut self, now: Timestamp) -> Vec<Summary> {
        let mut due = Vec::new();
        for (kind, trouble) in &mut self.0 {
            if trouble.untold > 0 && now.since_ms(trouble.told) >= trouble.pause_ms {
                due.push(Summary::of(kind, trouble));
                trouble.untold = 0;
                trouble.told = now;
                trouble.pause_ms = SUMMARY_LAST_MS.min(trouble.pause_ms * 2);
            }
        }
        self.0
            .retain(|_, trouble| trouble.untold > 0 || now.since_ms(trouble.last) < QUIET_MS);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    #[test]
    fn a_trouble_is_logged_once_then_with_its_count_and_the_time_it_last_came() {
        let mut troubles = Troubles(BTreeMap::new());
        assert!(troubles.occurred("brokers", 1, "refused", at(0)));
        for second in 1..=59 {
            assert!(!troubles.occurred("brokers", 1, "still refused", at(second)));
            assert_eq!(troubles.due(at(second)), []);
        }
        let summary = |times, last| Summary {
            kind: "brokers".into(),
            text: "still refused".into(),
            times,
            last: at(last),
        };
        assert_eq!(troubles.due(at(60)), [summary(59, 59)]);
        assert!(!troubles.occurred("brokers", 1, "still refused", at(70)));
        assert_eq!(
            troubles.due(at(120)),
            [],
            "the next one comes after twice the time"
        );
        assert_eq!(troubles.due(at(180)), [summary(1, 70)]);
        assert!(
            troubles.occurred("disk", 3, "full", at(181)),
            "another one has its own line"
        );
        assert_eq!(
            troubles.due(at(241))[0].times,
            2,
            "and two that came with it"
        );
    }

    #[test]
    fn an_end_tells_how_often_it_came_and_since_when() {
        let mut troubles = Troubles(BTreeMap::new());
        for second in 5..8 {
            troubles.occurred("brokers", 1, "refused", at(second));
        }
        let ended = troubles.over("brokers").unwrap();
        assert_eq!((ended.times, ended.since), (3, at(5)));
        assert!(troubles.over("brokers").is_none());
        assert!(
            troubles.occurred("brokers", 1, "refused", at(9)),
            "it begins anew"
        );
    }

    #[test]
    fn what_is_told_late_does_not_begin_anew() {
        let mut troubles = Troubles(BTreeMap::new());
        assert!(!troubles.came_along("brokers", "disconnected", at(0)));
        assert!(troubles.occurred("brokers", 1, "refused", at(1)));
        assert!(troubles.came_along("brokers", "disconnected", at(2)));
        troubles.seems_over("brokers", at(10), "they answer");
        assert!(troubles.ended(at(11)).is_empty());
        // Another client hands out what it met before.
        assert!(!troubles.occurred("brokers", 1, "refused", at(12)));
        for second in 13..28 {
            troubles.seems_over("brokers", at(second), "they answer");
            assert!(troubles.ended(at(second)).is_empty());
        }
        let ended = troubles.ended(at(28));
        let [(kind, trouble, end, text)] = &ended[..] else {
            panic!("one end");
        };
        assert_eq!((&**kind, *end, *text), ("brokers", at(13), "they answer"));
        assert_eq!((trouble.times, trouble.since), (3, at(1)));
        assert!(troubles.0.is_empty());
    }

    #[test]
    fn what_is_quiet_for_long_begins_anew_and_kinds_do_not_grow_for_ever() {
        let mut troubles = Troubles(BTreeMap::new());
        troubles.occurred("once", 1, "text", at(0));
        troubles.due(at(QUIET_MS / 1000));
        assert!(troubles.occurred("once", 1, "text", at(QUIET_MS / 1000)));
        for kind in 0..2 * KINDS_MAX {
            troubles.occurred(&kind.to_string(), 1, "text", at(0));
        }
        assert_eq!(troubles.0.len(), KINDS_MAX + 1);
    }
}
