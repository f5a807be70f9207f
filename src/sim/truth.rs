//! The ground truth: which line is in which trouble from when, who left when, and which silences mean no harm.

use crate::model::{Calendar, Day, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the matter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Use ends for good: the owner moved to a competitor.
    Stop,
    /// Use falls by 50 to 80 % from one day to the next and stays there.
    Drop,
    /// Use fades over 30 days; some leave at its end.
    Decay,
    /// A call or message to a competitor's service number.
    CompetitorHotline,
    /// An answered call of a competitor's sales force, or one reported to us.
    CompetitorMarketing,
    /// An invoice that is not paid within 15 days of its due date.
    Arrears,
    /// A complaint.
    Complaint,
    /// Asking how to cancel.
    CancelEnquiry,
    /// Asking how to take the number elsewhere.
    PortOutEnquiry,
    /// Applying for the authorisation to take the number elsewhere.
    PortOutApplication,
    /// Calls drop where the owner lives.
    PoorCoverage,
    /// A service that nobody asked for is charged.
    UnaskedCharge,
    /// Calls are forwarded.
    CallForwarding,
    /// Calls give way to data; nothing is lost.
    Substitution,
    /// A silence: abroad.
    Travel,
    /// A silence: ill.
    Hospital,
    /// A silence: the other SIM card is in use.
    SecondSim,
    /// A silence: home for the students' holidays.
    StudentHoliday,
    /// City-wide: the holiday week, when everybody calls less.
    HolidayWeek,
    /// City-wide: the mediation loses the call-detail records of a day.
    Outage,
}

/// One line of ground truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The subscriber's MSISDN, digits; `None` if it concerns the whole city.
    pub msisdn: Option<u64>,
    /// What the matter is.
    pub kind: Kind,
    /// Nothing that anybody should be contacted about.
    pub harmless: bool,
    /// When it began.
    pub from: Timestamp,
    /// When the owner left for good because of it, if he did before the simulation ended.
    pub left_at: Option<Timestamp>,
    /// The day a silence ends, which may lie after the end of the simulation.
    pub returns_on: Option<Day>,
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

impl Kind {
    /// The name used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Drop => "drop",
            Self::Decay => "decay",
            Self::CompetitorHotline => "competitor_hotline",
            Self::CompetitorMarketing => "competitor_marketing",
            Self::Arrears => "arrears",
            Self::Complaint => "complaint",
            Self::CancelEnquiry => "cancel_enquiry",
            Self::PortOutEnquiry => "port_out_enquiry",
            Self::PortOutApplication => "port_out_application",
            Self::PoorCoverage => "poor_coverage",
            Self::UnaskedCharge => "unasked_charge",
            Self::CallForwarding => "call_forwarding",
            Self::Substitution => "substitution",
            Self::Travel => "travel",
            Self::Hospital => "hospital",
            Self::SecondSim => "second_sim",
            Self::StudentHoliday => "student_holiday",
            Self::HolidayWeek => "holiday_week",
            Self::Outage => "outage",
        }
    }
}

impl Truth {
    /// A line without an end or details.
    pub(super) fn new(msisdn: Option<u64>, kind: Kind, harmless: bool, from_ms: i64) -> Self {
        Self {
            msisdn,
            kind,
            harmless,
            from: Timestamp(from_ms),
            left_at: None,
            returns_on: None,
            details: Vec::new(),
        }
    }

    /// One JSON object: `msisdn`, `kind`, `harmless`, `from`, `left_at`, `returns_on`, `details`.
    pub fn to_json(&self, calendar: &Calendar) -> String {
        let value = |detail: Detail| match detail {
            Detail::Count(count) => count.into(),
            Detail::Level(level) => (libm::round(level * 1_000.0) / 1_000.0).into(),
            Detail::On(day) => day.to_string().into(),
            Detail::Is(yes) => yes.into(),
            Detail::Name(name) => name.into(),
        };
        let line = Line {
            msisdn: self.msisdn.map(|number| number.to_string()),
            kind: self.kind.name(),
            harmless: self.harmless,
            from: calendar.rfc3339(self.from),
            left_at: self.left_at.map(|at| calendar.rfc3339(at)),
            returns_on: self.returns_on.map(|day| day.to_string()),
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
    kind: &'static str,
    harmless: bool,
    from: String,
    left_at: Option<String>,
    returns_on: Option<String>,
    details: BTreeMap<&'static str, serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_everything() {
        let calendar = Calendar::new("Asia/Shanghai").unwrap();
        let mut truth = Truth::new(
            Some(8_613_912_345_678),
            Kind::Decay,
            false,
            1_772_380_800_000,
        );
        truth.details.push(("to_level", Detail::Level(0.250_04)));
        truth.details.push(("leaves_on", Detail::On(Day(20_550))));
        truth.returns_on = Some(Day(20_514));
        assert_eq!(
            truth.to_json(&calendar),
            r#"{"msisdn":"8613912345678","kind":"decay","harmless":false,"from":"2026-03-02T00:00:00+08:00","left_at":null,"returns_on":"2026-03-02","details":{"leaves_on":"2026-04-07","to_level":0.25}}"#
        );
    }
}
