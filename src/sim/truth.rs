//! The ground truth: who is on the way out from when and left when, and what only looks like it. Its file format is
//! `schemas/truth.schema.json`.

use crate::model::{Calendar, Day, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// What an episode means for a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Somebody is on the way out: to be found.
    Churn,
    /// It looks like leaving and is not: to be left alone.
    Harmless,
    /// A single event or trait worth knowing when an alarm is judged.
    Note,
    /// It concerns everybody.
    City,
}

/// What the matter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Use ends for good from one moment to the next.
    Stop,
    /// Use falls by 50 to 80 % from one day to the next and stays there; then many leave.
    Drop,
    /// Use fades over 30 days; then many leave.
    Decay,
    /// The number moves to a competitor; use tells nothing before it ends.
    PortOut,
    /// A complaint that is not resolved; then the owner leaves.
    Complaint,
    /// Invoices stay unpaid, the line is suspended, the owner leaves.
    Arrears,

    /// A silence: abroad.
    Travel,
    /// A silence: ill.
    Hospital,
    /// A silence: the other SIM card is in use.
    SecondSim,
    /// A silence: home for the students' holidays.
    StudentHoliday,
    /// A silence, then another handset.
    LostHandset,
    /// Calls give way to data; nothing is lost.
    Substitution,
    /// Asks how to port out, out of curiosity.
    PortCuriosity,
    /// Asks how to cancel, out of curiosity.
    CancelCuriosity,
    /// A competitor's hotline, called by mistake or for somebody else.
    WrongNumber,
    /// Unpaid, suspended, paid.
    SuspensionPaid,
    /// Unpaid for weeks after the due date, then paid.
    LatePayment,
    /// A visitor has gone home: the line is silent for good, and there is nobody to keep.
    Visitor,

    /// A call or message to a competitor's service number, before leaving.
    CompetitorHotline,
    /// An answered call of a competitor's sales force, or one reported to us.
    CompetitorMarketing,
    /// A complaint that leads nowhere, or one of several.
    SingleComplaint,
    /// Asking how to cancel, before leaving.
    CancelEnquiry,
    /// Asking how to take the number elsewhere, before leaving.
    PortOutEnquiry,
    /// Applying for the authorisation to take the number elsewhere.
    PortOutApplication,
    /// A service that nobody asked for is charged.
    UnaskedCharge,
    /// An invoice far above the usual.
    BillShock,
    /// Calls are forwarded.
    CallForwarding,
    /// Another handset, by choice.
    NewHandset,
    /// Another tariff.
    NewPlan,
    /// A service is cancelled, or another one taken at a lower fee.
    Downgrade,
    /// Data use grows.
    DataGrowth,
    /// An invoice stays unpaid by somebody who is gone.
    UnpaidInvoice,
    /// Calls drop where the owner lives.
    PoorCoverage,
    /// A tariff far above what is used.
    OverPlanned,
    /// A tariff far below what is used.
    UnderPlanned,
    /// A meter, tracker or vending machine.
    Machine,
    /// A call robot.
    Robot,
    /// A bank of SIM cards that nobody has flagged.
    SimBank,

    /// A holiday, when everybody calls less.
    HolidayWeek,
    /// The mediation loses the call-detail records of a day.
    Outage,
}

/// One line of ground truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The subscriber's MSISDN, digits; `None` if it concerns the whole city.
    pub msisdn: Option<u64>,
    /// What the matter is.
    pub kind: Kind,
    /// When it began: from here on there is something to be found. Of a stop, the last real use.
    pub from: Timestamp,
    /// The last real use before leaving, once it has come to that.
    pub last_use_at: Option<Timestamp>,
    /// When the owner left for good, if that happened within the simulation.
    pub left_at: Option<Timestamp>,
    /// When something harmless or city-wide ended, if that happened within the simulation.
    pub until: Option<Timestamp>,
    /// Further facts.
    pub details: Vec<(&'static str, Detail)>,
}

/// A further fact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Detail {
    /// A number.
    Count(i64),
    /// A share or level.
    Level(f64),
    /// A day.
    On(Day),
    /// Yes or no.
    Is(bool),
    /// A name.
    Name(&'static str),
}

impl Class {
    /// The name used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Churn => "churn",
            Self::Harmless => "harmless",
            Self::Note => "note",
            Self::City => "city",
        }
    }
}

