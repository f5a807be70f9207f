use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::loss::{Loss, LossKind};
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Day, Evidence, Fact, Purpose, Text, Tier, plural};
use serde::Deserialize;

/// A customer who is lost is asked back on some days, by value (behaviour: Winning back). Day close; the level holds the day of
/// the loss while there is a plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WinBack {
    key_days: Vec<u16>,
    ordinary_days: Vec<u16>,
    small_quarterly: bool,
    strength: f64,
}

/// The plan ended because the customer is back.
const RETURNED: u8 = 1;

impl TriggerSpec for WinBack {
    const NAME: &'static str = "win_back";
    const PURPOSE: Purpose = Purpose::WinBack;
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const DEFAULTS: &'static str = "\
# Fires so many days after the loss of a key customer. Rising 1..3650
key_days = [3, 30, 90]
# The same of ordinary customers. Rising 1..3650
ordinary_days = [14, 60]
# Whether it fires for small customers on the first day of each quarter after the loss, all at once, so that they are one campaign.
small_quarterly = true
# Strength. 0..1
strength = 0.5
";
}

impl WinBack {
    /// The last step of a customer's plan up to a day: the day from which on it is due.
    fn step(&self, loss: &Loss, today: Day) -> Option<Day> {
        let last = |steps: &[u16]| {
            let days = steps.iter().map(|days| loss.on + i32::from(*days));
            days.filter(|due| *due <= today).max()
        };
        let due = match loss.tier {
            Tier::Key => last(&self.key_days),
            Tier::Ordinary => last(&self.ordinary_days),
            Tier::Small => {
                Some(today.quarter()).filter(|quarter| self.small_quarterly && *quarter > loss.on)
            }
        };
        let due = due?.max(loss.open_from?);
        (due <= today).then_some(due)
    }
}

impl Trigger for WinBack {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let open = |loss: &Loss| loss.open_from.is_some() && !loss.over;
        let Some(loss) = view.loss.filter(open) else {
            match state.level > 0.0 && view.loss.is_none() {
                true => (state.level, state.note) = (0.0, RETURNED),
                false => *state = TriggerState::default(),
            }
            return None;
        };
        state.keep_day(loss.on);
        state.note = 0;
        let today = view.today();
        let due = self.step(&loss, today)?;
        // It fires at the close of the day before the one that people read about it.
        let said = state.fired_on().is_some_and(|fired| fired.next() >= due);
        if said || view.is_barred() {
            return None;
        }
        let days = today.since(loss.on);
        let mut facts = vec![
            ("lost_on".into(), Fact::Date(loss.on)),
            ("loss".into(), Fact::Name(loss.kind.name().to_owned())),
        ];
        facts.extend(
            loss.motive
                .map(|motive| (Fact::REASON.into(), Fact::Name(motive.name().to_owned()))),
        );
        facts.extend(
            loss.refused_on
                .map(|on| (Fact::REFUSED_ON.into(), Fact::Date(on))),
        );
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: Evidence::days_since(days, due.since(loss.on), facts),
            text: text(&loss, days),
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        match (state.level > 0.0, state.note) {
            (true, _) => None,
            (false, RETURNED) => Some(CloseReason::Returned),
            (false, _) => Some(CloseReason::OccasionOver),
        }
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        match (state.level > 0.0, state.fired_on()) {
            (true, Some(fired)) => {
                format!("lost on {}, last asked back on {fired}", state.kept_day())
            }
            (true, None) => format!("lost on {}, not asked back yet", state.kept_day()),
            (false, _) if state.note == RETURNED => "is back".to_owned(),
            (false, _) => "nobody to win back".to_owned(),
        }
    }
}

fn text(loss: &Loss, days: i32) -> Text {
    let (zh, en) = match loss.kind {
        LossKind::Closed => ("已销户", "closed the contract"),
        LossKind::Ported => ("已携号转网", "took the number elsewhere"),
        LossKind::Arrears => ("因欠费停机已久", "has been suspended for arrears for long"),
        LossKind::Silent => (
            "挽留未成后不再使用",
            "has been silent since an offer failed",
        ),
    };
    let on = loss.on;
    Text {
        zh: format!("客户{zh}，{on}起算流失，至今{days}天，应联系赢回"),
        en: format!(
            "The customer {en}; lost on {on}, {days} {} ago: try to win back",
            plural(days, "day", "days")
        ),
    }
}
