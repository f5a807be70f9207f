use super::reminder::{self, Lapse};
use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::trigger_state::TriggerState;
use crate::model::{CloseReason, Purpose, Text};
use serde::Deserialize;

/// An offer that runs out soon (behaviour: Care and growth triggers). Day close; another date in the profile begins
/// anew.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct OfferExpiry(Lapse);

impl TriggerSpec for OfferExpiry {
    const NAME: &'static str = "offer_expiry";
    const PURPOSE: Purpose = Purpose::Care;
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Days before `offer_expires_on` of the profile on which a reminder fires. Where the date becomes known later than that, the
# reminder fires at once. Falling, 1..90
days_before = [30, 7]
# Days after a reminder in which no other fires, whatever the date; no longer than between two of `days_before`. 0..90
cooldown_days = 14
# Strength. 0..1
strength = 0.5
";
}

impl Trigger for OfferExpiry {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let date = view.account?.profile.offer_expires_on;
        self.0
            .firing(view.today(), date, state, |on, days_left| Text {
                zh: format!(
                    "客户当前优惠将于{on}到期（{}时还剩{days_left}天）",
                    on - days_left
                ),
                en: format!(
                    "The running offer ends on {on} (days left on {}: {days_left})",
                    on - days_left
                ),
            })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::OccasionOver)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        reminder::describe_state(state, "end of an offer")
    }

    fn conflict(&self) -> Option<(&'static str, &'static str)> {
        self.0.conflict()
    }
}
