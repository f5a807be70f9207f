//! What becomes of tasks: the account managers who work on them and the people they call, played by the ground truth.

mod hindsight;
mod intentions;
mod lines;
mod schedule;

pub use hindsight::Hindsight;
pub use lines::AnswerError;

use super::config::SimError;
use super::random::{Dice, Purpose};
use super::scenario::{Outcomes, Scenario};
use super::truth::Truth;
use crate::engine::settings::QuietRules;
use crate::model::{
    Calendar, Channel, Purpose as TaskPurpose, Severity, Task, TaskStatus, Timestamp,
};
use hindsight::Judged;
use intentions::Intentions;
use lines::{parse_line, parse_time};
use schedule::{Schedule, Step};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Answers tasks with outcomes.
///
/// Over files, every revision of all tasks goes to [`add_task_line`](Self::add_task_line), and [`answers`](Self::answers) then
/// gives all outcomes. Beside a running detector, each revision goes to [`receive_task`](Self::receive_task) as it is
/// published, and [`next_until`](Self::next_until) gives each outcome when it is due, so that the detector can act on it.
/// The same task gets the same answer both ways.
pub struct AccountManagers {
    outcomes: Outcomes,
    calendar: Calendar,
    seed: u64,
    quiet: QuietRules,
    intentions: Intentions,
    tasks: BTreeMap<Arc<str>, TaskState>,
    schedule: Schedule,
    /// Answers to tasks of files, so far.
    answered: Vec<Answer>,
    /// Who was talked out of leaving, and has not been handed out yet.
    kept: Vec<String>,
    /// The same of those who had left and come back.
    won_back: Vec<String>,
}

/// A `task_outcome` record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// When it happened.
    pub at: Timestamp,
    /// The record.
    pub json: String,
    /// Whom it is about: the record's key.
    pub msisdn: String,
    /// Whether the subscriber was spoken to, and not only spoken of.
    pub talk: bool,
}

/// A task, as far as it matters here.
struct TaskState {
    msisdn: String,
    churn: bool,
    /// Whether it is for a customer who has left.
    for_the_lost: bool,
    /// Whether it was ever more than early.
    serious: bool,
    opened_at: Timestamp,
    not_before: Timestamp,
    expires_at: Timestamp,
    open: bool,
    campaign: bool,
    contacts: u16,
    /// When the last contact was tried, and whether it came about.
    last: Option<(Timestamp, bool)>,
    /// What a wrong outcome must be corrected to.
    right: &'static str,
}

/// What a revision of a task says of it.
struct Revision {
    task_id: Arc<str>,
    msisdn: String,
    churn: bool,
    for_the_lost: bool,
    serious: bool,
    open: bool,
    not_before: Timestamp,
    expires_at: Timestamp,
    updated_at: Timestamp,
    campaign: bool,
}

#[derive(Deserialize)]
struct TaskLine<'a> {
    task_id: String,
    msisdn: String,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    purpose: Cow<'a, str>,
    #[serde(borrow)]
    severity: Cow<'a, str>,
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
    record_id: String,
    msisdn: &'a str,
    event_timestamp: String,
    task_id: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    do_not_contact: Option<bool>,
}

impl Revision {
    fn read(record: &[u8]) -> Result<Self, AnswerError> {
        let line: TaskLine = parse_line(record, "a task")?;
        Ok(Self {
            task_id: line.task_id.into(),
            msisdn: line.msisdn,
            churn: line.purpose == TaskPurpose::Churn.name(),
            for_the_lost: line.purpose == TaskPurpose::WinBack.name(),
            serious: line.severity != Severity::Early.name(),
            open: line.status != TaskStatus::Closed.name(),
            not_before: parse_time("not_before", &line.not_before)?,
            expires_at: parse_time("expires_at", &line.expires_at)?,
            updated_at: parse_time("updated_at", &line.updated_at)?,
            campaign: line.recommended_action.channel == Channel::BulkCampaign.name(),
        })
    }
}

impl Outcome<'_> {
    fn answer(&self, at: Timestamp, talk: bool) -> Answer {
        Answer {
            at,
            // Strings and a truth value: there is nothing in it that JSON cannot hold.
            json: serde_json::to_string(self).unwrap_or_default(),
            msisdn: self.msisdn.to_owned(),
            talk,
        }
    }
}

