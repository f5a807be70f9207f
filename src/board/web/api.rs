//! The same for programs, as JSON: `schemas/board.openapi.json` describes it.

use super::alerts;
use super::answer::{App, Problem, blocking};
use super::audit::AuditQuery;
use super::bulk;
use super::forms;
use super::lead::{ViewQuery, figures};
use super::query::{FilterQuery, filter_of};
use super::visitor::Visitor;
use crate::board::actions::Action;
use crate::board::store::Row;
use crate::board::task::{LEVELS, PURPOSES, SEVERITIES, TIERS, masked};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use std::sync::Arc;

type Answer = Result<Json<Value>, Problem>;

/// Tasks of an answer, at most.
const ROWS: u32 = 1_000;

fn named(row: &Row) -> Value {
    let mut value = json!(row);
    let name = |names: &[&str], place: usize| json!(names.get(place));
    value["purpose"] = name(&PURPOSES, row.purpose);
    value["severity"] = name(&SEVERITIES, row.severity);
    value["tier"] = name(&TIERS, row.tier);
    value["level"] = name(&LEVELS, row.level);
    // Also for those who may call: to see a number is a deed of its own.
    value["subscriber"] = json!(masked(&row.msisdn));
    value
}

/// `GET /api/tasks`
pub(super) async fn tasks(State(app): State<App>, visitor: Visitor, query: FilterQuery) -> Answer {
    blocking(move || {
        let (filter, others) = filter_of(&app, query)?;
        let number = |name: &str, usual: u32, range: RangeInclusive<u32>| match others.get(name) {
            None => Ok(usual),
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| range.contains(n))
                .ok_or_else(|| {
                    let (least, most) = range.into_inner();
                    Problem::Bad(format!("`{name}` is not {least} to {most}"))
                }),
        };
        let rows = number("rows", 100, 1..=ROWS)?;
        let offset = number("page", 0, 0..=100_000)? * rows;
        let (tasks, all) =
            app.store
                .tasks(&filter, &visitor.person.scope, app.now(), rows, offset)?;
        let tasks: Vec<Value> = tasks.iter().map(named).collect();
        Ok(Json(json!({ "all": all, "tasks": tasks })))
    })
    .await
}

/// `GET /api/tasks/{id}`
pub(super) async fn task(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answer {
    blocking(move || {
        let dossier = app
            .store
            .dossier(&id, &visitor.person.scope)?
            .ok_or(Problem::Missing)?;
        let mut record = dossier.body;
        if let Some(msisdn) = record.get_mut("msisdn") {
            *msisdn = json!(masked(&dossier.row.msisdn));
        }
        let members = record.pointer_mut("/group/members");
        if let Some(members) = members.and_then(Value::as_array_mut) {
            for msisdn in members.iter_mut().filter_map(|it| it.get_mut("msisdn")) {
                *msisdn = json!(masked(msisdn.as_str().unwrap_or_default()));
            }
        }
        Ok(Json(json!({
            "task": record,
            "holder": dossier.desk.holder,
            "snoozed_until": dossier.desk.snoozed_until,
            "notes": dossier.desk.notes,
            "answers": dossier.desk.answers,
            "sent": dossier.settled,
            "steps": dossier.steps,
        })))
    })
    .await
}

fn read<T>(sent: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    sent.map(|Json(value)| value)
        .map_err(|rejection| Problem::unread(rejection.status(), rejection.body_text()))
}

/// `POST /api/tasks/{id}/actions`
pub(super) async fn act(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    sent: Result<Json<Action>, JsonRejection>,
) -> Answer {
    blocking(move || {
        app.act(&visitor.person, &id, &read(sent)?)?;
        Ok(Json(json!({ "done": true })))
    })
    .await
}

/// `POST /api/tasks/{id}/number`
pub(super) async fn number(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answer {
    blocking(move || {
        let (msisdn, members) = forms::reveal(&app, &visitor, &id)?;
        let mut numbers = json!({ "msisdn": msisdn });
        if !members.is_empty() {
            numbers["members"] = json!(members);
        }
        Ok(Json(numbers))
    })
    .await
}

/// An action with all tasks of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bulk {
    /// The list's address behind the question mark; empty for all open tasks.
    #[serde(default)]
    query: String,
    /// Names of tasks among them; none for all.
    #[serde(default)]
    ids: Vec<String>,
    /// What to do.
    act: Action,
}

/// `POST /api/bulk`
pub(super) async fn bulk(
    State(app): State<App>,
    visitor: Visitor,
    sent: Result<Json<Bulk>, JsonRejection>,
) -> Answer {
    blocking(move || {
        let asked = read(sent)?;
        let done = bulk::act(
            &app,
            &visitor,
            &asked.query,
            &asked.ids,
            &asked.act,
            |_, refusal| refusal.to_string(),
        )?;
        Ok(Json(json!(done)))
    })
    .await
}

/// `POST /api/alerts/resend`
pub(super) async fn resend(
    State(app): State<App>,
    visitor: Visitor,
    sent: Result<Json<alerts::Resend>, JsonRejection>,
) -> Answer {
    blocking(move || {
        let resent = alerts::resend(&app, &visitor, &read(sent)?)?;
        Ok(Json(json!({ "resent": resent })))
    })
    .await
}

/// `GET /api/rollup`
pub(super) async fn rollup(State(app): State<App>, visitor: Visitor, query: ViewQuery) -> Answer {
    let turn = Arc::clone(&app.rollups).acquire_owned().await;
    blocking(move || {
        let _turn = turn;
        let view = query
            .map_err(|rejection| Problem::Bad(rejection.body_text()))?
            .0;
        Ok(Json(json!(figures(&app, &visitor, &view)?)))
    })
    .await
}

/// `GET /api/audit`
pub(super) async fn audit(State(app): State<App>, visitor: Visitor, query: AuditQuery) -> Answer {
    blocking(move || {
        let filter = super::audit::filter_of(&visitor, query)?;
        Ok(Json(json!({ "entries": app.store.audit(&filter)? })))
    })
    .await
}

/// `GET /api/status`
pub(super) async fn status(State(app): State<App>, visitor: Visitor) -> Answer {
    blocking(move || {
        let waiting = app.store.waiting()?;
        let alerts = match visitor.person.leads() {
            true => Some(alerts::status(&app, &visitor)?),
            false => None,
        };
        Ok(Json(json!({
            "now": app.now(),
            "seq": app.store.seq(),
            "caught_up": app.status.caught_up(),
            "away_since": app.status.away_since(),
            "waiting": waiting.letters,
            "broken": app.status.broken(),
            "alerts": alerts,
        })))
    })
    .await
}
