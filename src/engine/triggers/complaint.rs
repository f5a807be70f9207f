use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::{DayView, EventView};
use crate::engine::settings::TriggerWeight;
use crate::engine::state::account::Account;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Body, BodyKind, CloseReason, ComplaintCategory, Evidence, Fact, Stage, Text};
use serde::Deserialize;

/// A complaint that is unresolved, or resolved in a way the customer is not content with (behaviour: Churn triggers).
/// Immediate.
///
/// A complaint resolved without a satisfaction mark neither fires nor recovers. The reason goes away when the latest
/// complaint record says that it is resolved and the customer content, however late that record came.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Complaint {
    dissatisfied_max: u8,
    cooldown_days: u16,
    again_days: u16,
    open_strength: f64,
    dissatisfied_strength: f64,
    grave_extra: f64,
}

/// A complaint was reported and is not settled.
const UNSETTLED: u8 = 1;
/// The customer said how discontent they are.
const DISSATISFIED: u8 = 2;

/// It was the second one about the same thing.
const AGAIN: u8 = 4;

/// Whether a complaint was reported that is the second one about the same thing and is not settled.
pub fn complained_again(state: &TriggerState) -> bool {
    state.note & AGAIN != 0
}

/// Whether a complaint was reported that is not settled.
pub fn unsettled(state: &TriggerState) -> bool {
    state.note & UNSETTLED != 0
}

impl TriggerSpec for Complaint {
    const NAME: &'static str = "complaint";
    const LISTENS: &'static [BodyKind] = &[BodyKind::Complaint];
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const WORRIES: bool = true;
    // What the customer says outweighs what the line shows.
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(3.0, 30.0);
    const DEFAULTS: &'static str = "\
# A satisfaction up to this, of 1 to 5, is discontent; a better one with a complaint that was resolved is the end of it.
# 1..4
dissatisfied_max = 2
# Days after a firing in which a further complaint only raises its strength; once the last one is settled, a new one fires
# at once. 1..365
cooldown_days = 30
# An open complaint is a second one if another of the same category, under another `record_id`, was known in this many days
# up to its own. Its task goes up a rung at once. 0..365
again_days = 60
# Strength of an open complaint, and of a customer who is discontent with how it was handled. 0..1
open_strength = 0.5
dissatisfied_strength = 0.8
# Added to that for complaints about the bill or about services nobody asked for; the sum counts as 1 at most. 0..1
grave_extra = 0.2
";
}

impl Complaint {
    /// Whether the latest complaint is resolved, and the customer content with that.
    fn settled(&self, account: Option<&Account>) -> bool {
        let latest = account.and_then(|account| account.service_history().complaint());
        latest.is_some_and(|latest| {
            latest.resolved && latest.satisfaction > Some(self.dissatisfied_max)
        })
    }
}

impl Trigger for Complaint {
    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let Body::Complaint {
            category,
            resolved,
            satisfaction,
        } = view.event.body
        else {
            return None;
        };
        let dissatisfied = satisfaction.is_some_and(|s| s <= self.dissatisfied_max);
        let history = view.account?.service_history();
        let latest = history.complaint();
        let outdated = latest.is_some_and(|latest| latest.at > view.event.at);
        // One that has changed, or was settled, before its record came is no news.
        if (resolved && !dissatisfied) || outdated || self.settled(view.account) {
            return None;
        }
        let again = !resolved && history.complained_before(view.event, view.day, self.again_days);
        let (base, mark) = match dissatisfied {
            true => (self.dissatisfied_strength, UNSETTLED | DISSATISFIED),
            false => (self.open_strength, UNSETTLED),
        };
        let (about_zh, about_en, grave) = match category {
            ComplaintCategory::Billing => ("账单", "the bill", true),
            ComplaintCategory::UnwantedService => {
                ("未订购的业务", "a service nobody asked for", true)
            }
            ComplaintCategory::Network => ("网络质量", "the network", false),
            ComplaintCategory::Service => ("服务", "service", false),
            ComplaintCategory::Unknown => ("其他问题", "something else", false),
        };
        let extra = if grave { self.grave_extra } else { 0.0 };
        let strength = (base + extra).min(1.0);
        let known = unsettled(state) && (complained_again(state) || !again);
        let kind = match known {
            true => state.news(strength, view.day, self.cooldown_days),
            false => Some(FiringKind::Full),
        };
        state.note |= mark | if again { AGAIN } else { 0 };
        let mut facts = vec![("category".into(), Fact::Name(category.name().to_owned()))];
        facts.extend(satisfaction.map(|s| ("satisfaction".into(), Fact::Count(i64::from(s)))));
        let (state_zh, state_en) = match (resolved, dissatisfied) {
            (true, _) => ("对处理结果不满意", "is not content with the answer"),
            (false, true) => ("未解决，客户不满意", "is open and the customer discontent"),
            (false, false) => ("未解决", "is open"),
        };
        let (again_zh, again_en) = match again {
            true => ("再次", "Another complaint"),
            false => ("", "A complaint"),
        };
        Some(Firing {
            kind: kind?,
            strength,
            evidence: Evidence {
                observed: 1.0,
                expected: 0.0,
                unit: "complaints".into(),
                window_days: 0,
                threshold: 1.0,
                facts,
                source: Some(view.source.clone()),
            },
            text: Text {
                zh: format!("客户{again_zh}投诉{about_zh}，{state_zh}"),
                en: match resolved {
                    true => format!("Complained about {about_en} and {state_en}"),
                    false => format!("{again_en} about {about_en} {state_en}"),
                },
            },
        })
    }

    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        if state.note != 0 && self.settled(view.account) {
            state.note = 0;
        }
        None
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::ComplaintSettled)
    }

    fn stage(&self, state: &TriggerState) -> Option<Stage> {
        (state.note & DISSATISFIED != 0).then_some(Stage::Leave)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let text = match state.note {
            0 => "no complaint that is not settled",
            UNSETTLED => "a complaint, which was reported and is not settled",
            _ if complained_again(state) => {
                "a second complaint about the same thing, which was reported and is not settled"
            }
            _ => "a complaint, which was reported, and the customer is discontent with the answer",
        };
        text.to_owned()
    }
}