/// Hours in which nobody is called, unless they are told otherwise.
const DEFAULT_QUIET_HOURS: QuietRules = QuietRules {
    from_hour: 21,
    to_hour: 9,
};

/// Results that close a task.
const CLOSING_RESULTS: [&str; 3] = ["saved", "refused", "lost"];

impl AccountManagers {
    /// Account managers who work by the `[outcomes]` of a scenario, in a time zone, and call nobody from 21 to 9 o'clock.
    ///
    /// # Errors
    /// [`SimError::TimeZone`] if the zone is not known.
    pub fn new(scenario: &Scenario, time_zone: &str, seed: u64) -> Result<Self, SimError> {
        Ok(Self {
            outcomes: scenario.outcomes.clone(),
            calendar: Calendar::new(time_zone)?,
            seed,
            quiet: DEFAULT_QUIET_HOURS,
            intentions: Intentions::default(),
            tasks: BTreeMap::new(),
            schedule: Schedule::default(),
            answered: Vec::new(),
            kept: Vec::new(),
            won_back: Vec::new(),
        })
    }

    /// Calls nobody in these hours.
    pub fn set_quiet_hours(&mut self, quiet: QuietRules) {
        self.quiet = quiet;
    }

    /// Adds a line of a truth file.
    ///
    /// # Errors
    /// If it is none.
    pub fn add_truth_line(&mut self, line: &[u8]) -> Result<(), AnswerError> {
        self.intentions.add_line(line, &self.calendar)
    }

    /// Replaces what is known by a city's ground truth.
    pub fn set_truth(&mut self, truth: &[Truth]) {
        self.intentions = Intentions::default();
        for line in truth {
            self.intentions.add_truth(line, &self.calendar);
        }
    }

    /// Adds a revision of a task from a file; those of one task in the order in which they were published.
    ///
    /// # Errors
    /// If it is none.
    pub fn add_task_line(&mut self, line: &[u8]) -> Result<(), AnswerError> {
        let revision = Revision::read(line)?;
        let task_id = &revision.task_id;
        while let Some((at, step)) = self.schedule.take_before(task_id, revision.updated_at) {
            let answer = self.act(at, task_id, step);
            self.answered.extend(answer);
        }
        self.note(revision);
        Ok(())
    }

    /// Receives the record of a revision of a task as it is published.
    ///
    /// # Errors
    /// If it is none.
    pub fn receive_record(&mut self, record: &[u8]) -> Result<(), AnswerError> {
        self.note(Revision::read(record)?);
        Ok(())
    }

    /// Receives a revision of a task as it is published.
    pub fn receive_task(&mut self, task: &Task) {
        self.note(Revision {
            task_id: task.task_id.as_str().into(),
            msisdn: task.msisdn.as_str().to_owned(),
            churn: task.purpose == TaskPurpose::Churn,
            for_the_lost: task.purpose.is_for_the_lost(),
            serious: task.severity != Severity::Early,
            open: task.status != TaskStatus::Closed,
            not_before: task.not_before,
            expires_at: task.expires_at,
            updated_at: task.updated_at,
            campaign: task.action.channel == Channel::BulkCampaign,
        });
    }

    /// Tasks received so far.
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Whether the churn tasks that were opened from one moment up to another were right.
    pub fn hindsight(&self, from: Timestamp, until: Timestamp) -> Hindsight {
        let tasks = self.tasks.values().filter(|task| task.churn);
        let tasks = tasks.map(|task| Judged {
            msisdn: &task.msisdn,
            opened_at: task.opened_at,
            serious: task.serious,
        });
        Hindsight::new(&self.intentions, tasks, from..until)
    }

    /// What becomes of the tasks, by time.
    pub fn answers(&mut self) -> Vec<Answer> {
        let mut answers = std::mem::take(&mut self.answered);
        while let Some(answer) = self.next_until(Timestamp(i64::MAX)) {
            answers.push(answer);
        }
        answers.sort();
        answers
    }

    /// The next answer up to a moment.
    pub fn next_until(&mut self, until: Timestamp) -> Option<Answer> {
        loop {
            let (at, task_id, step) = self.schedule.take_due(until)?;
            let answer = self.act(at, &task_id, step);
            if answer.is_some() {
                return answer;
            }
        }
    }

