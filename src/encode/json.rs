//! The JSON of tasks and signals: one struct each, in the order of its fields.

use super::dead_letter::SourceJson;
use super::group::MemberJson;
use crate::model::{
    Assignee, Calendar, Erasure, Evidence, Fact, GroupAlert, PlaybookStep, ScorePart, ShadowSignal,
    Signal, Suspension, Talk, Task, Text, Words,
};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use xxhash_rust::xxh3::xxh3_128;

/// JSON that cannot fail: only string keys, no floats but finite ones, and a buffer in memory.
pub(super) fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The same signal has the same id: whose, which trigger, when, how strong.
pub(super) fn signal_id(signal: &Signal) -> String {
    let Signal {
        msisdn,
        trigger,
        fired_at,
        strength,
        ..
    } = signal;
    // Of two at the same moment the second is stronger.
    let named = format!("{}\n{trigger}\n{}\n{strength}", msisdn.as_str(), fired_at.0);
    format!("{:032x}", xxh3_128(named.as_bytes()))
}

#[derive(Serialize)]
pub(super) struct TaskJson<'a> {
    task_id: &'a str,
    revision: u32,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_reason: Option<&'static str>,
    purpose: &'static str,
    severity: &'static str,
    churn_score: f64,
    score_parts: ScoreParts<'a>,
    msisdn: &'a str,
    tier: &'static str,
    customer_kind: &'static str,
    stars: u8,
    credit_score: i32,
    monthly_value: String,
    stage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspension: Option<SuspensionJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<TaskGroupJson<'a>>,
    signals: Vec<SignalJson<'a>>,
    recommended_action: ActionJson<'a>,
    assignee: AssigneeJson<'a>,
    opened_at: String,
    not_before: String,
    due_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalates_at: Option<String>,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    contacted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_reason: Option<&'static str>,
    updated_at: String,
    rules_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceJson<'a>>,
}

impl<'a> TaskJson<'a> {
    pub(super) fn new(task: &'a Task, calendar: &Calendar, words: &'a Words) -> Self {
        let signals = task.signals.iter();
        Self {
            task_id: &task.task_id,
            revision: task.revision,
            status: task.status.name(),
            close_reason: task.close_reason.map(|reason| reason.name()),
            purpose: task.purpose.name(),
            severity: task.severity.name(),
            churn_score: rounded(task.churn_score),
            score_parts: ScoreParts(&task.score_parts),
            msisdn: task.msisdn.as_str(),
            tier: task.tier.name(),
            customer_kind: task.customer_kind.name(),
            stars: task.stars,
            credit_score: task.credit_score,
            monthly_value: task.monthly_value.to_string(),
            stage: task.stage.name(),
            suspension: task.suspension.map(SuspensionJson::new),
            group: task.group.as_deref().map(TaskGroupJson::new),
            signals: signals
                .map(|signal| SignalJson::of_task(signal, calendar))
                .collect(),
            recommended_action: ActionJson::new(task, words),
            assignee: AssigneeJson::new(&task.assignee),
            opened_at: calendar.rfc3339(task.opened_at),
            not_before: calendar.rfc3339(task.not_before),
            due_at: calendar.rfc3339(task.due_at),
            escalates_at: task.escalates_at.map(|at| calendar.rfc3339(at)),
            expires_at: calendar.rfc3339(task.expires_at),
            contacted_at: task.contacted_at.map(|at| calendar.rfc3339(at)),
            outcome: task.outcome.map(|outcome| outcome.name()),
            stated_reason: task.motives.stated.map(|motive| motive.name()),
            confirmed_reason: task.motives.confirmed.map(|motive| motive.name()),
            updated_at: calendar.rfc3339(task.updated_at),
            rules_version: &task.rules_version,
            source: task.source.as_ref().map(SourceJson::new),
        }
    }
}

#[derive(Serialize)]
struct SuspensionJson {
    reason: &'static str,
    since: String,
}

