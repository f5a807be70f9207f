//! What becomes of tasks: a clerk who knows the ground truth plays the people who work on them and the people they call.

use super::config::SimError;
use super::random::{Dice, Purpose};
use super::scenario::{Outcomes, Scenario};
use crate::model::{Calendar, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Answers tasks with outcomes.
pub struct Clerk {
    outcomes: Outcomes,
    calendar: Calendar,
    seed: u64,
    /// Churn episodes by subscriber.
    leavers: BTreeMap<String, Vec<Episode>>,
    tasks: BTreeMap<String, Task>,
}

/// A `task_outcome` record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// When it happened.
    pub at: Timestamp,
    /// The record.
    pub json: String,
}

/// A line that is no task or no ground truth.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AnswerError(String);

/// Somebody on the way out.
struct Episode {
    kind: String,
    from: Timestamp,
    left_at: Option<Timestamp>,
}

/// A task, as far as it matters here, from all of its revisions.
struct Task {
    msisdn: String,
    not_before: Timestamp,
    expires_at: Timestamp,
    closed_at: Option<Timestamp>,
    campaign: bool,
}

#[derive(Deserialize)]
struct TruthLine<'a> {
    #[serde(borrow)]
    msisdn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    class: Cow<'a, str>,
    kind: String,
    #[serde(borrow)]
    from: Cow<'a, str>,
    #[serde(borrow)]
    left_at: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct TaskLine<'a> {
    task_id: String,
    msisdn: String,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    not_before: Cow<'a, str>,
    #[serde(borrow)]
    expires_at: Cow<'a, str>,
    #[serde(borrow)]
    updated_at: Cow<'a, str>,
    #[serde(borrow)]
    recommended_action: Action<'a>,
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
}

#[derive(Serialize)]
struct Outcome<'a> {
    record_type: &'static str,
    record_id: &'a str,
    msisdn: &'a str,
    event_timestamp: String,
    task_id: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    do_not_contact: Option<bool>,
}

/// People are called between these hours.
const WORK_HOURS: std::ops::Range<u8> = 9..21;

impl Clerk {
    /// A clerk who works by the `[outcomes]` of a scenario, in a time zone.
    ///
    /// # Errors
    /// [`SimError::TimeZone`] if the zone is not known.
    pub fn new(scenario: &Scenario, time_zone: &str, seed: u64) -> Result<Self, SimError> {
        Ok(Self {
            outcomes: scenario.outcomes.clone(),
            calendar: Calendar::new(time_zone)?,
            seed,
            leavers: BTreeMap::new(),
            tasks: BTreeMap::new(),
        })
    }

    /// Takes note of a line of ground truth.
    ///
    /// # Errors
    /// If it is none.
    pub fn learn(&mut self, line: &[u8]) -> Result<(), AnswerError> {
        let line: TruthLine = read(line, "ground truth")?;
        let (Some(msisdn), "churn") = (&line.msisdn, line.class.as_ref()) else {
            return Ok(());
        };
        let left_at = line.left_at.as_deref();
        let episode = Episode {
            from: moment("from", &line.from)?,
            left_at: left_at.map(|at| moment("left_at", at)).transpose()?,
            kind: line.kind,
        };
        let person = self.leavers.entry(national(msisdn).to_owned()).or_default();
        person.push(episode);
        Ok(())
    }

    /// Takes a revision of a task, in the order in which they were published.
    ///
    /// # Errors
    /// If it is none.
    pub fn take(&mut self, line: &[u8]) -> Result<(), AnswerError> {
        let line: TaskLine = read(line, "a task")?;
        let (not_before, updated_at) = (
            moment("not_before", &line.not_before)?,
            moment("updated_at", &line.updated_at)?,
        );
        let expires_at = moment("expires_at", &line.expires_at)?;
        let task = self.tasks.entry(line.task_id).or_insert(Task {
            msisdn: line.msisdn,
            not_before: not_before.max(updated_at),
            expires_at,
            closed_at: None,
            campaign: false,
        });
        task.campaign = line.recommended_action.channel == "bulk_campaign";
        if line.status == "closed" {
            task.closed_at = Some(updated_at);
        }
        Ok(())
    }

    /// Tasks taken so far.
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// What becomes of the tasks, by time.
    pub fn answers(&self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (id, task) in &self.tasks {
            self.answer(id, task, &mut answers);
        }
        answers.sort();
        answers
    }

