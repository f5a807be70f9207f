//! Use abroad (behaviour: Care and growth triggers).

use super::care::firing;
use super::churn::EventView;
use super::service_history::TRIP_PAUSE_DAYS;
use super::triggers::Firing;
use churnwatch::model::{Body, Day, Fact};
use serde::Deserialize;

pub const ROAMING: &str = "roaming_care";

/// `[triggers.roaming_care]`.
#[derive(Deserialize)]
pub struct Settings {
    quiet_days: i32,
    strength: f64,
    charges_min: f64,
    charges_strength: f64,
}

/// What is remembered of one subscriber.
#[derive(Default)]
pub struct Roaming {
    last: Option<Day>,
    warned: bool,
}

impl Roaming {
    /// An event young enough for the immediate triggers.
    pub fn on_event(&mut self, view: &EventView<'_>, settings: &Settings) -> Option<Firing> {
        let mut firing = match (view.event.visited, &view.event.body) {
            (Some(network), _) => {
                let before = self.last;
                if before >= Some(view.day) {
                    return None;
                }
                self.last = Some(view.day);
                let days = before.map(|before| view.day.0 - before.0);
                self.warned &= days.is_some_and(|days| days <= TRIP_PAUSE_DAYS);
                if days.is_some_and(|days| days <= settings.quiet_days) {
                    return None;
                }
                let facts = vec![("network", Fact::Name(network.to_string()))];
                let seen = (1.0, 0.0, "networks");
                let mut firing = firing(ROAMING, settings.strength, seen, 1.0, facts);
                firing.evidence.window_days = settings.quiet_days as u16;
                firing
            }
            (None, Body::Charge { .. }) => {
                let charged = view.service_history.charged_abroad(view.day)?;
                let amount = charged.0 as f64 / 100.0;
                if self.warned || charged.0 <= 0 || amount < settings.charges_min {
                    return None;
                }
                self.warned = true;
                let facts = vec![("charged", Fact::Amount(charged))];
                let seen = (amount, 0.0, "amount");
                firing(
                    ROAMING,
                    settings.charges_strength,
                    seen,
                    settings.charges_min,
                    facts,
                )
            }
            _ => return None,
        };
        firing.evidence.source = Some(view.source.clone());
        Some(firing)
    }
}