impl SuspensionJson {
    fn new(suspension: Suspension) -> Self {
        Self {
            reason: suspension.reason.name(),
            since: suspension.since.to_string(),
        }
    }
}

#[derive(Serialize)]
struct TaskGroupJson<'a> {
    group_id: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_end_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_count: Option<u32>,
    members: Vec<MemberJson<'a>>,
    more_signals: u32,
}

impl<'a> TaskGroupJson<'a> {
    fn new(alert: &'a GroupAlert) -> Self {
        let end = alert.occasion.contract_end_on();
        Self {
            group_id: &alert.group,
            kind: alert.occasion.name(),
            contract_end_on: end.map(|end| end.to_string()),
            head_count: alert.head_count,
            members: MemberJson::all(alert),
            more_signals: alert.more,
        }
    }
}

#[derive(Serialize)]
pub(super) struct SignalJson<'a> {
    signal_id: String,
    trigger: &'a str,
    purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    msisdn: Option<&'a str>,
    fired_at: String,
    strength: f64,
    churn_score: f64,
    evidence: EvidenceJson<'a>,
    text: TextJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    shadow: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules_version: Option<&'a str>,
}

impl<'a> SignalJson<'a> {
    /// On its own, it names its subscriber.
    pub(super) fn published(signal: &'a Signal, calendar: &Calendar) -> Self {
        Self {
            msisdn: Some(signal.msisdn.as_str()),
            suppressed: signal.suppressed.map(|suppression| suppression.name()),
            ..Self::of_task(signal, calendar)
        }
    }

    /// Of the shadow rules: marked, and with their version.
    pub(super) fn on_trial(shadow: &'a ShadowSignal, calendar: &Calendar) -> Self {
        Self {
            shadow: true,
            rules_version: Some(&shadow.rules_version),
            ..Self::published(&shadow.signal, calendar)
        }
    }

    /// Left out inside a task, which already says whose it is.
    fn of_task(signal: &'a Signal, calendar: &Calendar) -> Self {
        Self {
            signal_id: signal_id(signal),
            trigger: &signal.trigger,
            purpose: signal.purpose.name(),
            msisdn: None,
            fired_at: calendar.rfc3339(signal.fired_at),
            strength: rounded(signal.strength),
            churn_score: rounded(signal.churn_score),
            evidence: EvidenceJson::new(&signal.evidence),
            text: TextJson::new(&signal.text),
            suppressed: None,
            shadow: false,
            rules_version: None,
        }
    }
}

#[derive(Serialize)]
pub(super) struct ErasureJson<'a> {
    record_type: &'static str,
    request: &'a str,
    known: bool,
    tasks_closed: u32,
    erased_at: String,
    source: SourceJson<'a>,
}

impl<'a> ErasureJson<'a> {
    pub(super) fn new(erasure: &'a Erasure, calendar: &Calendar) -> Self {
        Self {
            record_type: "erased",
            request: &erasure.request,
            known: erasure.known,
            tasks_closed: erasure.tasks_closed,
            erased_at: calendar.rfc3339(erasure.at),
            source: SourceJson::new(&erasure.source),
        }
    }
}

#[derive(Serialize)]
struct EvidenceJson<'a> {
    observed: f64,
    expected: f64,
    unit: &'a str,
    window_days: u16,
    threshold: f64,
    facts: Facts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceJson<'a>>,
}

impl<'a> EvidenceJson<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        Self {
            observed: rounded(evidence.observed),
            expected: rounded(evidence.expected),
            unit: &evidence.unit,
            window_days: evidence.window_days,
            threshold: rounded(evidence.threshold),
            facts: Facts(&evidence.facts),
            source: evidence.source.as_ref().map(SourceJson::new),
        }
    }
}

/// An object in the order of the registry.
struct ScoreParts<'a>(&'a [ScorePart]);

