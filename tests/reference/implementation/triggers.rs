//! Falls of use, hotlines and arrears, and what the triggers together remember of one subscriber (behaviour: Triggers).

use super::account::AccountView;
use super::care;
use super::churn;
use super::groups;
use super::line_state::{self, Line};
use super::occasions::{self, Occasions};
use super::orders::{self, Orders};
use super::roaming::{self, Roaming};
use super::view::DayView;
use super::win_back::{self, Plans};
use churnwatch::model::{
    Body, CloseReason, Day, Direction, Evidence, Fact, Source, SuspensionReason,
};
use serde::Deserialize;

pub const HOTLINE: &str = "competitor_hotline";
pub const SILENCE: &str = "zero_usage_days";
pub const DROP: &str = "usage_drop";
pub const ARREARS: &str = "arrears";
/// In the order in which they are asked.
pub const ALL: [&str; 15] = [
    SILENCE,
    DROP,
    HOTLINE,
    ARREARS,
    churn::MARKETING,
    churn::CONTRACT,
    churn::COMPLAINT,
    churn::CANCEL,
    churn::PORT_OUT,
    churn::UNDERUSE,
    churn::FORWARDING,
    churn::SHOCK,
    churn::QUALITY,
    orders::DOWNGRADE,
    groups::GROUP,
];

/// `[triggers.*]`.
#[derive(Deserialize)]
pub struct Settings {
    competitor_hotline: HotlineSettings,
    zero_usage_days: FallSettings,
    usage_drop: FallSettings,
    arrears: ArrearsSettings,
    #[serde(flatten)]
    churn: churn::Settings,
    #[serde(flatten)]
    care: care::Settings,
    #[serde(flatten)]
    orders: orders::Settings,
    roaming_care: roaming::Settings,
    group_risk: groups::Settings,
    #[serde(flatten)]
    occasions: occasions::Settings,
    #[serde(flatten)]
    win_back: win_back::Settings,
}

#[derive(Deserialize)]
struct HotlineSettings {
    cooldown_days: u16,
    strengths: Vec<f64>,
}

#[derive(Deserialize)]
struct FallSettings {
    strength: f64,
}

#[derive(Deserialize)]
struct ArrearsSettings {
    overdue_days: u16,
    amount_min: f64,
    cooldown_days: u16,
    overdue_strength: f64,
    suspended_strength: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Full,
    Repeat,
    CareOnly,
}

pub struct Firing {
    pub trigger: &'static str,
    pub kind: Kind,
    pub strength: f64,
    pub evidence: Evidence,
}

/// What all triggers together remember of one subscriber.
#[derive(Default)]
pub struct Memory {
    fired: [Option<(Day, u8)>; ALL.len()],
    contacts: usize,
    line: Line,
    overdue: bool,
    suspended: bool,
    pub churn: churn::Remembered,
    care: care::Memory,
    orders: Orders,
    roaming: Roaming,
    plans: Plans,
    occasions: Occasions,
    /// A decision fell within rounding of its threshold: the engine may have decided otherwise.
    pub undecided: bool,
}

impl Memory {
    /// The number was given to somebody new.
    pub fn forget(&mut self) {
        *self = Self {
            undecided: self.undecided,
            ..Self::default()
        };
    }

    /// A machine has become a person: what was ordinary is gone.
    pub fn unlearn(&mut self) {
        self.line.forget();
        for trigger in [SILENCE, DROP] {
            let index = ALL.iter().position(|name| *name == trigger).unwrap();
            self.fired[index] = None;
        }
        self.care.unlearn();
    }

    /// Day and strength (kept in 255ths) of a trigger's last firing.
    pub fn fired(&self, trigger: &str) -> Option<(Day, f64)> {
        let index = ALL.iter().position(|name| *name == trigger)?;
        self.fired[index].map(|(day, strength)| (day, f64::from(strength) / 255.0))
    }

    /// Day of the last rise in use.
    pub fn grew_on(&self) -> Option<Day> {
        self.care.growth
    }

