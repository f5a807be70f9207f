//! Faults: what happens to records on their way from the switch to the detector (behaviour: Faults in the feeds). Each
//! kind has its own rate.
//!
//! It draws from streams of its own, so a city with faults and one without live through the same days.

use super::event::{Body, Event, Flaw};
use super::random::{Dice, Purpose};
use super::today::Today;
use crate::model::Feed;

const MINUTE_MS: u32 = 60_000;
const HOUR_MS: u32 = 60 * MINUTE_MS;

/// Whether a record can have the flaw. Only ordinary usage is spoilt for good: a hotline call or an invoice that
/// the ground truth promises does arrive readable.
fn fits(flaw: Flaw, body: &Body) -> bool {
    let other = match body {
        Body::Call(call) => Some(call.other),
        Body::Message { other, .. } => Some(*other),
        _ => None,
    };
    let ordinary = body.is_usage() && other.is_none_or(|other| other > 99_999);
    match flaw {
        Flaw::OtherPrefixed => other.is_some(),
        Flaw::OtherTruncated | Flaw::OtherIsOwn => other.is_some() && ordinary,
        Flaw::DurationNegative | Flaw::DurationOverflowing => {
            matches!(body, Body::Call(_)) && ordinary
        }
        Flaw::SecondGateway => matches!(body, Body::Data { .. }),
        Flaw::UnknownField | Flaw::MsisdnPrefixed | Flaw::Tombstone => true,
        _ => ordinary,
    }
}

/// What happens to the records of one day.
pub struct Weather {
    start_ms: i64,
    late_share: f64,
    duplicate_share: f64,
    /// Flaws that records are born with, at the upper ends of their shares of 2^32.
    born_with: [(u32, Flaw); 19],
    /// By switch and quarter of an hour of arrival.
    fates: Vec<FileFate>,
}

#[derive(Clone, Copy)]
enum FileFate {
    InOrder,
    Delayed { by_ms: u32 },
    SentAgain { after_ms: u32 },
}

const SWITCHES: u32 = 16;
/// Quarters of an hour in the longest day.
const SLOTS: u32 = 100;

impl Weather {
    pub fn of(today: &Today) -> Self {
        let dirt = &today.config.scenario.dirt;
        let mut fates = Vec::with_capacity((SWITCHES * SLOTS) as usize);
        for switch in 0..SWITCHES {
            let dice = &mut Dice::new(today.config.seed, switch, today.number, Purpose::Files);
            for _ in 0..SLOTS {
                let fate = match dice.unit() {
                    u if u < dirt.file_resent_share => FileFate::SentAgain {
                        after_ms: dice.between(HOUR_MS, 20 * HOUR_MS),
                    },
                    u if u < dirt.file_resent_share + dirt.file_out_of_order_share => {
                        FileFate::Delayed {
                            by_ms: dice.between(20 * MINUTE_MS, 90 * MINUTE_MS),
                        }
                    }
                    _ => FileFate::InOrder,
                };
                fates.push(fate);
            }
        }
        let (start_ms, _) = today.bounds();
        let mut reached = 0.0;
        let born_with = dirt.born_with().map(|(share, flaw)| {
            reached += share;
            ((reached * 4_294_967_296.0) as u32, flaw)
        });
        Self {
            start_ms,
            late_share: dirt.late_share,
            duplicate_share: dirt.duplicate_share,
            born_with,
            fates,
        }
    }

    /// What a record is born with, if anything.
    fn flaw(&self, bits: u32) -> Option<Flaw> {
        let (all, _) = self.born_with.last()?;
        if bits >= *all {
            return None;
        }
        let hit = self.born_with.iter().find(|(upper, _)| bits < *upper);
        hit.map(|(_, flaw)| *flaw)
    }

    fn fate(&self, person: u32, arrival_ms: i64) -> FileFate {
        let slot = (arrival_ms - self.start_ms) / i64::from(15 * MINUTE_MS);
        match u32::try_from(slot) {
            Ok(slot) if slot < SLOTS => self.fates[(person % SWITCHES * SLOTS + slot) as usize],
            // Arrives on another day.
            _ => FileFate::InOrder,
        }
    }
}

/// Sends a record through the faults: hands on every copy of it with its time of arrival.
pub fn soil(
    mut event: Event,
    mut arrival_ms: i64,
    weather: &Weather,
    dice: &mut Dice,
    mut deliver: impl FnMut(i64, Event, Option<Flaw>),
) {
    let mut delay = None;
    let mut again_ms = None;
    if dice.chance(weather.late_share) {
        arrival_ms += i64::from(dice.between(HOUR_MS, 48 * HOUR_MS));
        delay = Some(Flaw::Late);
    } else if event.body.feed() == Feed::Cdr {
        match weather.fate(event.person, arrival_ms) {
            FileFate::InOrder => {}
            FileFate::Delayed { by_ms } => {
                arrival_ms += i64::from(by_ms);
                delay = Some(Flaw::FileOutOfOrder);
            }
            FileFate::SentAgain { after_ms } => again_ms = Some(arrival_ms + i64::from(after_ms)),
        }
    }
    let twice = dice.chance(weather.duplicate_share);
    let born_with = weather.flaw(dice.bits());
    let extra = match born_with.filter(|flaw| fits(*flaw, &event.body)) {
        Some(flaw @ (Flaw::SecondGateway | Flaw::Tombstone)) => Some(flaw),
        flaw => {
            event.flaw = flaw;
            None
        }
    };
    deliver(arrival_ms, event, delay);
    if let Some(after_ms) = again_ms {
        let copy = Some(Flaw::FileResent);
        deliver(after_ms, Event { copy, ..event }, None);
    }
    if twice {
        let copy = Some(Flaw::Duplicate);
        let later_ms = i64::from(dice.between(1_000, 6 * HOUR_MS));
        deliver(arrival_ms + later_ms, Event { copy, ..event }, None);
    }
    if let Some(flaw) = extra {
        let later_ms = i64::from(dice.between(1_000, 5 * MINUTE_MS));
        let flaw = Some(flaw);
        deliver(arrival_ms + later_ms, Event { flaw, ..event }, None);
    }
}
