use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::{DayView, EventView};
use crate::engine::state::credit::Credit;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{
    Body, BodyKind, CloseReason, Day, Evidence, Fact, OutcomeResult, Purpose, Text, Tier,
};
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

/// A key customer whom nobody has spoken to for long (behaviour: Care and growth triggers). Day close.
///
/// The level holds the day from which on the days are counted, of those who have visits at all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegularVisit {
    key_days: u16,
    ordinary_days: u16,
    again_days: u16,
    strength: f64,
}

/// The days are counted from a contact.
const CONTACTED: u8 = 1;

impl TriggerSpec for RegularVisit {
    const NAME: &'static str = "regular_visit";
    const PURPOSE: Purpose = Purpose::Care;
    const LISTENS: &'static [BodyKind] = &[BodyKind::TaskOutcome];
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Days after the last contact that an outcome reports, by tier; 0 for a tier without visits. The first visits of customers of
# whom no contact is known are spread evenly over as many days. 0..730
key_days = 90
ordinary_days = 0
# Days until it fires again while nobody reports a contact. 1..365
again_days = 30
# Strength. 0..1
strength = 0.3
";
}

impl RegularVisit {
    /// Days between two visits, if there are any.
    fn days(&self, view: &DayView<'_>) -> Option<u16> {
        let account = view.account?;
        let known = view.credit.map(|credit| credit.tier);
        let marked = Credit::is_key(account).then_some(Tier::Key);
        let days = match known.or(marked)? {
            Tier::Key => self.key_days,
            Tier::Ordinary => self.ordinary_days,
            Tier::Small => 0,
        };
        (days > 0 && !account.wants_no_marketing()).then_some(days)
    }
}

/// The day from which the days without contact are counted if no contact is known. Customers are spread evenly over the period by
/// a hash of their number. Nobody's count begins before the line was in service.
fn begin(view: &DayView<'_>, days: u16) -> Option<Day> {
    let place = xxh3_64(view.msisdn?.as_bytes()) % u64::from(days);
    let since = view.account?.profile.activated_on;
    let since = since.filter(|since| *since <= view.day);
    Some((view.today() - place as i32).max(since.unwrap_or(Day::MIN)))
}

impl Trigger for RegularVisit {
    fn on_event(&self, view: &EventView<'_>, state: &mut TriggerState) -> Option<Firing> {
        if let Body::TaskOutcome(outcome) = &view.event.body
            && outcome
                .result
                .is_some_and(|result| result != OutcomeResult::Unreachable)
            && state.level > 0.0
        {
            state.keep_day(state.kept_day().max(view.day));
            state.note = CONTACTED;
        }
        None
    }

    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let Some(limit) = self.days(view) else {
            (state.level, state.note) = (0.0, 0);
            return None;
        };
        if state.level == 0.0 {
            state.keep_day(begin(view, limit)?);
        }
        let since = state.kept_day();
        let days = view.today().since(since);
        let said = state.fired_on() >= Some(since) && state.cooling(view.day, self.again_days);
        if days < i32::from(limit) || view.is_barred() || said {
            return None;
        }
        let contacted_on = (state.note == CONTACTED).then_some(since);
        let fact = contacted_on.map(|on| ("contacted_on".into(), Fact::Date(on)));
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence {
                observed: 0.0,
                expected: 1.0,
                unit: "contacts".into(),
                window_days: limit,
                threshold: 1.0,
                facts: fact.into_iter().collect(),
                source: None,
            },
            text: match contacted_on {
                Some(on) => Text {
                    zh: format!("上次联系客户是{on}，至今{days}天，应定期走访"),
                    en: format!(
                        "Last contact on {on} (days since: {days}); a regular visit is due"
                    ),
                },
                None => Text {
                    zh: "没有与客户联系的记录，应定期走访".to_owned(),
                    en: "No contact with the customer is known; a regular visit is due".to_owned(),
                },
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        let fired_on = state.fired_on();
        let contacted = fired_on.is_none_or(|fired| state.kept_day() > fired);
        contacted.then_some(CloseReason::OccasionOver)
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (state.level, state.note) {
            (0.0, _) => "no regular visits".to_owned(),
            (_, CONTACTED) => format!("last contact on {}", state.kept_day()),
            _ => format!("no contact known; days counted from {}", state.kept_day()),
        }
    }
}
