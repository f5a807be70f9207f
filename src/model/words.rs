//! The words of recommended actions: what the engine decides, said to those who act on it.

use super::{Channel, Fact, Task, Text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Playbook by chapter, which is the lifecycle stage of a churn task and else the purpose, and talk (behaviour: Recommended
/// action).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Words {
    /// Steps to take.
    pub playbook: BTreeMap<String, Vec<PlaybookStep>>,
    /// How to speak to the customer, by trigger or chapter; [`Talk::ANY`] for those without a talk of their own,
    /// [`Talk::CARE_ONLY`] where nothing may be offered.
    pub talk: BTreeMap<String, Talk>,
}

/// One step of a playbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaybookStep {
    /// Name by which campaign systems know it, such as `tenure_reward`; may be empty.
    #[serde(default)]
    pub action: String,
    /// Triggers the step answers; empty for all.
    #[serde(default)]
    pub for_triggers: Vec<String>,
    /// Reasons of leaving that the step answers; empty for all.
    #[serde(default)]
    pub for_reasons: Vec<String>,
    /// Triggers beside which the step is left out.
    #[serde(default)]
    pub not_for_triggers: Vec<String>,
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// The four steps of a talk (S4), a sentence or two each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Talk {
    /// Build rapport.
    pub rapport: Text,
    /// Listen: ask, and hear the real reason.
    pub listen: Text,
    /// Advise: explain, and offer what fits.
    pub advise: Text,
    /// Follow up: promise, and keep it.
    pub follow_up: Text,
}

impl Talk {
    /// The chapter of the talk for all chapters without one of their own.
    pub const ANY: &str = "any";
    /// The chapter of the talk after a port-out enquiry, in which nothing may be offered.
    pub const CARE_ONLY: &str = "care_only";
    /// The chapter of the talk with a group, whose task is for all of its members.
    pub const GROUP: &str = "group";
    /// The chapter of the talk with a lost customer who refused an offer before.
    pub const REFUSED: &str = "win_back_refused";

    /// The four steps with their names, in order.
    pub fn parts(&self) -> [(&'static str, &Text); 4] {
        [
            ("rapport", &self.rapport),
            ("listen", &self.listen),
            ("advise", &self.advise),
            ("follow_up", &self.follow_up),
        ]
    }
}

impl Words {
    /// The steps for a task; those that answer its signals come first. A care-only task has only the steps for a
    /// port-out enquiry.
    pub fn steps<'w>(&'w self, task: &Task) -> Vec<&'w PlaybookStep> {
        let steps = self.playbook.get(task.chapter());
        let steps = steps.map_or(&[][..], Vec::as_slice);
        let care_only = task.action.care_only;
        let fired = |trigger: &String| task.signals.iter().any(|signal| signal.trigger == *trigger);
        let named = |trigger: &String| match care_only {
            true => trigger == "port_out",
            false => fired(trigger),
        };
        let reason = task.named(Fact::REASON);
        let answers = |step: &&PlaybookStep| {
            step.for_reasons.is_empty() || step.for_reasons.iter().any(|of| reason == Some(of))
        };
        let fitting = || {
            let steps = steps.iter().filter(answers);
            steps.filter(|step| !step.not_for_triggers.iter().any(fired))
        };
        let specific = fitting().filter(|step| step.for_triggers.iter().any(named));
        let general = fitting().filter(|step| !care_only && step.for_triggers.is_empty());
        specific.chain(general).collect()
    }

    /// The talk for a task. Its main reason chooses it, or else its chapter. Campaigns have none, because nobody speaks to the
    /// customer. A care-only task has its own talk or none, because any other might offer something. A lost customer is spoken
    /// to by the reason of leaving, and one who refused before with an open door. A group is spoken to as a group.
    pub fn talk(&self, task: &Task) -> Option<&Talk> {
        match (task.action.channel, task.action.care_only) {
            (Channel::BulkCampaign, _) => None,
            (_, true) => self.talk.get(Talk::CARE_ONLY),
            (_, false) => {
                let lost = task.purpose.is_for_the_lost();
                let refused =
                    (lost && task.has_fact(Fact::REFUSED_ON)).then(|| Talk::REFUSED.to_owned());
                let reason = task.named(Fact::REASON).filter(|_| lost);
                let reason = reason.map(|reason| format!("{}_{reason}", task.chapter()));
                let group = task.group.as_ref().map(|_| Talk::GROUP.to_owned());
                let names = [task.main_reason(), task.chapter(), Talk::ANY].map(str::to_owned);
                let special = refused.into_iter().chain(reason).chain(group);
                let mut names = special.chain(names);
                names.find_map(|name| self.talk.get(&name))
            }
        }
    }
}
