//! Records as JSON, field for field as specified (behaviour: Events), with the faults they have.

mod json;

pub use json::push_int;

use super::event::{Body, Call, Event, Fault, Forwarding, Invoice, Profile};
use super::person::{Line, PLANS, PROVINCES, Person};
use super::random::mix;
use crate::model::Feed;
use jiff::tz::TimeZone;
use json::{Json, TimestampWriter, push_base36, push_padded};

/// Turns records into bytes.
pub struct RecordWriter {
    timestamps: TimestampWriter,
    scratch: Vec<u8>,
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

impl RecordWriter {
    pub fn new(zone: TimeZone) -> Self {
        Self {
            timestamps: TimestampWriter::new(zone),
            scratch: Vec::new(),
        }
    }

    /// Writes a record of a subscriber; false for a null value.
    pub fn write(&mut self, person: &Person, event: &Event, out: &mut Vec<u8>) -> bool {
        match event.fault {
            Some(Fault::Tombstone) => return false,
            Some(Fault::PayloadEmpty) => return true,
            // Magic byte 0 and a schema's number.
            Some(Fault::PayloadFramed) => out.extend_from_slice(&[0, 0, 0, 1, 7]),
            _ => {}
        }
        let start = out.len();
        let mut json = Json::open(out);
        json.text("record_type", event.body.record_type());
        json.raw("record_id", true, |out| {
            let letter = match (event.body.feed(), event.body) {
                // Orders are counted by themselves.
                (_, Body::Order(_)) => b'o',
                (Feed::Cdr, _) => b'c',
                (Feed::Billing, _) => b'b',
                (Feed::Subscriber, _) => b'p',
                (Feed::Service, _) => b's',
                (Feed::Outcome, _) => b't',
                (Feed::Group, _) => b'g',
            };
            out.push(letter);
            push_base36(out, event.person);
            out.push(b'-');
            push_base36(out, event.record);
            if event.fault == Some(Fault::SecondGateway) {
                out.extend_from_slice(b".2");
            }
        });
        json.raw("msisdn", true, |out| push_msisdn(out, person, event));
        self.timestamp(&mut json, person, event);
        body(&mut json, person, event);
        if event.fault == Some(Fault::UnknownField) {
            json.text("vendor_extension", "x7");
            json.object("trace", |json| json.int("hop", i64::from(event.record % 5)));
        }
        json.close();
        match event.fault {
            Some(Fault::PayloadTruncated) => {
                let length = out.len() - start;
                out.truncate(start + length * 3 / 4);
            }
            Some(Fault::PayloadNotUtf8) => out[start + 20] = 0xfe,
            _ => {}
        }
        true
    }

    /// Writes a statement of the mediation.
    pub fn write_progress(
        &mut self,
        event: &Event,
        feed: Feed,
        complete_until_ms: i64,
        out: &mut Vec<u8>,
    ) {
        let timestamps = &mut self.timestamps;
        let mut json = Json::open(out);
        json.text("record_type", event.body.record_type());
        json.raw("record_id", true, |out| {
            out.extend_from_slice(b"progress-");
            push_base36(out, event.record);
        });
        json.raw("event_timestamp", true, |out| {
            timestamps.push(out, event.at_ms)
        });
        json.text("feed", feed.name());
        json.raw("complete_until", true, |out| {
            timestamps.push(out, complete_until_ms);
        });
        json.close();
    }

