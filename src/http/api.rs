//! Figures for boards: `/api/rollup`, `/api/outcomes` and `/api/uplift`. Their shape is `schemas/rollup.schema.json`.

use crate::telemetry::Telemetry;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::{Deserialize, Serialize};

/// What a board may ask for: whose work, and how it is grouped.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// A region path, such as `HQ/Guangdong`.
    region: Option<String>,
    /// An account manager.
    manager: Option<String>,
    /// What the work is broken down by.
    by: Option<GroupBy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum GroupBy {
    Region,
    Manager,
    CustomerKind,
}

/// JSON, or why there is none.
pub(super) type Reply = Result<String, Refusal>;

/// Why there is no answer.
pub(super) enum Refusal {
    /// What is wrong with the query.
    Query(String),
    /// What was asked for and is not known.
    Unknown(String),
}

impl From<&str> for Refusal {
    fn from(problem: &str) -> Self {
        Self::Query(problem.to_owned())
    }
}

/// The query as axum reads it.
pub(super) type FilterQuery = Result<Query<Filter>, QueryRejection>;

/// The work of a region and of those one level below it, of account managers, or of kinds of customers.
pub(super) fn rollup(telemetry: &Telemetry, query: FilterQuery) -> Reply {
    let filter = read(query)?;
    match (filter.region, filter.manager, filter.by) {
        (Some(_), Some(_), _) => {
            Err("give `region` or `manager`: managers are not told apart by region".into())
        }
        (Some(_), _, Some(GroupBy::Manager)) => {
            Err("`by=manager` goes without `region`: managers are not told apart by region".into())
        }
        (_, Some(_), Some(GroupBy::Region)) => {
            Err("`by=region` goes without `manager`: managers are not told apart by region".into())
        }
        (None, None, Some(GroupBy::CustomerKind)) => Ok(json(&telemetry.customers())),
        (_, _, Some(GroupBy::CustomerKind)) => Err(
            "`by=customer_kind` goes without `region` and `manager`: kinds of customers are counted over all of them".into(),
        ),
        (None, Some(manager), _) => Ok(json(&telemetry.holders(Some(&manager)))),
        (None, None, Some(GroupBy::Manager)) => Ok(json(&telemetry.holders(None))),
        (region, None, _) => Ok(json(&telemetry.region(&known(telemetry, region)?))),
    }
}

/// What became of the tasks of a region, by trigger and tier.
pub(super) fn outcomes(telemetry: &Telemetry, query: FilterQuery) -> Reply {
    let filter = read(query)?;
    if filter.manager.is_some() || filter.by.is_some() {
        let problem =
            "outcomes are by region, trigger and tier; see /api/rollup for those of a `manager`";
        return Err(problem.into());
    }
    Ok(json(&telemetry.outcomes(&known(telemetry, filter.region)?)))
}

/// What tasks achieve in a region, by trigger and tier.
pub(super) fn uplift(telemetry: &Telemetry, query: FilterQuery) -> Reply {
    let filter = read(query)?;
    if filter.manager.is_some() || filter.by.is_some() {
        return Err(
            "what tasks achieve is counted by region, trigger and tier; give `region`, or nothing"
                .into(),
        );
    }
    Ok(json(&telemetry.uplift(&known(telemetry, filter.region)?)))
}

fn read(query: FilterQuery) -> Result<Filter, Refusal> {
    let filter = query.map_err(|rejection| Refusal::Query(rejection.body_text()))?;
    let filter = filter.0;
    match filter.manager.as_deref() {
        Some("") => Err("`manager` is empty: name one, or ask for `by=manager`".into()),
        _ => Ok(filter),
    }
}

/// A region path as it is kept, of which something is known; none stands for everything.
fn known(telemetry: &Telemetry, region: Option<String>) -> Result<String, Refusal> {
    let path = region.unwrap_or_default();
    if path.split('/').any(str::is_empty) && !path.is_empty() {
        let problem =
            format!("`region` has a level without a name: {path:?}; write such as HQ/Guangdong");
        return Err(Refusal::Query(problem));
    }
    match telemetry.has_region(&path) {
        true => Ok(path),
        false => Err(Refusal::Unknown(format!(
            "no task in region {path:?} in this process's partitions"
        ))),
    }
}

/// A line of JSON. Plain structs of text and numbers cannot fail to be written.
fn json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap_or_default() + "\n"
}
