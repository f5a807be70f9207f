//! Who did what.

use super::answer::{App, Problem};
use super::layout;
use super::layout::encoded;
use super::visitor::Visitor;
use crate::board::store::{AuditEntry, AuditFilter};
use crate::board::when::When;
use crate::board::words::Language;
use crate::config::BoardRole;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use maud::html;

pub(super) type AuditQuery = Result<Query<AuditFilter>, QueryRejection>;

/// What an audit's address asks for, of somebody who may ask.
pub(super) fn filter_of(visitor: &Visitor, query: AuditQuery) -> Result<AuditFilter, Problem> {
    match visitor.person.role {
        BoardRole::Admin => Ok(query
            .map_err(|rejection| Problem::Bad(rejection.body_text()))?
            .0),
        _ => Err(Problem::Forbidden),
    }
}

/// More of a deed, in the reader's words.
fn detail(entry: &AuditEntry, language: Language) -> String {
    match entry.what.as_str() {
        "answer" => language.word("result", &entry.detail).to_owned(),
        "bulk" => match entry.detail.split(' ').collect::<Vec<_>>()[..] {
            [action, done, "of", matched] => {
                format!("{}: {done} / {matched}", language.word("action", action))
            }
            _ => entry.detail.clone(),
        },
        _ => entry.detail.clone(),
    }
}

/// `GET /audit`
pub(super) async fn page(State(app): State<App>, visitor: Visitor, query: AuditQuery) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        let filter = filter_of(visitor, query)?;
        let entries = app.store.audit(&filter)?;
        let when = When::new(&app.config, app.now(), visitor.language);
        let language = visitor.language;
        let say = |name| language.say(name);
        let content = html! {
            h1 { (say("audit")) }
            form.filters method="get" {
                label { (say("who")) " " input name="who" value=(filter.who); }
                label { (say("what")) " " input name="what" value=(filter.what); }
                label { (say("task")) " " input name="task" value=(filter.task); }
                button { (say("show")) }
            }
            div.wide { table {
                thead { tr { @for name in ["at", "who", "what", "task", "detail"] { th scope="col" { (say(name)) } } } }
                tbody { @for entry in &entries { tr {
                    td { time datetime=(when.machine(entry.at)) { (when.minute(entry.at)) } }
                    td { (entry.who) } td { (language.word("audit", &entry.what)) }
                    td { @if !entry.task_id.is_empty() { a href={ "/tasks/" (entry.task_id) } { code { (entry.task_id) } } } }
                    td { (detail(entry, language)) }
                } } }
            } }
            @if let Some(last) = entries.last().filter(|_| entries.len() >= 500) {
                p { a rel="next" href={ "/audit?who=" (encoded(&filter.who)) "&what=" (encoded(&filter.what)) "&before=" (last.at) } { (say("after")) } }
            }
        };
        Ok(layout::page(app, visitor, say("audit"), &content))
    })
    .await
}
