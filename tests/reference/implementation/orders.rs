//! What customers order (behaviour: Churn triggers, Care and growth triggers).

use super::care::{firing, within};
use super::churn::EventView;
use super::policy::{Case, Tasks};
use super::triggers::Firing;
use super::view::DayView;
use churnwatch::model::{
    Body, CloseReason, Day, Fact, OrderKind, Purpose, Signal, Source, Suppression,
};
use serde::Deserialize;

pub const FOLLOW_UP: &str = "order_follow_up";
pub const DOWNGRADE: &str = "downgrade";

/// `[triggers.*]` of these.
#[derive(Deserialize)]
pub struct Settings {
    order_follow_up: FollowUpSettings,
    downgrade: DowngradeSettings,
}

#[derive(Deserialize)]
struct FollowUpSettings {
    after_days: i32,
    strength: f64,
}

#[derive(Deserialize)]
struct DowngradeSettings {
    cooldown_days: i32,
    strength: f64,
}

/// What is remembered of one subscriber.
#[derive(Default)]
pub struct Orders {
    /// Day of the last order, until somebody asks about it.
    to_ask: Option<Day>,
    /// The last sign of leaving, until the day closes.
    sign: Option<(OrderKind, Day)>,
    signed: Option<Day>,
}

impl Orders {
    /// An event young enough for the immediate triggers.
    pub fn on_event(&mut self, view: &EventView<'_>) {
        let Body::ServiceOrder(kind) = view.event.body else {
            return;
        };
        match kind {
            OrderKind::Unasked | OrderKind::Unknown => return,
            OrderKind::Cancelled => self.to_ask = None,
            _ => self.to_ask = self.to_ask.max(Some(view.day)),
        }
        if matches!(kind, OrderKind::Cancelled | OrderKind::Downgrade) {
            self.sign = Some((kind, view.day));
        }
    }

    pub fn follow_up(&mut self, view: &DayView<'_>, settings: &Settings) -> Option<Firing> {
        let settings = &settings.order_follow_up;
        let today = view.today.day + 1;
        let due = |ordered: &Day| today.0 - ordered.0 >= settings.after_days;
        let ordered = self.to_ask.take_if(|ordered| due(ordered))?;
        if view.barred(view.today.day) {
            return None;
        }
        let seen = (f64::from(today.0 - ordered.0), 0.0, "days");
        let facts = vec![("ordered_on", Fact::Date(ordered))];
        let after = f64::from(settings.after_days);
        Some(firing(FOLLOW_UP, settings.strength, seen, after, facts))
    }

    pub fn downgrade(&mut self, view: &DayView<'_>, settings: &Settings) -> Option<Firing> {
        let settings = &settings.downgrade;
        let day = view.today.day;
        let (kind, ordered) = self.sign.take()?;
        if within(day, self.signed, settings.cooldown_days) {
            return None;
        }
        self.signed = Some(day);
        let name = match kind {
            OrderKind::Cancelled => "cancel_service",
            _ => "downgrade",
        };
        let facts = vec![
            ("kind", Fact::Name(name.to_owned())),
            ("ordered_on", Fact::Date(ordered)),
        ];
        let seen = (1.0, 0.0, "orders");
        Some(firing(DOWNGRADE, settings.strength, seen, 1.0, facts))
    }
}

/// Whether a customer who orders that has done what a signal would propose.
fn answers(kind: OrderKind, signal: &Signal) -> bool {
    let plan = [OrderKind::Upgrade, OrderKind::PlanChange, OrderKind::Bundle].contains(&kind);
    match &*signal.trigger {
        "plan_overuse" | "terminal_change" => plan,
        "data_growth" => plan || kind == OrderKind::ValueAdded,
        _ => false,
    }
}

impl Tasks {
    /// Growth that an order answers is withdrawn.
    pub fn withdraw(&mut self, kind: OrderKind, source: &Source, case: &Case<'_>) {
        let open = self.open.get(&Purpose::Grow);
        if open.is_some_and(|task| task.signals.iter().all(|signal| answers(kind, signal))) {
            self.close(Purpose::Grow, CloseReason::OccasionOver, Some(source), case);
        }
        let Some(mut candidate) = self.waiting.remove(&Purpose::Grow) else {
            return;
        };
        let all = std::mem::take(&mut candidate.signals);
        let published = std::mem::take(&mut candidate.published);
        for (place, signal) in all.into_iter().enumerate() {
            let said = place < published;
            if !answers(kind, &signal) {
                candidate.signals.push(signal);
                candidate.published += usize::from(said);
            } else if !said {
                self.say(&signal, Some(Suppression::Recovered));
            }
        }
        if !candidate.signals.is_empty() {
            self.waiting.insert(Purpose::Grow, candidate);
        }
    }
}
