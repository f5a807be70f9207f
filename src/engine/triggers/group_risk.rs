use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::EventView;
use crate::engine::settings::TriggerWeight;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Body, BodyKind, Evidence, Fact, GroupAlert, Occasion, Text};
use serde::Deserialize;

/// Several members of a group show signs of leaving, or its contract ends, and the group's task is this subscriber's
/// (behaviour: Groups). Immediate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRisk {
    cooldown_days: u16,
    strength: f64,
}

impl TriggerSpec for GroupRisk {
    const NAME: &'static str = "group_risk";
    const LISTENS: &'static [BodyKind] = &[BodyKind::GroupAlert];
    const WEIGHT: Option<TriggerWeight> = TriggerWeight::of(1.0, 14.0);
    const DEFAULTS: &'static str = "\
# Days after a firing in which further members only revise the group's task. 1..365
cooldown_days = 14
# Strength. 0..1
strength = 0.8
";
}

impl Trigger for GroupRisk {
    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let Body::GroupAlert(alert) = &view.event.body else {
            return None;
        };
        // What was said of a group that the line has left is no news of it.
        let membership = view.account?.membership()?;
        if !membership.has(alert, view.event.at) {
            return None;
        }
        let further =
            alert.occasion == Occasion::Leaving && state.cooling(view.day, self.cooldown_days);
        let mut facts = vec![("group_id".into(), Fact::Name(alert.group.to_string()))];
        let head_count = alert.head_count.map(i64::from).map(Fact::Count);
        facts.extend(head_count.map(|count| ("head_count".into(), count)));
        let end = alert.occasion.contract_end_on().map(Fact::Date);
        facts.extend(end.map(|end| ("contract_end_on".into(), end)));
        Some(Firing {
            kind: match further {
                true => FiringKind::Repeat,
                false => FiringKind::Full,
            },
            strength: self.strength,
            evidence: Evidence {
                observed: f64::from(alert.count()),
                expected: 0.0,
                unit: "members".into(),
                window_days: 0,
                threshold: 1.0,
                facts,
                source: Some(view.source.clone()),
            },
            text: text(alert),
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        let text = match state.fired_on() {
            None => "no task of a group",
            Some(_) => "the task of a group, which was reported",
        };
        text.to_owned()
    }
}

fn text(alert: &GroupAlert) -> Text {
    let (group, count) = (&alert.group, alert.count());
    match alert.occasion {
        Occasion::Leaving => Text {
            zh: format!("集团{group}近期有{count}名成员出现离网迹象，请统一跟进"),
            en: format!(
                "Members of group {group} with signs of leaving: {count}; one talk for all of them"
            ),
        },
        Occasion::ContractEnd(on) => Text {
            zh: format!("集团{group}的合约将于{on}到期，请统一续约"),
            en: format!("The contract of group {group} ends on {on}; one talk for the whole group"),
        },
    }
}