    fn answer(&self, id: &str, task: &Task, answers: &mut Vec<Answer>) {
        let rates = &self.outcomes;
        let hash = xxh3_64(id.as_bytes());
        let (who, when) = (hash as u32, (hash >> 32) as u16);
        let dice = &mut Dice::new(self.seed, who, when, Purpose::Outcomes);
        let wait_ms = dice.within(rates.contact_hours) * Timestamp::HOUR_MS as f64;
        let at = self.at_work(Timestamp(task.not_before.0 + wait_ms as i64), dice);
        let closed = |at: Timestamp| at >= task.closed_at.unwrap_or(task.expires_at);
        let episode = self.episode(&task.msisdn, at);
        let reached = dice.chance(if task.campaign {
            rates.campaign_reached_share
        } else {
            rates.reached_share
        });
        let (opinion, annoyed, reason) = (
            dice.unit(),
            dice.chance(rates.do_not_contact_share),
            dice.chance(rates.reason_share),
        );
        let gone = |at: Timestamp| {
            let left_at = episode.and_then(|episode| episode.left_at);
            left_at.is_some_and(|left_at| left_at <= at)
        };
        let result = match episode {
            _ if !reached => "unreachable",
            Some(_) if gone(at) => "lost",
            Some(Episode { left_at: None, .. }) if opinion < rates.saved_share => "saved",
            Some(Episode {
                left_at: Some(_), ..
            }) if opinion < rates.refused_share => "refused",
            None if opinion < rates.content_saved_share => "saved",
            None if opinion < rates.content_saved_share + rates.annoyed_share => "refused",
            _ => "reached",
        };
        // Nobody knows who did not read a campaign.
        let silent = task.campaign && !reached;
        if !closed(at) && !silent {
            let mut record = Outcome {
                record_type: "task_outcome",
                record_id: &format!("outcome-{hash:016x}"),
                msisdn: &task.msisdn,
                event_timestamp: self.calendar.rfc3339(at),
                task_id: id,
                result,
                stated_reason: None,
                do_not_contact: None,
            };
            if reached {
                record.stated_reason = reason.then(|| reason_of(episode)).flatten();
                record.do_not_contact = annoyed.then_some(true);
            }
            answers.push(Answer {
                at,
                json: json(&record),
            });
        }
        let Some(left_at) = episode.and_then(|episode| episode.left_at) else {
            return;
        };
        let days = dice.within(rates.lost_reported_days);
        let reported = Timestamp(left_at.0 + (days * 24.0 * Timestamp::HOUR_MS as f64) as i64);
        let reported = self.at_work(reported, dice);
        let known = result == "lost" && !closed(at);
        if dice.chance(rates.lost_reported_share) && reported > at && !known && !closed(reported) {
            let record = Outcome {
                record_type: "task_outcome",
                record_id: &format!("outcome-{hash:016x}-lost"),
                msisdn: &task.msisdn,
                event_timestamp: self.calendar.rfc3339(reported),
                task_id: id,
                result: "lost",
                stated_reason: None,
                do_not_contact: None,
            };
            answers.push(Answer {
                at: reported,
                json: json(&record),
            });
        }
    }

    /// The latest churn episode of a subscriber that has begun at a moment.
    fn episode(&self, msisdn: &str, at: Timestamp) -> Option<&Episode> {
        let episodes = self.leavers.get(national(msisdn))?.iter();
        episodes
            .filter(|episode| episode.from <= at)
            .max_by_key(|episode| episode.from)
    }

    /// The moment, or one soon after nine where it lies at night.
    fn at_work(&self, at: Timestamp, dice: &mut Dice) -> Timestamp {
        let hour = self.calendar.hour_of(at);
        if WORK_HOURS.contains(&hour) {
            return at;
        }
        let day = self.calendar.day_of(at);
        let day = if hour < WORK_HOURS.start {
            day
        } else {
            day.next()
        };
        let nine = self.calendar.at_hour(day, WORK_HOURS.start);
        Timestamp(nine.0 + i64::from(dice.below(2 * Timestamp::HOUR_MS as u32)))
    }
}

/// What somebody says who is asked why.
fn reason_of(episode: Option<&Episode>) -> Option<&'static str> {
    match episode?.kind.as_str() {
        "stop" | "port_out" => Some("competitor_offer"),
        "complaint" => Some("service"),
        "arrears" => Some("price"),
        "drop" | "decay" => Some("second_sim"),
        _ => None,
    }
}

fn json(record: &Outcome) -> String {
    // Strings and a truth value: there is nothing in it that JSON cannot hold.
    serde_json::to_string(record).unwrap_or_default()
}

/// The last eleven digits: tasks leave out the country code that the ground truth has. Pseudonyms stay as they are.
fn national(msisdn: &str) -> &str {
    let digits = msisdn.bytes().all(|byte| byte.is_ascii_digit());
    let start = msisdn.len().saturating_sub(11);
    if digits { &msisdn[start..] } else { msisdn }
}

fn read<'a, T: Deserialize<'a>>(line: &'a [u8], what: &str) -> Result<T, AnswerError> {
    let read = serde_json::from_slice(line);
    // Not the error's own words: they could quote a number.
    read.map_err(|error| {
        let column = error.column();
        AnswerError(format!("not {what}: stops making sense at column {column}"))
    })
}

