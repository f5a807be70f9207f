//! What forms ask for. Without a script they lead back to a page.

use super::answer::{App, Problem};
use super::layout;
use super::layout::encoded;
use super::query::filter_of_text;
use super::visitor::Visitor;
use crate::board::actions::Action;
use crate::board::when::When;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use std::collections::BTreeMap;

/// Views of one person, and the length of one.
const VIEWS_MAX: usize = 50;
const QUERY_MAX: usize = 500;

/// The fields of a form.
pub(super) type Fields = BTreeMap<String, String>;
pub(super) type Sent = Result<Form<Fields>, FormRejection>;

/// The fields of a form of ours.
pub(super) fn fields_of(visitor: &Visitor, sent: Sent) -> Result<Fields, Problem> {
    let Form(mut fields) =
        sent.map_err(|rejection| Problem::unread(rejection.status(), rejection.body_text()))?;
    match visitor.is_ours(&fields.remove("csrf").unwrap_or_default()) {
        true => Ok(fields),
        false => Err(Problem::Old),
    }
}

pub(super) fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

/// The action that a form asks for.
pub(super) fn action_of(fields: &Fields, when: &When) -> Result<Action, Problem> {
    let text = |name: &str| field(fields, name).to_owned();
    let moment = |name: &'static str| match field(fields, name) {
        "" => Ok(0),
        stated => when
            .of_field(stated)
            .ok_or_else(|| Problem::Bad(format!("{name} is no time"))),
    };
    Ok(match field(fields, "action") {
        "take" => Action::Take {},
        "take_over" => Action::TakeOver {},
        "release" => Action::Release {},
        "hand_over" => Action::HandOver { to: text("to") },
        "wake" => Action::Snooze { until: 0 },
        "snooze" => match moment("until")? {
            0 => return Err(Problem::Bad("until is missing".to_owned())),
            until => Action::Snooze { until },
        },
        "note" => Action::Note { text: text("text") },
        "answer" => Action::Answer {
            result: text("result"),
            stated_reason: text("stated_reason"),
            confirmed_reason: text("confirmed_reason"),
            do_not_contact: field(fields, "do_not_contact") == "true",
            note: text("note"),
            snooze_until: moment("snooze_until")?,
        },
        other => return Err(Problem::Bad(format!("there is no action {other:?}"))),
    })
}

/// `POST /tasks/{id}/act`
pub(super) async fn act(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    sent: Sent,
) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        let fields = fields_of(visitor, sent)?;
        let when = When::new(&app.config, app.now(), visitor.language);
        let action = action_of(&fields, &when)?;
        app.act(&visitor.person, &id, &action)?;
        let query = field(&fields, "query");
        match field(&fields, "then") {
            "next" => take_next(app, visitor, query, &id),
            _ => Ok(Redirect::to(&case_address(app, &id, query))),
        }
    })
    .await
}

fn case_address(app: &App, id: &str, query: &str) -> String {
    // Only what reads as a filter: the field comes from the reader's browser.
    let query = filter_of_text(app, query)
        .map(|filter| filter.query())
        .unwrap_or_default();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/tasks/{}{mark}{query}", encoded(id))
}

/// `POST /tasks/next`: takes the next task of a list.
pub(super) async fn next(State(app): State<App>, visitor: Visitor, sent: Sent) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        let fields = fields_of(visitor, sent)?;
        take_next(
            app,
            visitor,
            field(&fields, "query"),
            field(&fields, "after"),
        )
    })
    .await
}

/// Takes the next task of a list but for `after`, and leads there; or to the list, where there is none.
fn take_next(app: &App, visitor: &Visitor, query: &str, after: &str) -> Result<Redirect, Problem> {
    let filter = filter_of_text(app, query)?;
    // Somebody else may be faster: then the one behind it is next.
    for _ in 0..20 {
        let scope = &visitor.person.scope;
        let Some(id) = app.store.next_task(&filter, scope, app.now(), after)? else {
            break;
        };
        if app.act(&visitor.person, &id, &Action::Take {}).is_ok() {
            return Ok(Redirect::to(&case_address(app, &id, query)));
        }
    }
    Ok(Redirect::to(&format!("/tasks?none=1&{}", filter.query())))
}

/// `POST /tasks/{id}/number`: the number in full, which the audit notes.
pub(super) async fn number(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let script = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept == "text/plain");
    layout::answer(app, visitor, move |app, visitor| {
        let fields = fields_of(visitor, sent)?;
        let (number, members) = match reveal(app, visitor, &id) {
            Ok(numbers) => numbers,
            Err(problem) if script => return Ok(problem.into_response()),
            Err(problem) => return Err(problem),
        };
        if script {
            return Ok(number.into_response());
        }
        let back = case_address(app, &id, field(&fields, "query"));
        let content = html! {
            h1 { a.number href={ "tel:" (number) } { (number) } }
            @if !members.is_empty() {
                ul.members { @for member in &members { li { a href={ "tel:" (member) } { (member) } } } }
            }
            p { a href=(back) { (visitor.language.say("back")) } }
        };
        let page = layout::page(app, visitor, visitor.language.say("customer"), &content);
        Ok(page.into_response())
    })
    .await
}

/// The numbers that a task is about: its subscriber's, and for a group its members'. The audit notes first who asked.
pub(super) fn reveal(
    app: &App,
    visitor: &Visitor,
    id: &str,
) -> Result<(String, Vec<String>), Problem> {
    if !visitor.person.may_call {
        app.witness(&visitor.person, "number_refused", "", String::new())?;
        return Err(Problem::Forbidden);
    }
    let dossier = app
        .store
        .dossier(id, &visitor.person.scope)?
        .ok_or(Problem::Missing)?;
    app.witness(&visitor.person, "number", id, String::new())?;
    let members = dossier.task.group.into_iter().flat_map(|it| it.members);
    let members = members.map(|member| member.msisdn).collect();
    Ok((dossier.row.msisdn, members))
}

/// `POST /views`: saves a view, or removes it.
pub(super) async fn view(State(app): State<App>, visitor: Visitor, sent: Sent) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        let fields = fields_of(visitor, sent)?;
        let name = field(&fields, "name").trim();
        if name.is_empty()
            || name.chars().count() > 60
            || name.contains(|c: char| c == '/' || c.is_control())
        {
            return Err(Problem::Bad(
                "a view needs a name of 1 to 60 characters without /".to_owned(),
            ));
        }
        let query = filter_of_text(app, field(&fields, "query"))?.query();
        let views = app.store.views(&visitor.person.name)?;
        if views.len() > VIEWS_MAX || query.len() > QUERY_MAX {
            return Err(Problem::Bad(format!(
                "there may be {VIEWS_MAX} views, each of at most {QUERY_MAX} characters"
            )));
        }
        let kept = (field(&fields, "remove") != "1").then_some(&*query);
        app.store
            .save_view(&app.topics, &visitor.person.name, name, kept, app.now())?;
        Ok(Redirect::to(&format!("/tasks?{query}")))
    })
    .await
}
