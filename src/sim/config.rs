//! What a city is made from.

use super::scenario::Scenario;
use crate::layers::Problems;
use crate::model::Day;

/// Most subscribers a city can have; with a day of its records each takes about 1.6 kB of memory.
pub const SUBSCRIBERS_MAX: u32 = 20_000_000;
/// Most days a city can live.
pub const DAYS_MAX: u32 = 3_650;

/// Parameters of a simulated city. Equal parameters give equal bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct CityConfig {
    /// Subscribers, 1 to [`SUBSCRIBERS_MAX`]. The first ones behave the same whatever the number.
    pub subscribers: u32,
    /// Days to live through, 1 to [`DAYS_MAX`]. The first ones are the same whatever the number.
    pub days: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// First local day, 2001-01-01 to 2150-01-01.
    pub start: Day,
    /// IANA time zone of the local days.
    pub time_zone: String,
    /// Whose network this is; the others are competitors.
    pub operator: Operator,
    /// Whether records arrive with faults (behaviour: Faults in the feeds).
    pub faults: bool,
    /// Who lives there, what happens to them and to their records.
    pub scenario: Scenario,
}

/// A Chinese mobile operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// China Mobile.
    Mobile,
    /// China Telecom.
    Telecom,
    /// China Unicom.
    Unicom,
    /// China Broadnet.
    Broadnet,
}

/// Why no city can be made, or its records not be written.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A parameter is out of range.
    #[error("{name} is {found}; it must be {allowed}")]
    OutOfRange {
        /// The parameter.
        name: &'static str,
        /// What was given.
        found: String,
        /// What may be given.
        allowed: String,
    },
    /// The scenario is wrong.
    #[error(transparent)]
    Scenario(#[from] Problems),
    /// The time zone is not known.
    #[error(transparent)]
    TimeZone(#[from] crate::model::CalendarError),
    /// A file could not be written.
    #[error("{path}: cannot {doing}: {source}")]
    File {
        /// The file or directory.
        path: String,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl CityConfig {
    /// A city of that size with the default for everything else: China Mobile in Asia/Shanghai from 2026-03-02, with
    /// faults, and the scenario of [`Scenario::reference`].
    pub fn new(subscribers: u32, days: u32, seed: u64) -> Self {
        Self {
            subscribers,
            days,
            seed,
            start: Day(20_514),
            time_zone: "Asia/Shanghai".to_owned(),
            operator: Operator::Mobile,
            faults: true,
            scenario: Scenario::default(),
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`SimError::OutOfRange`] names the first parameter that is out of range.
    pub fn validate(&self) -> Result<(), SimError> {
        let earliest = Day::from_ymd(2001, 1, 1).unwrap_or(Day::MIN);
        let latest = Day::from_ymd(2150, 1, 1).unwrap_or(Day::MIN);
        within("subscribers", self.subscribers, 1, SUBSCRIBERS_MAX)?;
        within("days", self.days, 1, DAYS_MAX)?;
        within("start", self.start, earliest, latest)
    }
}

fn within<T: PartialOrd + std::fmt::Display>(
    name: &'static str,
    found: T,
    low: T,
    high: T,
) -> Result<(), SimError> {
    if found >= low && found <= high {
        return Ok(());
    }
    Err(SimError::OutOfRange {
        name,
        found: found.to_string(),
        allowed: format!("{low} to {high}"),
    })
}

impl Operator {
    /// Every operator.
    pub const ALL: [Self; 4] = [Self::Mobile, Self::Telecom, Self::Unicom, Self::Broadnet];

    /// The operator of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operator| operator.name() == name)
    }

    /// The name used in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Telecom => "telecom",
            Self::Unicom => "unicom",
            Self::Broadnet => "broadnet",
        }
    }

    /// Service number that customers call.
    pub(super) const fn hotline(self) -> u64 {
        match self {
            Self::Mobile => 10086,
            Self::Telecom => 10000,
            Self::Unicom => 10010,
            Self::Broadnet => 10099,
        }
    }

    /// Number that calls customers to sell; Broadnet has none.
    const fn marketing(self) -> Option<u64> {
        match self {
            Self::Mobile => Some(10085),
            Self::Telecom => Some(10001),
            Self::Unicom => Some(10016),
            Self::Broadnet => None,
        }
    }

    /// First three digits of the operator's mobile numbers.
    pub(super) const fn prefixes(self) -> &'static [u64] {
        match self {
            Self::Mobile => &[139, 138, 137, 136],
            Self::Telecom => &[133, 153, 180, 189],
            Self::Unicom => &[130, 131, 155, 186],
            Self::Broadnet => &[192],
        }
    }

    pub(super) fn competitors(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |other| *other != self)
    }

    /// The competitors' service numbers.
    pub(super) fn competitor_hotlines(self) -> Vec<u64> {
        self.competitors().map(Self::hotline).collect()
    }

    /// The competitors' marketing numbers.
    pub(super) fn competitor_marketing(self) -> Vec<u64> {
        self.competitors().filter_map(Self::marketing).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_as_documented() {
        let config = CityConfig::new(10, 20, 1);
        assert_eq!(config.start.to_string(), "2026-03-02");
        config.validate().unwrap();
    }

    #[test]
    fn out_of_range_names_the_parameter() {
        let message = |config: CityConfig| config.validate().unwrap_err().to_string();
        let base = CityConfig::new(10, 20, 1);
        assert_eq!(
            message(CityConfig {
                subscribers: 0,
                ..base.clone()
            }),
            "subscribers is 0; it must be 1 to 20000000"
        );
        assert_eq!(
            message(CityConfig {
                days: 5_000,
                ..base
            }),
            "days is 5000; it must be 1 to 3650"
        );
    }

    #[test]
    fn competitors_are_the_others() {
        assert_eq!(
            Operator::Mobile.competitor_hotlines(),
            [10000, 10010, 10099]
        );
        assert_eq!(Operator::Mobile.competitor_marketing(), [10001, 10016]);
        assert_eq!(
            Operator::Telecom.competitor_hotlines(),
            [10086, 10010, 10099]
        );
    }
}
