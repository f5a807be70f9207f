//! Which tasks to show, and in which order: what stands in the address of a list.

use crate::board::task::{LEVELS, PURPOSES, SEVERITIES, TIERS};
use crate::model::Timestamp;
use rusqlite::types::Value;
use serde::{Deserialize, Serialize};

/// What to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Open ones, closed ones, or both.
    #[serde(skip_serializing_if = "is_default")]
    pub status: Status,
    /// `churn`, `care`, `grow` or `win_back`; empty for all, as with every text here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// How far the subscriber is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub severity: String,
    /// How much effort the subscriber is worth.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tier: String,
    /// How the customer is looked after.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub customer_kind: String,
    /// The newest reason.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub trigger: String,
    /// First-responsible account manager.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manager: String,
    /// Work queue.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub queue: String,
    /// A region and all below it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// Rung of the ladder; `+` for all above the lowest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub level: String,
    /// How the customer is reached; empty for all that people do, `all` for campaigns too.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// Who has taken it; `-` for nobody, `*` for anybody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub holder: String,
    /// How urgent.
    #[serde(skip_serializing_if = "is_default")]
    pub due: Due,
    /// Why it was closed; several, separated by commas.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub close_reason: String,
    /// Only what was closed within so many days, today included; 0 for ever.
    #[serde(skip_serializing_if = "is_default")]
    pub days: u16,
    /// When the first of those days began, which depends on the operator's calendar.
    #[serde(skip)]
    pub closed_since: i64,
    /// With tasks that are put off; otherwise they wait for their time.
    #[serde(skip_serializing_if = "is_default")]
    pub snoozed: bool,
    /// The beginning of a task's name, or the last four digits of a number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub q: String,
    /// The order.
    #[serde(skip_serializing_if = "is_default")]
    pub sort: Sort,
    /// The other way round.
    #[serde(skip_serializing_if = "is_default")]
    pub reverse: bool,
    /// Columns, separated by commas; empty for the usual ones.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub columns: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Open ones, closed ones, or both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// With something to do.
    #[default]
    Open,
    /// Done with.
    Closed,
    /// Both.
    All,
}

/// How urgent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Due {
    /// In any case.
    #[default]
    Any,
    /// The time is over, and nobody has reported a contact.
    Overdue,
    /// Within a day.
    Soon,
    /// Nobody may be contacted yet.
    Later,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Churn before care, then by due time.
    #[default]
    Due,
    /// The most severe first.
    Severity,
    /// The likeliest to leave first.
    Score,
    /// The most valuable first.
    Value,
    /// The newest first.
    Opened,
    /// The latest change first.
    Updated,
}

impl Sort {
    /// The order of a name, as a list's address has it.
    pub fn of(name: &str) -> Option<Self> {
        let name = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name);
        Self::deserialize(name).ok()
    }

    /// Whether the highest is first.
    pub fn is_downward(self) -> bool {
        self != Self::Due
    }
}

/// Whose tasks somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of a region.
    Region(String),
    /// Those of account managers and queues, and those that the person has taken.
    Own {
        /// The person.
        name: String,
        /// Account managers.
        managers: Vec<String>,
        /// Queues.
        queues: Vec<String>,
    },
}

/// A condition in SQL with its values.
pub(super) struct Condition {
    pub sql: String,
    pub values: Vec<Value>,
}

impl Condition {
    fn new() -> Self {
        Self {
            sql: "1".to_owned(),
            values: Vec::new(),
        }
    }

    /// Adds a further condition; each `?` in it takes one of the values.
    pub fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql += " AND ";
        self.sql += sql;
        self.values.extend(values);
    }

    fn equal(&mut self, column: &str, text: &str) {
        if !text.is_empty() {
            self.and(&format!("{column} = ?"), [text.to_owned().into()]);
        }
    }

    fn region(&mut self, region: &str) {
        if !region.is_empty() {
            // Not LIKE: names may hold its wildcards. What begins with `region/` lies before `region0`, the next byte.
            let sql = "(region = ? OR (region > ? AND region < ?))";
            let bounds = ["", "/", "0"].map(|end| Value::from(format!("{region}{end}")));
            self.and(sql, bounds);
        }
    }

    /// A name that no list has is a condition that nothing meets.
    fn place(&mut self, column: &str, names: &[&str], name: &str) {
        if !name.is_empty() {
            let place = names.iter().position(|known| *known == name);
            let place = place.map_or(-1, |place| place as i64);
            self.and(&format!("{column} = ?"), [place.into()]);
        }
    }

    fn any_of(&mut self, parts: &[(&str, &[String])]) {
        let mut sql = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        for (column, names) in parts.iter().filter(|(_, names)| !names.is_empty()) {
            let marks = vec!["?"; names.len()].join(", ");
            sql.push(format!("{column} IN ({marks})"));
            values.extend(names.iter().cloned().map(Value::from));
        }
        let sql = if sql.is_empty() {
            "0".to_owned()
        } else {
            sql.join(" OR ")
        };
        self.and(&format!("({sql})"), values);
    }
}

