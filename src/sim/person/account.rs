//! The billing account of one line.

use crate::model::Day;
use crate::sim::event::Body;
use crate::sim::random::Dice;
use crate::sim::scenario::Billing;

/// The billing state of one line.
pub struct Account {
    /// Day of the month on which it is billed.
    pub cycle_day: u8,
    /// Pays late, often.
    pub careless: bool,
    /// First day of the usage counted below.
    pub since: Day,
    pub talk_seconds: u32,
    pub messages: u32,
    pub data_kb: u64,
    /// Until when nothing is paid, and when all of it is then paid.
    pub pays_nothing_until: Day,
    pub pays_on: Option<Day>,
    /// What the next invoice has on top, and whether that is a shock.
    pub extra: i32,
    /// The contract is cancelled.
    pub closed: bool,
}

impl Account {
    pub fn new(dice: &mut Dice, billing: &Billing, first: Day) -> Self {
        Self {
            cycle_day: dice.pick(&[1, 5, 10, 15, 20, 25]),
            careless: dice.chance(billing.careless_share),
            since: first,
            talk_seconds: 0,
            messages: 0,
            data_kb: 0,
            pays_nothing_until: Day::MIN,
            pays_on: None,
            extra: 0,
            closed: false,
        }
    }

    /// Meters one record of usage.
    pub fn meter(&mut self, body: &Body) {
        match body {
            Body::Call(call) if call.outgoing => self.talk_seconds += call.duration_seconds,
            Body::Message { outgoing: true, .. } => self.messages += 1,
            Body::Data {
                uplink_bytes,
                downlink_bytes,
            } => self.data_kb += (u64::from(*uplink_bytes) + u64::from(*downlink_bytes)) / 1_000,
            _ => {}
        }
    }
}