    /// Whether the reason a trigger gave has gone away.
    pub fn recovered(&self, trigger: &str) -> Option<CloseReason> {
        let (holds, reason) = match trigger {
            SILENCE | DROP => return self.line.recovered(),
            ARREARS => (self.overdue || self.suspended, CloseReason::ArrearsPaid),
            churn::CONTRACT => (self.churn.contract.is_some(), CloseReason::ContractRenewed),
            churn::COMPLAINT => (self.churn.unsettled, CloseReason::ComplaintSettled),
            churn::UNDERUSE => (self.churn.underused.is_some(), CloseReason::UsageRecovered),
            churn::FORWARDING => (self.churn.forwarded, CloseReason::ForwardingEnded),
            churn::QUALITY => (self.churn.poor, CloseReason::QualityRecovered),
            win_back::WIN_BACK => return self.plans.recovered(),
            occasions::GREETING | occasions::OFFER => return self.occasions.recovered(trigger),
            _ => return self.care.recovered(trigger),
        };
        (!holds).then_some(reason)
    }

    pub fn cooling(&self, trigger: &str, day: Day, days: u16) -> bool {
        let fired = self.fired(trigger);
        fired.is_some_and(|(on, _)| day.0 < on.0 + i32::from(days))
    }

    /// Within the cool-down only what is stronger than the last firing is news.
    pub fn news(&self, trigger: &str, strength: f64, day: Day, cooldown_days: u16) -> Option<Kind> {
        let (_, last) = match self.fired(trigger) {
            Some(fired) if self.cooling(trigger, day, cooldown_days) => fired,
            _ => return Some(Kind::Full),
        };
        let stronger = (strength * 255.0).floor() > (last * 255.0).round();
        stronger.then_some(Kind::Repeat)
    }

    /// A trigger that begins anew has never fired.
    pub fn forget_firing(&mut self, trigger: &str) {
        let index = ALL.iter().position(|name| *name == trigger).unwrap();
        self.fired[index] = None;
    }

    pub fn note(&mut self, firing: &Firing, day: Day) {
        let index = ALL.iter().position(|name| *name == firing.trigger).unwrap();
        let in_255ths = firing.strength * 255.0;
        // Strengths worked out from usage may round to either side; those of the configuration may not.
        let between = firing.trigger == DROP || firing.trigger == SILENCE;
        self.undecided |=
            between && firing.strength < 1.0 && (in_255ths - in_255ths.round()).abs() < 1e-3;
        let strength = in_255ths as u8;
        self.fired[index] = match (firing.kind, self.fired[index]) {
            (Kind::Repeat, Some((on, before))) => Some((on, before.max(strength))),
            _ => Some((day, strength)),
        };
    }

    /// An event young enough for the immediate triggers.
    pub fn on_event(&mut self, view: &churn::EventView<'_>, settings: &Settings) -> Vec<Firing> {
        let handset = self.care.on_event(view, &settings.care);
        self.orders.on_event(view);
        let known = self.standing_event(view, settings);
        let churn = self.churn_event(view, &settings.churn);
        let all: Vec<Firing> = known.into_iter().chain(churn).collect();
        for firing in &all {
            self.note(firing, view.day);
        }
        // In the order of the registry.
        let roaming = self.roaming.on_event(view, &settings.roaming_care);
        let group = self.group_event(view, &settings.group_risk);
        if let Some(firing) = &group {
            self.note(firing, view.day);
        }
        let known = handset.into_iter().chain(all).chain(roaming);
        known.chain(group).collect()
    }

    /// Hotlines and suspensions.
    fn standing_event(
        &mut self,
        view: &churn::EventView<'_>,
        settings: &Settings,
    ) -> Option<Firing> {
        let churn::EventView {
            event,
            day,
            source,
            standing,
            rules,
            ..
        } = *view;
        match &event.body {
            Body::Call {
                direction: Direction::Outgoing,
                other,
                ..
            }
            | Body::Message {
                direction: Direction::Outgoing,
                other,
            } => {
                let competitor = rules.competitors.hotline(*other)?;
                self.hotline(competitor, day, source, &settings.competitor_hotline)
            }
            Body::Reactivation(_) => {
                self.suspended &= standing.suspended_on.is_some();
                None
            }
            Body::Suspension(SuspensionReason::Arrears) => {
                self.suspension(day, source, standing, &settings.arrears)
            }
            _ => None,
        }
    }

    fn hotline(
        &mut self,
        competitor: &str,
        day: Day,
        source: &Source,
        settings: &HotlineSettings,
    ) -> Option<Firing> {
        let repeat = self.cooling(HOTLINE, day, settings.cooldown_days);
        self.contacts = if repeat { self.contacts + 1 } else { 1 };
        Some(Firing {
            trigger: HOTLINE,
            kind: if repeat { Kind::Repeat } else { Kind::Full },
            strength: *settings.strengths.get(self.contacts - 1)?,
            evidence: Evidence {
                observed: self.contacts as f64,
                expected: 0.0,
                unit: "contacts".into(),
                window_days: settings.cooldown_days,
                threshold: 1.0,
                facts: vec![("competitor".into(), Fact::Name(competitor.to_owned()))],
                source: Some(source.clone()),
            },
        })
    }