impl Serialize for ScoreParts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|part| (&part.name, rounded(part.log_odds))),
        )
    }
}

/// An object in the order the trigger gave.
struct Facts<'a>(&'a [(Cow<'static, str>, Fact)]);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, fact) in self.0 {
            match fact {
                Fact::Count(count) => map.serialize_entry(name, count)?,
                Fact::Measure(measure) => map.serialize_entry(name, &rounded(*measure))?,
                Fact::Amount(amount) => map.serialize_entry(name, &amount.to_string())?,
                Fact::Date(day) => map.serialize_entry(name, &day.to_string())?,
                Fact::Name(text) => map.serialize_entry(name, text)?,
                Fact::Series(days) => map.serialize_entry(name, days)?,
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
struct ActionJson<'a> {
    channel: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    care_only: bool,
    playbook: Vec<StepJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    talk: Option<TalkJson<'a>>,
}

impl<'a> ActionJson<'a> {
    fn new(task: &'a Task, words: &'a Words) -> Self {
        Self {
            channel: task.action.channel.name(),
            care_only: task.action.care_only,
            playbook: words.steps(task).into_iter().map(StepJson::new).collect(),
            talk: words.talk(task).map(TalkJson::new),
        }
    }
}

#[derive(Serialize)]
struct StepJson<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    action: &'a str,
    #[serde(rename = "zh-CN")]
    zh: &'a str,
    en: &'a str,
}

impl<'a> StepJson<'a> {
    fn new(step: &'a PlaybookStep) -> Self {
        Self {
            action: &step.action,
            zh: &step.zh,
            en: &step.en,
        }
    }
}

#[derive(Serialize)]
struct TalkJson<'a> {
    rapport: TextJson<'a>,
    listen: TextJson<'a>,
    advise: TextJson<'a>,
    follow_up: TextJson<'a>,
}

impl<'a> TalkJson<'a> {
    fn new(talk: &'a Talk) -> Self {
        Self {
            rapport: TextJson::new(&talk.rapport),
            listen: TextJson::new(&talk.listen),
            advise: TextJson::new(&talk.advise),
            follow_up: TextJson::new(&talk.follow_up),
        }
    }
}

#[derive(Serialize)]
struct AssigneeJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_manager: Option<&'a str>,
    queue: &'a str,
    region: Vec<&'a str>,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deputy_for: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    over_capacity: bool,
}

impl<'a> AssigneeJson<'a> {
    fn new(assignee: &'a Assignee) -> Self {
        Self {
            account_manager: assignee.account_manager.as_deref(),
            queue: &assignee.queue,
            region: assignee.region.iter().map(|name| &**name).collect(),
            level: assignee.level.name(),
            notify: assignee.notify.map(|level| level.name()),
            deputy_for: assignee.deputy_for.as_deref(),
            over_capacity: assignee.over_capacity,
        }
    }
}

#[derive(Serialize)]
struct TextJson<'a> {
    #[serde(rename = "zh-CN")]
    zh: &'a str,
    en: &'a str,
}

impl<'a> TextJson<'a> {
    fn new(text: &'a Text) -> Self {
        Self {
            zh: &text.zh,
            en: &text.en,
        }
    }
}

/// To three decimals; never minus zero, and zero for what is no number, which JSON cannot say.
fn rounded(number: f64) -> f64 {
    let thousandths = (number * 1000.0).round();
    if !number.is_finite() {
        0.0
    } else if thousandths.is_finite() {
        thousandths / 1000.0 + 0.0
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn rounds_to_thousandths() {
        for (number, shown) in [
            (0.123_456, "0.123"),
            (0.999_6, "1.0"),
            (-0.000_1, "0.0"),
            (f64::NAN, "0.0"),
            (f64::NEG_INFINITY, "0.0"),
            (1e308, "1e+308"),
        ] {
            assert_eq!(serde_json::to_string(&rounded(number)).unwrap(), shown);
        }
    }
}