impl Scope {
    pub(super) fn condition(&self) -> Condition {
        let mut condition = Condition::new();
        match self {
            Self::All => {}
            Self::Region(region) => condition.region(region),
            Self::Own {
                name,
                managers,
                queues,
            } => condition.any_of(&[
                ("manager", managers),
                ("queue", queues),
                ("holder", std::slice::from_ref(name)),
            ]),
        }
        condition
    }
}

impl Filter {
    /// The tasks of a scope that the filter lets through at a moment.
    pub(super) fn condition(&self, scope: &Scope, now: i64) -> Condition {
        let mut condition = scope.condition();
        // Whoever searches looks for a customer, whatever became of the task.
        let searches = !self.q.trim().is_empty();
        match self.status {
            Status::Open if searches => {}
            Status::Open => condition.and("open = 1", []),
            Status::Closed => condition.and("open = 0", []),
            Status::All => {}
        }
        condition.place("purpose", &PURPOSES, &self.purpose);
        condition.place("severity", &SEVERITIES, &self.severity);
        condition.place("tier", &TIERS, &self.tier);
        match self.level.as_str() {
            "+" => condition.and("level > 0", []),
            level => condition.place("level", &LEVELS, level),
        }
        match self.channel.as_str() {
            "" if searches => {}
            "" => condition.and("channel <> 'bulk_campaign'", []),
            "all" => {}
            channel => condition.equal("channel", channel),
        }
        condition.equal("customer_kind", &self.customer_kind);
        condition.equal("trigger", &self.trigger);
        condition.equal("manager", &self.manager);
        condition.equal("queue", &self.queue);
        if !self.close_reason.is_empty() {
            let reasons: Vec<String> = self.close_reason.split(',').map(str::to_owned).collect();
            condition.any_of(&[("close_reason", &reasons)]);
        }
        if self.days > 0 {
            condition.and("closed_at >= ?", [self.closed_since.into()]);
        }
        condition.region(&self.region);
        match self.holder.as_str() {
            "-" => condition.and("holder IS NULL", []),
            "*" => condition.and("holder IS NOT NULL", []),
            holder => condition.equal("holder", holder),
        }
        match self.due {
            Due::Any => {}
            Due::Overdue => condition.and("due_at < ? AND contacted_at IS NULL", [now.into()]),
            Due::Soon => {
                let until = now.saturating_add(Timestamp::DAY_MS);
                condition.and("due_at BETWEEN ? AND ?", [now.into(), until.into()]);
            }
            Due::Later => condition.and("not_before > ?", [now.into()]),
        }
        if !self.snoozed && self.status == Status::Open && !searches {
            condition.and("snoozed_until <= ?", [now.into()]);
        }
        let q = self.q.trim();
        if !q.is_empty() {
            // The last four digits of a number, neither fewer nor more, or at least the first eight characters of a name.
            let text = Value::from(q.to_owned());
            match q.len() {
                4 => condition.and("substr(msisdn, -4) = ?", [text]),
                0..8 => condition.and("0", []),
                length => condition.and("substr(id, 1, ?) = ?", [(length as i64).into(), text]),
            }
        }
        condition
    }

    /// The order in SQL.
    pub(super) fn order(&self) -> String {
        let columns = match self.sort {
            Sort::Due => "purpose, contacted_at IS NOT NULL, due_at",
            Sort::Severity => "severity",
            Sort::Score => "score",
            Sort::Value => "value",
            Sort::Opened => "opened_at",
            Sort::Updated => "updated_at",
        };
        let direction = match self.sort.is_downward() != self.reverse {
            true => "DESC",
            false => "ASC",
        };
        let columns = columns
            .split(", ")
            .map(|column| format!("{column} {direction}"));
        columns.collect::<Vec<_>>().join(", ") + ", id"
    }

    /// The filter as it stands in an address.
    pub fn query(&self) -> String {
        serde_urlencoded::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_an_address() {
        let filter = Filter {
            status: Status::All,
            region: "HQ/广东/深圳 & more".into(),
            due: Due::Overdue,
            sort: Sort::Value,
            reverse: true,
            ..Filter::default()
        };
        let back: Filter = serde_urlencoded::from_str(&filter.query()).unwrap();
        assert_eq!(back, filter);
        assert_eq!(Filter::default().query(), "");
    }
}
