//! Faults that records pick up between the switch and the detector (behaviour: Faults in the feeds), each kind at its own
//! rate.
//!
//! They draw from random streams of their own, so a city with faults and one without live through the same days.

use super::event::{Body, Event, Fault};
use super::random::{Dice, Purpose};
use super::today::Today;
use crate::model::Feed;

const MINUTE_MS: u32 = 60_000;
const HOUR_MS: u32 = 60 * MINUTE_MS;

/// Whether a record can have the fault. Only ordinary usage becomes unreadable: a hotline call or an invoice that
/// the ground truth mentions always arrives readable.
fn fits(fault: Fault, body: &Body) -> bool {
    let other = match body {
        Body::Call(call) => Some(call.other),
        Body::Message { other, .. } => Some(*other),
        _ => None,
    };
    let ordinary = body.is_usage() && other.is_none_or(|other| other > 99_999);
    match fault {
        Fault::OtherPrefixed => other.is_some(),
        Fault::OtherTruncated | Fault::OtherIsOwn => other.is_some() && ordinary,
        Fault::DurationNegative | Fault::DurationOverflowing => {
            matches!(body, Body::Call(_)) && ordinary
        }
        Fault::SecondGateway => matches!(body, Body::Data { .. }),
        Fault::UnknownField | Fault::MsisdnPrefixed | Fault::Tombstone => true,
        _ => ordinary,
    }
}

/// The faults that records of one day can have.
pub struct DayFaults {
    start_ms: i64,
    late_share: f64,
    duplicate_share: f64,
    /// Faults of single records, each at the upper end of its share of 2^32.
    record_faults: [(u32, Fault); 19],
    /// By switch and quarter of an hour of arrival.
    file_faults: Vec<FileFault>,
}

#[derive(Clone, Copy)]
enum FileFault {
    InOrder,
    Delayed { by_ms: u32 },
    SentAgain { after_ms: u32 },
}

const SWITCHES: u32 = 16;
/// Quarters of an hour in the longest day.
const SLOTS: u32 = 100;

impl DayFaults {
    pub fn of(today: &Today) -> Self {
        let faults = &today.config.scenario.faults;
        let mut file_faults = Vec::with_capacity((SWITCHES * SLOTS) as usize);
        for switch in 0..SWITCHES {
            let dice = &mut Dice::new(today.config.seed, switch, today.number, Purpose::Files);
            for _ in 0..SLOTS {
                let file_fault = match dice.unit() {
                    u if u < faults.file_resent_share => FileFault::SentAgain {
                        after_ms: dice.between(HOUR_MS, 20 * HOUR_MS),
                    },
                    u if u < faults.file_resent_share + faults.file_out_of_order_share => {
                        FileFault::Delayed {
                            by_ms: dice.between(20 * MINUTE_MS, 90 * MINUTE_MS),
                        }
                    }
                    _ => FileFault::InOrder,
                };
                file_faults.push(file_fault);
            }
        }
        let (start_ms, _) = today.bounds();
        let mut reached = 0.0;
        let record_faults = faults.record_fault_shares().map(|(share, fault)| {
            reached += share;
            ((reached * 4_294_967_296.0) as u32, fault)
        });
        Self {
            start_ms,
            late_share: faults.late_share,
            duplicate_share: faults.duplicate_share,
            record_faults,
            file_faults,
        }
    }

    /// The fault that a draw gives a record, if any.
    fn record_fault(&self, bits: u32) -> Option<Fault> {
        let (all, _) = self.record_faults.last()?;
        if bits >= *all {
            return None;
        }
        let hit = self.record_faults.iter().find(|(upper, _)| bits < *upper);
        hit.map(|(_, fault)| *fault)
    }

    fn file_fault(&self, person: u32, arrival_ms: i64) -> FileFault {
        let slot = (arrival_ms - self.start_ms) / i64::from(15 * MINUTE_MS);
        match u32::try_from(slot) {
            Ok(slot) if slot < SLOTS => {
                self.file_faults[(person % SWITCHES * SLOTS + slot) as usize]
            }
            // Arrives on another day.
            _ => FileFault::InOrder,
        }
    }
}

/// Applies the faults of the day to a record, and delivers every copy of it with its arrival and its delay.
pub fn inject_faults(
    mut event: Event,
    mut arrival_ms: i64,
    day_faults: &DayFaults,
    dice: &mut Dice,
    mut deliver: impl FnMut(i64, Event, Option<Fault>),
) {
    let mut delay = None;
    let mut again_ms = None;
    if dice.chance(day_faults.late_share) {
        arrival_ms += i64::from(dice.between(HOUR_MS, 48 * HOUR_MS));
        delay = Some(Fault::Late);
    } else if event.body.feed() == Feed::Cdr {
        match day_faults.file_fault(event.person, arrival_ms) {
            FileFault::InOrder => {}
            FileFault::Delayed { by_ms } => {
                arrival_ms += i64::from(by_ms);
                delay = Some(Fault::FileOutOfOrder);
            }
            FileFault::SentAgain { after_ms } => again_ms = Some(arrival_ms + i64::from(after_ms)),
        }
    }
    let twice = dice.chance(day_faults.duplicate_share);
    let drawn = day_faults.record_fault(dice.bits());
    let extra = match drawn.filter(|fault| fits(*fault, &event.body)) {
        Some(fault @ (Fault::SecondGateway | Fault::Tombstone)) => Some(fault),
        fault => {
            event.fault = fault;
            None
        }
    };
    deliver(arrival_ms, event, delay);
    if let Some(after_ms) = again_ms {
        let copy = Some(Fault::FileResent);
        deliver(after_ms, Event { copy, ..event }, None);
    }
    if twice {
        let copy = Some(Fault::Duplicate);
        let later_ms = i64::from(dice.between(1_000, 6 * HOUR_MS));
        deliver(arrival_ms + later_ms, Event { copy, ..event }, None);
    }
    if let Some(fault) = extra {
        let later_ms = i64::from(dice.between(1_000, 5 * MINUTE_MS));
        let fault = Some(fault);
        deliver(arrival_ms + later_ms, Event { fault, ..event }, None);
    }
}
