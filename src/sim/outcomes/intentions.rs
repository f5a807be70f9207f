//! Who intends to leave, since when, why, and when they go, as the ground truth says.

use super::lines::{AnswerError, parse_line, parse_time};
use crate::model::{Calendar, Day, Timestamp};
use crate::sim::truth::{Class, Detail, Kind, Truth};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Everybody who is, was or will be on the way out.
#[derive(Default)]
pub struct Intentions {
    /// Churn episodes by subscriber.
    leavers: BTreeMap<String, Vec<Episode>>,
    /// Who phones in a place where calls drop.
    badly_covered: BTreeSet<String>,
}

/// Somebody on the way out.
pub struct Episode {
    /// When the owner made up his mind.
    pub from: Timestamp,
    /// When the owner leaves for good; of those who waver and stay, none.
    pub left_at: Option<Timestamp>,
    reason: &'static str,
}

/// Why somebody is on the way out, if nothing but the path tells.
fn reason_of(kind: &str, category: Option<&str>) -> &'static str {
    match (kind, category) {
        ("stop" | "port_out", _) => "competitor_offer",
        ("complaint", Some("network")) => "network",
        ("complaint", Some("billing")) | ("arrears", _) => "price",
        ("complaint", _) => "service",
        _ => "second_sim",
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    msisdn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    class: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    from: Cow<'a, str>,
    #[serde(borrow)]
    left_at: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    details: Details<'a>,
}

#[derive(Deserialize, Default)]
struct Details<'a> {
    #[serde(borrow)]
    category: Option<Cow<'a, str>>,
    #[serde(borrow)]
    decided_on: Option<Cow<'a, str>>,
}

impl Intentions {
    /// Takes note of a line of a truth file.
    pub fn add_line(&mut self, line: &[u8], calendar: &Calendar) -> Result<(), AnswerError> {
        let line: Line = parse_line(line, "ground truth")?;
        let Some(msisdn) = &line.msisdn else {
            return Ok(());
        };
        if line.class != Class::Churn.name() {
            self.note_trait(msisdn, &line.kind);
            return Ok(());
        }
        let left_at = line.left_at.as_deref();
        let left_at = left_at.map(|at| parse_time("left_at", at)).transpose()?;
        let from = parse_time("from", &line.from)?;
        let decided_on = line.details.decided_on.as_deref().and_then(Day::parse);
        let episode = Episode {
            from: begun(from, decided_on, calendar),
            left_at,
            reason: reason_of(&line.kind, line.details.category.as_deref()),
        };
        self.add_episode(msisdn, episode);
        Ok(())
    }

    /// Takes note of what a city tells.
    pub fn add_truth(&mut self, line: &Truth, calendar: &Calendar) {
        let Some(number) = line.msisdn else {
            return;
        };
        let (msisdn, kind) = (number.to_string(), line.kind.name());
        if line.kind.class() != Class::Churn {
            return self.note_trait(&msisdn, kind);
        }
        let detail = |name: &str| {
            let found = line.details.iter().find(|(other, _)| *other == name);
            found.map(|(_, detail)| *detail)
        };
        let category = match detail("category") {
            Some(Detail::Name(category)) => Some(category),
            _ => None,
        };
        let decided_on = match detail("decided_on") {
            Some(Detail::On(day)) => Some(day),
            _ => None,
        };
        let episode = Episode {
            from: begun(line.from, decided_on, calendar),
            left_at: line.left_at,
            reason: reason_of(kind, category),
        };
        self.add_episode(&msisdn, episode);
    }

    fn note_trait(&mut self, msisdn: &str, kind: &str) {
        if kind == Kind::PoorCoverage.name() {
            self.badly_covered.insert(msisdn.to_owned());
        }
    }

    fn add_episode(&mut self, msisdn: &str, episode: Episode) {
        let person = self.leavers.entry(msisdn.to_owned()).or_default();
        person.push(episode);
    }

    /// The latest churn episode of a subscriber that has begun at a moment.
    pub fn episode(&self, msisdn: &str, at: Timestamp) -> Option<&Episode> {
        let episodes = self.leavers.get(msisdn)?.iter();
        episodes
            .filter(|episode| episode.from <= at)
            .max_by_key(|episode| episode.from)
    }

    /// Every churn episode, with whose it is.
    pub fn episodes(&self) -> impl Iterator<Item = (&str, &Episode)> {
        let people = self.leavers.iter();
        people.flat_map(|(who, episodes)| episodes.iter().map(move |episode| (&**who, episode)))
    }

    /// Why a subscriber is on the way out; of those who are not, that.
    pub fn reason(&self, msisdn: &str, episode: Option<&Episode>) -> &'static str {
        let reason = episode.map_or("no_intention", |episode| episode.reason);
        let covered = !self.badly_covered.contains(msisdn);
        match reason {
            "second_sim" if !covered => "network",
            reason => reason,
        }
    }
}

/// Whoever stops has made up his mind before the last use, at which the ground truth begins.
fn begun(from: Timestamp, decided_on: Option<Day>, calendar: &Calendar) -> Timestamp {
    decided_on.map_or(from, |day| from.min(calendar.start_of(day)))
}
