use crate::model::Day;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many new tasks those who do them can take (behaviour: Capacity).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityRules {
    /// New tasks a day of an account manager, over all partitions; 0 for no limit.
    pub manager_per_day: u32,
    /// The same of a queue.
    pub queue_per_day: u32,
    /// Account managers by name.
    pub managers: BTreeMap<String, HolderCapacity>,
    /// Queues by name.
    pub queues: BTreeMap<String, HolderCapacity>,
}

/// What is stated of one account manager or queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderCapacity {
    /// New tasks a day, over all partitions; 0 for no limit, absent for that of all others.
    pub per_day: Option<u32>,
    /// Who gets the tasks for which there is no room.
    pub deputy: Option<String>,
    /// When nobody is there, in order.
    #[serde(default)]
    pub absent: Vec<Absence>,
}

impl HolderCapacity {
    /// Whether somebody is there on a local day.
    pub fn is_present(&self, day: Day) -> bool {
        let absent = |it: &Absence| it.first <= day && day <= it.last;
        !self.absent.iter().any(absent)
    }
}

/// Local days without anybody, such as `2026-12-24/2027-01-06`, the last one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Absence {
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
}

impl TryFrom<String> for Absence {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let days = text.split_once('/');
        let days = days.and_then(|(first, last)| Some((Day::parse(first)?, Day::parse(last)?)));
        match days {
            Some((first, last)) if first <= last => Ok(Self { first, last }),
            Some(_) => Err(format!("`{text}` ends before it begins")),
            None => Err(format!(
                "`{text}` is not two dates with a slash between them"
            )),
        }
    }
}

impl From<Absence> for String {
    fn from(absence: Absence) -> Self {
        format!("{}/{}", absence.first, absence.last)
    }
}