fn moment(field: &str, text: &str) -> Result<Timestamp, AnswerError> {
    let moment: Result<jiff::Timestamp, _> = text.parse();
    let moment = moment.map_err(|_| AnswerError(format!("`{field}` is not RFC 3339")))?;
    Ok(Timestamp(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const OPENED: &str = "2026-04-01T10:00:00+08:00";

    fn task(number: u32, status: &str, channel: &str, updated_at: &str) -> Vec<u8> {
        let line = json!({
            "task_id": format!("task-{number}"), "msisdn": format!("139{number:08}"), "status": status,
            "not_before": OPENED, "expires_at": "2026-05-01T10:00:00+08:00", "updated_at": updated_at,
            "recommended_action": {"channel": channel, "playbook": []},
        });
        line.to_string().into_bytes()
    }

    fn truth(number: u32, left_at: Value) -> Vec<u8> {
        let line = json!({
            "msisdn": format!("86139{number:08}"), "class": "churn", "kind": "decay",
            "from": "2026-03-20T00:00:00+08:00", "left_at": left_at,
        });
        line.to_string().into_bytes()
    }

    /// A thousand content customers, a thousand who waver, a thousand who leave on the 11th, and a thousand who are gone.
    fn clerk(channel: &str) -> Clerk {
        let mut clerk = Clerk::new(&Scenario::default(), "Asia/Shanghai", 5).unwrap();
        for number in 0..4_000 {
            clerk.take(&task(number, "open", channel, OPENED)).unwrap();
            let left_at = match number / 1_000 {
                0 => continue,
                1 => Value::Null,
                2 => "2026-04-11T00:00:00+08:00".into(),
                _ => "2026-03-22T00:00:00+08:00".into(),
            };
            clerk.learn(&truth(number, left_at)).unwrap();
        }
        clerk
    }

    fn count(answers: &[Answer], group: u32) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for answer in answers {
            let record: Value = serde_json::from_str(&answer.json).unwrap();
            let number: u32 = record["msisdn"].as_str().unwrap()[3..].parse().unwrap();
            if number / 1_000 == group {
                let result = record["result"].as_str().unwrap().to_owned();
                *counts.entry(result).or_default() += 1;
            }
        }
        counts
    }

    #[test]
    fn people_answer_as_they_are() {
        let answers = clerk("outbound_call").answers();
        assert!(answers.is_sorted());
        let about = |found: Option<&u32>, expected: u32| {
            let found = found.copied().unwrap_or_default();
            assert!(found.abs_diff(expected) < 60, "{found}, not {expected}");
        };
        for (group, expected) in [
            (
                0,
                [
                    ("reached", 492),
                    ("saved", 60),
                    ("refused", 48),
                    ("lost", 0),
                ],
            ),
            (
                1,
                [
                    ("reached", 300),
                    ("saved", 300),
                    ("refused", 0),
                    ("lost", 0),
                ],
            ),
            (
                2,
                [
                    ("reached", 300),
                    ("saved", 0),
                    ("refused", 300),
                    ("lost", 700),
                ],
            ),
            (
                3,
                [("reached", 0), ("saved", 0), ("refused", 0), ("lost", 600)],
            ),
        ] {
            let counts = count(&answers, group);
            about(counts.get("unreachable"), 400);
            for (result, expected) in expected {
                about(counts.get(result), expected);
            }
        }
        let calendar = Calendar::new("Asia/Shanghai").unwrap();
        assert!(
            answers
                .iter()
                .all(|a| WORK_HOURS.contains(&calendar.hour_of(a.at)))
        );
        assert!(
            answers
                .iter()
                .all(|a| calendar.rfc3339(a.at).as_str() > OPENED)
        );
        assert_eq!(answers, clerk("outbound_call").answers());
    }

    #[test]
    fn campaigns_are_rarely_answered_and_silence_is_no_outcome() {
        let answers = clerk("bulk_campaign").answers();
        let counts = count(&answers, 0);
        assert!(!counts.contains_key("unreachable"));
        assert!(
            (90..210).contains(&counts.values().sum::<u32>()),
            "{counts:?}"
        );
    }

    #[test]
    fn closed_tasks_are_not_worked_on() {
        let mut clerk = clerk("outbound_call");
        for number in 0..4_000 {
            let closed = task(
                number,
                "closed",
                "outbound_call",
                "2026-04-01T10:10:00+08:00",
            );
            clerk.take(&closed).unwrap();
        }
        assert_eq!(clerk.tasks(), 4_000);
        assert!(clerk.answers().is_empty());
    }

    #[test]
    fn lines_that_are_something_else_are_refused() {
        let mut clerk = Clerk::new(&Scenario::default(), "Asia/Shanghai", 5).unwrap();
        let error = clerk.take(b"{\"task_id\":\"x\"}").unwrap_err().to_string();
        assert_eq!(error, "not a task: stops making sense at column 15");
        let line = truth(1, "soon".into());
        let error = clerk.learn(&line).unwrap_err().to_string();
        assert_eq!(error, "`left_at` is not RFC 3339");
        assert!(Clerk::new(&Scenario::default(), "Middle/Earth", 5).is_err());
    }
}
