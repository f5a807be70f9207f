use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Evidence, Fact, Purpose, Text, plural};
use serde::Deserialize;

/// More stars than at the close before (behaviour: Care and growth triggers). Day close.
///
/// A subscriber is rated once both profile and spend are known; the first rating is no upgrade.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StarUpgrade {
    stars_min: u8,
    cooldown_days: u16,
    strength: f64,
}

impl TriggerSpec for StarUpgrade {
    const NAME: &'static str = "star_upgrade";
    const PURPOSE: Purpose = Purpose::Care;
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Fewest stars reached for it to fire. Stars follow from [policy.credit]; the first rating of a subscriber whose profile
# and spend are both known is no upgrade. 1..5
stars_min = 1
# Days in which stars that were lost and came back do not fire again; a further star fires at once. 1..365
cooldown_days = 180
# Strength. 0..1
strength = 0.4
";
}

impl Trigger for StarUpgrade {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let (before, credit) = view.account?.rated_stars.zip(view.credit)?;
        let stars = credit.stars;
        // The note holds the stars of the last firing.
        let news = stars > state.note || !state.cooling(view.day, self.cooldown_days);
        if stars <= before || stars < self.stars_min || !news {
            return None;
        }
        state.note = stars;
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence {
                observed: f64::from(stars),
                expected: f64::from(before),
                unit: "stars".into(),
                window_days: 0,
                threshold: f64::from(self.stars_min),
                facts: vec![("credit_score".into(), Fact::Count(i64::from(credit.score)))],
                source: None,
            },
            text: Text {
                zh: format!("客户星级由{before}星升为{stars}星"),
                en: format!(
                    "The customer rose from {before} to {stars} {}",
                    plural(stars, "star", "stars")
                ),
            },
        })
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match state.fired_on() {
            None => "no rise in stars".to_owned(),
            Some(day) => format!("a rise in stars (now: {}) on {day}", state.note),
        }
    }
}