impl Kind {
    /// What it means for a detector, and the name used in files.
    const fn class_and_name(self) -> (Class, &'static str) {
        use Class::{Churn, City, Harmless, Note};
        match self {
            Self::Stop => (Churn, "stop"),
            Self::Drop => (Churn, "drop"),
            Self::Decay => (Churn, "decay"),
            Self::PortOut => (Churn, "port_out"),
            Self::Complaint => (Churn, "complaint"),
            Self::Arrears => (Churn, "arrears"),
            Self::Travel => (Harmless, "travel"),
            Self::Hospital => (Harmless, "hospital"),
            Self::SecondSim => (Harmless, "second_sim"),
            Self::StudentHoliday => (Harmless, "student_holiday"),
            Self::LostHandset => (Harmless, "lost_handset"),
            Self::Substitution => (Harmless, "substitution"),
            Self::PortCuriosity => (Harmless, "port_curiosity"),
            Self::CancelCuriosity => (Harmless, "cancel_curiosity"),
            Self::WrongNumber => (Harmless, "wrong_number"),
            Self::SuspensionPaid => (Harmless, "suspension_paid"),
            Self::LatePayment => (Harmless, "late_payment"),
            Self::Visitor => (Harmless, "visitor"),
            Self::CompetitorHotline => (Note, "competitor_hotline"),
            Self::CompetitorMarketing => (Note, "competitor_marketing"),
            Self::SingleComplaint => (Note, "single_complaint"),
            Self::CancelEnquiry => (Note, "cancel_enquiry"),
            Self::PortOutEnquiry => (Note, "port_out_enquiry"),
            Self::PortOutApplication => (Note, "port_out_application"),
            Self::UnaskedCharge => (Note, "unasked_charge"),
            Self::BillShock => (Note, "bill_shock"),
            Self::CallForwarding => (Note, "call_forwarding"),
            Self::NewHandset => (Note, "new_handset"),
            Self::NewPlan => (Note, "new_plan"),
            Self::Downgrade => (Note, "downgrade"),
            Self::DataGrowth => (Note, "data_growth"),
            Self::UnpaidInvoice => (Note, "unpaid_invoice"),
            Self::PoorCoverage => (Note, "poor_coverage"),
            Self::OverPlanned => (Note, "over_planned"),
            Self::UnderPlanned => (Note, "under_planned"),
            Self::Machine => (Note, "machine"),
            Self::Robot => (Note, "robot"),
            Self::SimBank => (Note, "sim_bank"),
            Self::HolidayWeek => (City, "holiday_week"),
            Self::Outage => (City, "outage"),
        }
    }

    /// What it means for a detector.
    pub const fn class(self) -> Class {
        self.class_and_name().0
    }

    /// The name used in files.
    pub const fn name(self) -> &'static str {
        self.class_and_name().1
    }
}

impl Truth {
    /// A line without an end or details.
    pub(in crate::sim) fn new(msisdn: Option<u64>, kind: Kind, from_ms: i64) -> Self {
        Self {
            msisdn,
            kind,
            from: Timestamp(from_ms),
            last_use_at: None,
            left_at: None,
            until: None,
            details: Vec::new(),
        }
    }

    /// The line as it is known at a moment, without anything later. `None` if it has not begun.
    pub(in crate::sim) fn as_known_at(&self, end: Timestamp) -> Option<Self> {
        let known = |at: Option<Timestamp>| at.filter(|at| *at < end);
        (self.from < end).then(|| Self {
            last_use_at: known(self.last_use_at),
            left_at: known(self.left_at),
            until: known(self.until),
            ..self.clone()
        })
    }

    /// One JSON object: `msisdn`, `class`, `kind`, `from`, `last_use_at`, `left_at`, `until`, `details`.
    pub fn to_json(&self, calendar: &Calendar) -> String {
        let value = |detail: Detail| match detail {
            Detail::Count(count) => count.into(),
            Detail::Level(level) => (libm::round(level * 1_000.0) / 1_000.0).into(),
            Detail::On(day) => day.to_string().into(),
            Detail::Is(yes) => yes.into(),
            Detail::Name(name) => name.into(),
        };
        let moment = |at: Option<Timestamp>| at.map(|at| calendar.rfc3339(at));
        let line = Line {
            msisdn: self.msisdn.map(|number| number.to_string()),
            class: self.kind.class().name(),
            kind: self.kind.name(),
            from: calendar.rfc3339(self.from),
            last_use_at: moment(self.last_use_at),
            left_at: moment(self.left_at),
            until: moment(self.until),
            details: self
                .details
                .iter()
                .map(|(name, detail)| (*name, value(*detail)))
                .collect(),
        };
        // Strings, numbers and a map with string keys: there is nothing in it that JSON cannot hold.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Line {
    msisdn: Option<String>,
    class: &'static str,
    kind: &'static str,
    from: String,
    last_use_at: Option<String>,
    left_at: Option<String>,
    until: Option<String>,
    details: BTreeMap<&'static str, serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decay() -> Truth {
        let mut truth = Truth::new(Some(8_613_912_345_678), Kind::Decay, 1_772_380_800_000);
        truth.details.push(("to_level", Detail::Level(0.250_04)));
        truth.details.push(("decided_on", Detail::On(Day(20_550))));
        truth.last_use_at = Some(Timestamp(1_772_467_200_000));
        truth.left_at = Some(Timestamp(1_772_553_600_000));
        truth
    }

    #[test]
    fn a_line_says_everything() {
        let calendar = Calendar::new("Asia/Shanghai").unwrap();
        assert_eq!(
            decay().to_json(&calendar),
            r#"{"msisdn":"8613912345678","class":"churn","kind":"decay","from":"2026-03-02T00:00:00+08:00","last_use_at":"2026-03-03T00:00:00+08:00","left_at":"2026-03-04T00:00:00+08:00","until":null,"details":{"decided_on":"2026-04-07","to_level":0.25}}"#
        );
    }

    #[test]
    fn the_future_is_not_told() {
        let truth = decay();
        assert_eq!(truth.as_known_at(truth.from), None);
        let early = truth.as_known_at(Timestamp(1_772_500_000_000)).unwrap();
        assert_eq!(
            (early.last_use_at, early.left_at),
            (truth.last_use_at, None)
        );
    }
}