    /// Who was talked out of leaving since this was last asked: for [`City::keep`](super::City::keep).
    pub fn take_kept(&mut self) -> Vec<String> {
        std::mem::take(&mut self.kept)
    }

    /// Who agreed to come back since this was last asked: for [`City::win_back`](super::City::win_back).
    pub fn take_won_back(&mut self) -> Vec<String> {
        std::mem::take(&mut self.won_back)
    }

    /// Plans what a revision asks for.
    fn note(&mut self, revision: Revision) {
        let task_id = revision.task_id;
        let task = self.tasks.entry(Arc::clone(&task_id));
        let task = task.or_insert_with(|| TaskState {
            msisdn: revision.msisdn,
            churn: revision.churn,
            for_the_lost: revision.for_the_lost,
            serious: false,
            opened_at: revision.updated_at,
            not_before: revision.not_before,
            expires_at: revision.expires_at,
            open: true,
            campaign: revision.campaign,
            contacts: 0,
            last: None,
            right: "reached",
        });
        task.open = revision.open;
        task.serious |= revision.serious;
        task.not_before = revision.not_before;
        task.expires_at = revision.expires_at;
        task.campaign = revision.campaign;
        // Whoever was spoken to is left in peace until there is another date; whoever was not is tried again.
        let wanted = match task.last {
            Some((at, true)) => task.not_before > at,
            Some((_, false)) | None => true,
        };
        if !task.open || !wanted || u32::from(task.contacts) >= self.outcomes.contacts_max {
            return self.schedule.cancel(&task_id, Step::Contact);
        }
        let earliest = task.not_before.max(revision.updated_at);
        let planned = self.schedule.planned(&task_id, Step::Contact);
        if planned.is_some_and(|at| at >= earliest) {
            return;
        }
        let next = 2 * task.contacts;
        let dice = &mut dice(self.seed, &task_id, next);
        let hours = dice.within(self.outcomes.contact_hours);
        let at = self.at_work(later(earliest, hours), dice);
        self.schedule.plan(&task_id, Step::Contact, at);
    }

    fn act(&mut self, at: Timestamp, task_id: &Arc<str>, step: Step) -> Option<Answer> {
        // Taken out, so that the other fields can be borrowed meanwhile.
        let mut task = self.tasks.remove(task_id)?;
        let answer = match step {
            Step::Contact => self.contact(at, task_id, &mut task),
            Step::ReportLoss => (task.open && at < task.expires_at).then(|| {
                self.outcome(at, task_id, &task, "lost", "-lost")
                    .answer(at, false)
            }),
            Step::Correct => {
                let suffix = format!("-{}-corrected", task.contacts);
                let record = self.outcome(at, task_id, &task, task.right, &suffix);
                Some(record.answer(at, false))
            }
        };
        self.tasks.insert(Arc::clone(task_id), task);
        answer
    }

