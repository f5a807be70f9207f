//! Calls, messages and data sessions as people make them.

use super::bursts::BurstTiming;
use crate::sim::event::{Body, Call, Cause, Event, Forwarding};
use crate::sim::person::{ANSWERED, Person, SESSION_SIGMA, TALK_SIGMA, stranger};
use crate::sim::random::Dice;
use crate::sim::today::Today;

/// Ordinary use.
pub fn use_line(
    person: &mut Person,
    today: &Today,
    timing: &BurstTiming,
    events: &mut Vec<Event>,
    dice: &mut Dice,
) {
    let levels = person.timeline.levels(today.day);
    let demand = person.habits.demand(today, levels, dice);
    let forwarded = today.config.scenario.events.forwarded_call_share;
    let mut before = None;
    for _ in 0..demand.voice {
        let time = timing.next(timing.calls, before, &person.habits, dice);
        before = Some(time);
        let mut body = call_or_message(person, dice);
        if let (Some(other), Body::Call(call)) = (person.forwards_to, &body)
            && !call.outgoing
            && dice.chance(forwarded)
        {
            let action = Forwarding::Call;
            body = Body::Forward { other, action };
        }
        use_once(person, today.at(time), body, events);
    }
    let mut before = None;
    for _ in 0..demand.data {
        let time = timing.next(timing.sessions, before, &person.habits, dice);
        before = Some(time);
        let body = data_session(person, dice);
        use_once(person, today.at(time), body, events);
    }
}

fn use_once(person: &mut Person, at_ms: i64, body: Body, events: &mut Vec<Event>) {
    if person.timeline.usable(at_ms) {
        events.push(person.record(at_ms, body));
    }
}

/// One ordinary call or message.
pub fn call_or_message(person: &Person, dice: &mut Dice) -> Body {
    let bits = dice.bits();
    let kind = (bits & 0xff) as u8;
    let habits = &person.habits;
    let outgoing = kind < habits.mix[0] || (habits.mix[1]..habits.mix[2]).contains(&kind);
    if kind >= habits.mix[1] {
        // Most messages that come in are codes and notices of services.
        let service = !outgoing && bits >> 30 != 0;
        let other = if service {
            10_690_000_000 + u64::from((bits >> 8) % 4_000)
        } else {
            person.acquaintance(dice)
        };
        return Body::Message { outgoing, other };
    }
    let other = match bits >> 28 {
        0 => stranger(dice),
        _ => person.acquaintance(dice),
    };
    let mut call = answered_call(person, outgoing, other, dice);
    let draw = f64::from(bits >> 8 & 0xffff) / 65_536.0;
    (call.cause, call.duration_seconds) = match draw {
        f if f < ANSWERED * habits.dropped => (Cause::Dropped, 1 + call.duration_seconds / 2),
        f if f < ANSWERED => (Cause::NormalRelease, call.duration_seconds),
        f if f < 0.94 => (Cause::Unanswered, 0),
        f if f < 0.985 => (Cause::Busy, 0),
        _ => (Cause::Failed, 0),
    };
    Body::Call(call)
}

/// A conversation.
pub fn answered_call(person: &Person, outgoing: bool, other: u64, dice: &mut Dice) -> Call {
    let seconds = dice.log_normal(person.habits.talk_median_seconds, TALK_SIGMA);
    Call {
        outgoing,
        other,
        duration_seconds: (seconds as u32).clamp(1, 7_200),
        cause: Cause::NormalRelease,
        cell: ((person.index * 7) % 180) as u16 + dice.below(6) as u16,
        handset: 0,
    }
}

/// One data session.
pub fn data_session(person: &Person, dice: &mut Dice) -> Body {
    let bytes = dice.log_normal(person.habits.session_median_bytes, SESSION_SIGMA);
    let bytes = bytes.clamp(200.0, 4e9) as u32;
    let uplink_bytes = bytes / dice.between(6, 20);
    Body::Data {
        uplink_bytes,
        downlink_bytes: bytes - uplink_bytes,
    }
}