    /// Half of the switches, and the profile system, count milliseconds; everybody else writes RFC 3339.
    fn timestamp(&mut self, json: &mut Json, person: &Person, event: &Event) {
        const KEY: &str = "event_timestamp";
        let (feed, record) = (event.body.feed(), i64::from(event.record));
        let at_ms = match event.fault {
            Some(Fault::SecondsForMilliseconds) => return json.int(KEY, event.at_ms / 1_000),
            Some(Fault::ClockAtZero) => record * 1_000,
            Some(Fault::ClockYearsAhead) => event.at_ms + (60 + record % 7) * YEAR_MS,
            Some(Fault::ClockHoursAhead) => event.at_ms + (1 + record % 20) * HOUR_MS,
            Some(Fault::ClockMinutesAhead) => event.at_ms + (2 + record % 7) * MINUTE_MS,
            _ => event.at_ms,
        };
        if feed == Feed::Subscriber || (feed == Feed::Cdr && person.index.is_multiple_of(2)) {
            return json.int(KEY, at_ms);
        }
        self.scratch.clear();
        self.timestamps.push(&mut self.scratch, at_ms);
        let text = &self.scratch;
        json.raw(KEY, true, |out| out.extend_from_slice(text));
    }
}

fn push_msisdn(out: &mut Vec<u8>, person: &Person, event: &Event) {
    let number = person.number as i64;
    match event.fault {
        Some(Fault::MsisdnPrefixed) => {
            let prefix: &[u8] = if event.record.is_multiple_of(2) {
                b"+"
            } else {
                b"00"
            };
            out.extend_from_slice(prefix);
            push_int(out, number);
        }
        Some(Fault::MsisdnTruncated) => {
            let digits = 1 + event.record % 4;
            push_int(out, number / 10_i64.pow(13 - digits));
        }
        _ => push_int(out, number),
    }
}

fn body(json: &mut Json, person: &Person, event: &Event) {
    // The prepaid system writes amounts as strings.
    let quoted = person.prepaid;
    match event.body {
        Body::Call(ref call) => call_fields(json, person, event, call),
        Body::Message { other, .. } => other_number(json, person, event, other),
        Body::Data {
            uplink_bytes,
            downlink_bytes,
        } => {
            json.int("uplink_volume_bytes", i64::from(uplink_bytes));
            json.int("downlink_volume_bytes", i64::from(downlink_bytes));
            json.raw("charging_id", true, |out| {
                push_base36(out, person.index);
                out.push(b'x');
                push_base36(out, event.record);
            });
            json.text("rat_type", rat_type(event));
        }
        Body::Forward { other, action } => {
            other_number(json, person, event, other);
            match action {
                Forwarding::Activate => json.text("action", "activate"),
                Forwarding::Deactivate => json.text("action", "deactivate"),
                Forwarding::Call => {}
            }
        }
        Body::Invoice(ref invoice) => invoice_fields(json, invoice, quoted),
        Body::Payment { amount } => json.money("amount", amount, quoted),
        Body::Recharge { amount, balance } => {
            json.money("amount", amount, quoted);
            json.money("balance", balance, quoted);
        }
        Body::Charge {
            amount,
            service,
            subscribed_by_customer,
        } => {
            json.money("amount", amount, quoted);
            json.text("service", service);
            json.bool("subscribed_by_customer", subscribed_by_customer);
        }
        Body::Suspension { reason }
        | Body::Reactivation { reason }
        | Body::Cancellation { reason } => json.text("reason", reason),
        Body::Profile(ref profile) => profile_fields(json, person, profile, quoted),
        Body::Complaint {
            category,
            resolved,
            satisfaction,
        } => {
            json.text("category", category);
            json.text("resolution", if resolved { "resolved" } else { "open" });
            if let Some(satisfaction) = satisfaction {
                json.int("satisfaction", i64::from(satisfaction));
            }
        }
        Body::Enquiry { subject } => json.text("subject", subject),
        Body::Order(order) => {
            json.text("kind", order.kind);
            json.money("monthly_fee_before", order.fee_before, quoted);
            json.money("monthly_fee_after", order.fee_after, quoted);
        }
        Body::PortOutApplication | Body::CompetitorContact | Body::Progress { .. } => {}
    }
}

fn call_fields(json: &mut Json, person: &Person, event: &Event, call: &Call) {
    other_number(json, person, event, call.other);
    match event.fault {
        Some(Fault::DurationNegative) => {
            json.int("duration_seconds", -1 - i64::from(call.duration_seconds));
        }
        Some(Fault::DurationOverflowing) if event.record.is_multiple_of(2) => {
            json.int("duration_seconds", i64::from(u32::MAX));
        }
        Some(Fault::DurationOverflowing) => json.raw("duration_seconds", false, |out| {
            out.extend_from_slice(b"18446744073709551616");
        }),
        _ => json.int("duration_seconds", i64::from(call.duration_seconds)),
    }
    json.raw("first_cell_id", true, |out| {
        out.extend_from_slice(b"460-00-");
        let area = 4_000 + u32::from(person.province) * 10 + u32::from(person.city);
        push_int(out, i64::from(area));
        out.push(b'-');
        push_int(out, i64::from(call.cell));
    });
    json.text("cause_for_termination", call.cause.name());
    json.text("rat_type", rat_type(event));
    if person.reports_imei {
        json.raw("imei", true, |out| push_imei(out, person, call.handset));
    }
}

fn rat_type(event: &Event) -> &'static str {
    match mix(u64::from(event.person) << 32 | u64::from(event.record)) % 8 {
        0..=3 => "nr",
        4..=6 => "eutran",
        _ => "geran",
    }
}

/// Fourteen digits and Luhn's check digit.
fn push_imei(out: &mut Vec<u8>, person: &Person, handset: u8) {
    let serial = mix(person.number ^ u64::from(handset) << 56) % 1_000_000_000;
    let start = out.len();
    out.extend_from_slice(b"86");
    push_padded(out, 4_000 + (serial % 900) as u32, 4);
    push_padded(out, (serial / 10) as u32, 8);
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = out[start..]
        .iter()
        .enumerate()
        .map(|(place, byte)| (place, u32::from(byte - b'0')))
        .map(|(place, digit)| {
            if place % 2 == 1 {
                doubled(digit)
            } else {
                digit
            }
        })
        .sum();
    out.push(b'0' + ((10 - sum % 10) % 10) as u8);
}

