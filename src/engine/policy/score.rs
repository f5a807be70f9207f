use crate::engine::settings::ScoreRules;
use crate::engine::state::trigger_state::TriggerStates;
use crate::engine::triggers::REGISTRY;
use crate::model::{Day, ScorePart};

/// How likely the subscriber is to leave.
pub struct Score {
    /// 0..1: the logistic of the sum of the parts.
    pub value: f64,
    /// Log-odds: the base, then each trigger that counts.
    pub parts: Vec<ScorePart>,
}

impl Score {
    /// Logistic of base + sum of weight * strength * 2^(-age / half-life) (behaviour: Churn score and severity).
    pub fn of(states: &TriggerStates<'_>, day: Day, rules: &ScoreRules) -> Self {
        let mut parts = vec![ScorePart {
            name: "base".into(),
            log_odds: rules.base,
        }];
        for (place, state) in states.touched() {
            let trigger = REGISTRY.get(place).map_or("", |trigger| trigger.name);
            let Some((weight, fired_on)) = rules.triggers.get(trigger).zip(state.fired_on()) else {
                continue;
            };
            let age = f64::from(day.since(fired_on).max(0));
            parts.push(ScorePart {
                name: trigger.into(),
                log_odds: weight.weight
                    * state.strength()
                    * libm::exp2(-age / weight.half_life_days),
            });
        }
        let log_odds: f64 = parts.iter().map(|part| part.log_odds).sum();
        Self {
            value: 1.0 / (1.0 + libm::exp(-log_odds)),
            parts,
        }
    }
}