    fn suspension(
        &mut self,
        day: Day,
        source: &Source,
        standing: &AccountView,
        settings: &ArrearsSettings,
    ) -> Option<Firing> {
        // A suspension that was over before its record arrived is no news.
        standing.suspended_on?;
        let reported = std::mem::replace(&mut self.suspended, true);
        if reported && self.cooling(ARREARS, day, settings.cooldown_days) {
            return None;
        }
        Some(Firing {
            trigger: ARREARS,
            kind: Kind::Full,
            strength: settings.suspended_strength,
            evidence: Evidence {
                observed: 1.0,
                expected: 0.0,
                unit: "suspensions".into(),
                window_days: 0,
                threshold: 1.0,
                facts: vec![("suspended_on".into(), Fact::Date(day))],
                source: Some(source.clone()),
            },
        })
    }

    /// A closed day.
    pub fn on_day(
        &mut self,
        view: &DayView<'_>,
        settings: &Settings,
        line: &line_state::Settings,
    ) -> Vec<Firing> {
        let strengths = [
            (SILENCE, settings.zero_usage_days.strength),
            (DROP, settings.usage_drop.strength),
        ];
        let worried = self.worried(view.today.day, line);
        let fall = self.line.on_day(view, worried, line, &strengths.into());
        self.undecided |= self.line.undecided;
        self.note_day(&fall, view);
        let arrears = self.arrears(view, &settings.arrears);
        self.note_day(&arrears, view);
        let churn = self.churn_day(view, &settings.churn);
        let care = self.care.on_day(view, &settings.care);
        self.undecided |= self.care.undecided;
        let follow_up = self.orders.follow_up(view, &settings.orders);
        let downgrade = self.orders.downgrade(view, &settings.orders);
        self.note_day(&downgrade, view);
        let known = fall.into_iter().chain(arrears);
        let known = known.chain(churn).chain(care);
        let plans = self.plans.on_day(view, &settings.win_back);
        let orders = follow_up.into_iter().chain(downgrade);
        let occasions = self.occasions.on_day(view, &settings.occasions);
        known.chain(orders).chain(plans).chain(occasions).collect()
    }

    /// Use after the last closed day.
    pub fn on_return(
        &mut self,
        logs: [f64; 8],
        day: Day,
        events: u64,
        line: &line_state::Settings,
    ) {
        let worried = self.worried(day, line);
        self.line.on_return(logs, day, events, worried, line);
        self.undecided |= self.line.undecided;
    }

    /// Whether the customer has lately given cause for worry.
    fn worried(&self, day: Day, line: &line_state::Settings) -> bool {
        let causes = [HOTLINE, churn::COMPLAINT, churn::CANCEL];
        causes
            .iter()
            .any(|cause| self.cooling(cause, day, line.worry_days))
    }

    fn note_day(&mut self, firing: &Option<Firing>, view: &DayView<'_>) {
        if let Some(firing) = firing {
            self.note(firing, view.today.day);
        }
    }

    fn arrears(&mut self, view: &DayView<'_>, settings: &ArrearsSettings) -> Option<Firing> {
        let day = view.today.day;
        self.suspended &= view.standing.suspended_on.is_some();
        let limit = i32::from(settings.overdue_days);
        let overdue = view.standing.bills.overdue(day, limit);
        let enough = |owed: churnwatch::model::Money| owed.0 as f64 / 100.0 >= settings.amount_min;
        let Some((due_on, owed)) = overdue.filter(|(_, owed)| enough(*owed)) else {
            self.overdue = false;
            return None;
        };
        let reported = self.overdue || self.suspended;
        if reported && self.cooling(ARREARS, day, settings.cooldown_days) {
            return None;
        }
        self.overdue = true;
        Some(Firing {
            trigger: ARREARS,
            kind: Kind::Full,
            strength: settings.overdue_strength,
            evidence: Evidence {
                observed: f64::from(day.0 - due_on.0),
                expected: 0.0,
                unit: "days_overdue".into(),
                window_days: 0,
                threshold: f64::from(settings.overdue_days),
                facts: vec![
                    ("owed".into(), Fact::Amount(owed)),
                    ("due_on".into(), Fact::Date(due_on)),
                ],
                source: None,
            },
        })
    }
}