fn other_number(json: &mut Json, person: &Person, event: &Event, other: u64) {
    json.raw("other_number", true, |out| match event.fault {
        Some(Fault::OtherIsOwn) => push_int(out, person.number as i64),
        Some(Fault::OtherTruncated) => {
            let digits = other.checked_ilog10().unwrap_or_default();
            let keep = 1 + event.record % 4;
            push_int(
                out,
                (other / 10_u64.pow((digits + 1).saturating_sub(keep))) as i64,
            );
        }
        Some(Fault::OtherPrefixed) => push_as_dialled(out, event.record, other),
        _ => push_national(out, other),
    });
}

fn push_national(out: &mut Vec<u8>, other: u64) {
    if (1_000_000_000..10_000_000_000).contains(&other) {
        out.push(b'0');
    }
    push_int(out, other as i64);
}

fn push_as_dialled(out: &mut Vec<u8>, record: u32, other: u64) {
    let ip_dial: [&[u8]; 5] = [b"17951", b"17911", b"12593", b"10193", b"17909"];
    let short = other < 100_000;
    match record % 4 {
        0 if short => out.extend_from_slice(b"010"),
        1 | 2 if short => out.extend_from_slice(b"021"),
        0 => out.extend_from_slice(b"+86"),
        1 => out.extend_from_slice(b"0086"),
        2 => out.extend_from_slice(b"86"),
        _ => out.extend_from_slice(ip_dial[(record / 4 % 5) as usize]),
    }
    // Behind a country code the area code loses its zero.
    if short || record % 4 != 3 {
        push_int(out, other as i64);
    } else {
        push_national(out, other);
    }
}

fn invoice_fields(json: &mut Json, invoice: &Invoice, quoted: bool) {
    json.raw("period", true, |out| {
        push_padded(out, (invoice.period / 12).unsigned_abs(), 4);
        out.push(b'-');
        push_padded(out, (invoice.period % 12 + 1).unsigned_abs(), 2);
    });
    json.money("amount", invoice.amount, quoted);
    json.money("plan_fee", invoice.plan_fee, quoted);
    json.money("usage_value", invoice.usage_value, quoted);
    json.money("overage", invoice.overage, quoted);
    json.date("due_on", invoice.due_on);
}

/// Lines that a group says it has: most of them are elsewhere.
const GROUP_SIZE: i64 = 400;

fn profile_fields(json: &mut Json, person: &Person, profile: &Profile, quoted: bool) {
    json.text("brand", person.brand);
    json.date("activated_on", person.activated_on);
    let plan = &PLANS[usize::from(profile.plan)];
    json.object("plan", |json| {
        json.text("id", plan.id);
        json.money("monthly_fee", plan.monthly_fee, quoted);
        json.int("voice_minutes", i64::from(plan.voice_minutes));
        json.int("data_mb", i64::from(plan.data_mb));
    });
    if let Some(end) = profile.contract_end_on {
        json.date("contract_end_on", end);
    }
    json.text("segment", if person.group { "group" } else { "consumer" });
    json.bool("vip", person.vip);
    let (province, code, cities) = PROVINCES[usize::from(person.province)];
    if person.manager > 0 {
        json.raw("account_manager", true, |out| {
            out.extend_from_slice(b"AM-");
            out.extend_from_slice(code.as_bytes());
            out.push(b'-');
            push_padded(out, u32::from(person.manager), 2);
        });
    }
    if person.grouped {
        for (name, letters) in [("group_id", b"G-"), ("group_manager", b"GM")] {
            json.raw(name, true, |out| {
                out.extend_from_slice(letters);
                out.extend_from_slice(code.as_bytes());
            });
        }
        json.int("group_size", GROUP_SIZE);
    }
    json.texts(
        "region",
        &["HQ", province, cities[usize::from(person.city)]],
    );
    json.raw("birthday", true, |out| {
        push_padded(out, u32::from(person.birthday.0), 2);
        out.push(b'-');
        push_padded(out, u32::from(person.birthday.1), 2);
    });
    json.date("points_expire_on", profile.points_expire_on);
    if let Some(day) = profile.offer_expires_on {
        json.date("offer_expires_on", day);
    }
    json.bool("marketing_opt_out", profile.marketing_opt_out);
    let machine = match person.line {
        Line::Machine => Some("iot"),
        Line::Robot => Some("robot"),
        Line::Human | Line::SimBank => person.flag,
    };
    json.texts("flags", machine.as_slice());
    json.money("avg_monthly_spend", plan.monthly_fee, quoted);
    json.int("suspensions", i64::from(profile.suspensions));
}