    /// Tries to reach the subscriber.
    fn contact(
        &mut self,
        at: Timestamp,
        task_id: &Arc<str>,
        task: &mut TaskState,
    ) -> Option<Answer> {
        if at >= task.expires_at {
            return None;
        }
        let rates = &self.outcomes;
        let dice = &mut dice(self.seed, task_id, 2 * task.contacts + 1);
        task.contacts += 1;
        let episode = self.intentions.episode(&task.msisdn, at);
        let reason = self.intentions.reason(&task.msisdn, episode);
        let left_at = episode.and_then(|episode| episode.left_at);
        let reached = dice.chance(match task.campaign {
            true => rates.campaign_reached_share,
            false => rates.reached_share,
        });
        let opinion = dice.unit();
        let annoyed = dice.chance(rates.do_not_contact_share);
        let (stated, confirmed) = (
            dice.chance(rates.reason_share),
            dice.chance(rates.confirmed_share),
        );
        let chance = &mut dice_of_talk(self.seed, task_id, task.contacts);
        let leaving = left_at.is_some_and(|left_at| left_at > at);
        let kept = reached && leaving && task.churn && chance.chance(rates.kept_share);
        if kept {
            self.kept.push(task.msisdn.clone());
        }
        let left_at = left_at.filter(|_| !kept && !task.for_the_lost);
        let (won_back, unwilling) = (rates.won_back_share, rates.unwilling_share);
        if reached && task.for_the_lost && opinion < won_back {
            self.won_back.push(task.msisdn.clone());
        }
        let result = match (episode, left_at) {
            _ if !reached => "unreachable",
            _ if kept => "saved",
            _ if task.for_the_lost && opinion < won_back => "saved",
            _ if task.for_the_lost && opinion < won_back + unwilling => "refused",
            _ if task.for_the_lost => "reached",
            (_, Some(left_at)) if left_at <= at => "lost",
            (Some(_), None) if opinion < rates.saved_share => "saved",
            (Some(_), Some(_)) if opinion < rates.refused_share => "refused",
            (None, _) if opinion < rates.content_saved_share => "saved",
            (None, _) if opinion < rates.content_saved_share + rates.annoyed_share => "refused",
            _ => "reached",
        };
        let mistaken = reached && dice.chance(rates.mistake_share);
        let others = CLOSING_RESULTS.into_iter().filter(|other| *other != result);
        let wrong = dice.pick(&others.collect::<Vec<_>>());
        let corrected_at = later(at, dice.within(rates.correction_hours));
        let corrected_at = self.at_work(corrected_at, dice);
        let (known, first) = (result == "lost", task.contacts == 1);
        if let Some(left_at) = left_at.filter(|_| first && !known) {
            let reported = later(left_at, 24.0 * dice.within(rates.lost_reported_days));
            let reported = self.at_work(reported, dice);
            if dice.chance(rates.lost_reported_share) && reported > at {
                self.schedule.plan(task_id, Step::ReportLoss, reported);
            }
        }
        task.last = Some((at, reached));
        let reported_result = match mistaken {
            true => {
                task.right = result;
                self.schedule.plan(task_id, Step::Correct, corrected_at);
                wrong
            }
            false => result,
        };
        // Nobody knows who did not read a campaign.
        if task.campaign && !reached {
            return None;
        }
        let suffix = match first {
            true => String::new(),
            false => format!("-{}", task.contacts),
        };
        let mut record = self.outcome(at, task_id, task, reported_result, &suffix);
        let meant = (reason != "no_intention").then_some(reason);
        record.stated_reason = meant.filter(|_| reached && stated);
        record.confirmed_reason = (reached && confirmed).then_some(reason);
        record.do_not_contact = (reached && annoyed).then_some(true);
        Some(record.answer(at, reached))
    }

    /// The record of a task that says nothing but the result.
    fn outcome<'a>(
        &self,
        at: Timestamp,
        task_id: &'a str,
        task: &'a TaskState,
        result: &'static str,
        suffix: &str,
    ) -> Outcome<'a> {
        Outcome {
            record_type: "task_outcome",
            record_id: format!("outcome-{:016x}{suffix}", xxh3_64(task_id.as_bytes())),
            msisdn: &task.msisdn,
            event_timestamp: self.calendar.rfc3339(at),
            task_id,
            result,
            stated_reason: None,
            confirmed_reason: None,
            do_not_contact: None,
        }
    }

    /// The moment, or one soon after the quiet hours that it lies in.
    fn at_work(&self, at: Timestamp, dice: &mut Dice) -> Timestamp {
        let Some(opens) = self.quiet.end(at, &self.calendar) else {
            return at;
        };
        let soon = Timestamp(opens.0 + i64::from(dice.below(2 * Timestamp::HOUR_MS as u32)));
        match self.quiet.end(soon, &self.calendar) {
            Some(_) => opens,
            None => soon,
        }
    }
}

/// Chance in one step of one task; what was drawn before it and what happens to others changes nothing.
fn dice(seed: u64, task_id: &str, step: u16) -> Dice {
    let hash = xxh3_64(task_id.as_bytes());
    let when = ((hash >> 32) as u16).wrapping_add(step);
    Dice::new(seed, hash as u32, when, Purpose::Outcomes)
}

/// Chance whether a talk changes a mind, apart from the rest, so that everything else stays the same when it does.
fn dice_of_talk(seed: u64, task_id: &str, contact: u16) -> Dice {
    dice(seed, task_id, u16::MAX.wrapping_sub(contact))
}

fn later(at: Timestamp, hours: f64) -> Timestamp {
    Timestamp(at.0 + (hours * Timestamp::HOUR_MS as f64) as i64)
}
