//! One action with all tasks of a list, or with those that are picked.

use super::answer::{App, Problem};
use super::forms::{Fields, Sent, action_of, field, fields_of};
use super::layout;
use super::layout::csrf;
use super::query::filter_of_text;
use super::visitor::Visitor;
use crate::board::actions::{Action, Refusal};
use crate::board::when::When;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Serialize;
use std::collections::BTreeMap;

/// Tasks changed with one request: more would keep everybody else's changes waiting.
const TASKS_MAX: usize = 10_000;

/// What became of a bulk action.
#[derive(Debug, Default, Serialize)]
pub(super) struct Done {
    /// Tasks that it was for.
    pub matched: usize,
    /// Tasks that it was done with.
    pub done: usize,
    /// Tasks that it could not be done with, by reason.
    pub failed: BTreeMap<String, usize>,
}

/// Whom a bulk action's reasons are for.
pub(super) type Say = fn(&Visitor, &Refusal) -> String;

/// Whether somebody may do something with many tasks at once.
fn check(app: &App, visitor: &Visitor, action: &Action) -> Result<(), Problem> {
    if !visitor.person.leads() {
        return Err(Problem::Forbidden);
    }
    if !matches!(
        action,
        Action::HandOver { .. } | Action::Release {} | Action::Snooze { .. }
    ) {
        return Err(Problem::Bad(
            "many tasks at once can be handed over, given back or put off".to_owned(),
        ));
    }
    Ok(action.check(app.now(), &app.config.board.users)?)
}

/// Does something with all tasks of a list, or with those of some names among them.
pub(super) fn act(
    app: &App,
    visitor: &Visitor,
    query: &str,
    ids: &[String],
    action: &Action,
    say: Say,
) -> Result<Done, Problem> {
    check(app, visitor, action)?;
    let filter = filter_of_text(app, query)?;
    let mut found = Vec::new();
    app.store
        .each_task(&filter, &visitor.person.scope, app.now(), |row| {
            if ids.is_empty() || ids.contains(&row.id) {
                found.push(row.id);
            }
            found.len() <= TASKS_MAX
        })?;
    if found.len() > TASKS_MAX {
        return Err(Problem::Bad(format!(
            "the list has more than {TASKS_MAX} tasks; filter it"
        )));
    }
    let mut done = Done {
        matched: found.len(),
        ..Done::default()
    };
    for id in found {
        match app.act(&visitor.person, &id, action) {
            Ok(()) => done.done += 1,
            Err(Refusal::Store(text)) => return Err(Problem::Failed(text)),
            Err(refusal) => *done.failed.entry(say(visitor, &refusal)).or_default() += 1,
        }
    }
    app.witness(
        &visitor.person,
        "bulk",
        "",
        format!("{} {} of {}", action.name(), done.done, done.matched),
    )?;
    Ok(done)
}

/// `POST /bulk`: asks first, unless `sure` is sent.
pub(super) async fn form(State(app): State<App>, visitor: Visitor, sent: Sent) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        let fields: Fields = fields_of(visitor, sent)?;
        let language = visitor.language;
        let query = field(&fields, "query");
        // Names of tasks, separated by commas, if only some were picked.
        let picked = field(&fields, "picked").split(',');
        let ids: Vec<String> = picked
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .collect();
        let when = When::new(&app.config, app.now(), language);
        let action = action_of(&fields, &when)?;
        check(app, visitor, &action)?;
        let (title, content) = if field(&fields, "sure").is_empty() {
            let title = language.word("action", action.name());
            (title, question(app, visitor, &fields, &action, ids.len())?)
        } else {
            let say: Say = |visitor, refusal| layout::refused(visitor.language, refusal);
            let done = act(app, visitor, query, &ids, &action, say)?;
            let numbers = [done.matched, done.done].map(|number| number.to_string());
            let content = html! {
                p #bulk-done { (language.fill("matched", &[&numbers[0], &numbers[1]])) }
                @if !done.failed.is_empty() {
                    ul { @for (why, times) in &done.failed { li { (times) " × " (why) } } }
                }
            };
            (language.say("bulk_done"), content)
        };
        let content = html! {
            h1 { (title) }
            (content)
            p { a href={ "/tasks?" (query) } { (language.say("back")) } }
        };
        Ok(layout::page(app, visitor, title, &content))
    })
    .await
}

/// What is about to be done, with how many tasks, and a button that does it.
fn question(
    app: &App,
    visitor: &Visitor,
    fields: &Fields,
    action: &Action,
    picked: usize,
) -> Result<Markup, Problem> {
    let language = visitor.language;
    let tasks = match picked {
        0 => {
            let filter = filter_of_text(app, field(fields, "query"))?;
            let scope = &visitor.person.scope;
            app.store.tasks(&filter, scope, app.now(), 0, 0)?.1
        }
        picked => picked as u64,
    };
    let sentence = match action {
        Action::HandOver { .. } => "sure_hand_over",
        Action::Snooze { .. } => "sure_snooze",
        _ => "sure_release",
    };
    Ok(html! {
        p #bulk-sure { (language.count(sentence, tasks)) }
        dl.facts { @for (name, section) in [("to", "hand_over_to"), ("until", "snooze_until")] {
            @if !field(fields, name).is_empty() { dt { (language.say(section)) } dd { (field(fields, name)) } }
        } }
        form method="post" action="/bulk" {
            (csrf(visitor))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button #sure.primary name="sure" value="1" { (language.word("action", action.name())) }
        }
    })
}

/// The form below a list.
pub(super) fn panel(app: &App, visitor: &Visitor, query: &str, all: u64) -> Markup {
    let language = visitor.language;
    let when = When::new(&app.config, app.now(), language);
    let field = when.field(app.now());
    html! {
        details.bulk {
            summary { (language.count("bulk", all)) }
            form #bulk method="post" action="/bulk" data-picked=(language.say("picked")) {
                (csrf(visitor))
                input type="hidden" name="query" value=(query);
                input type="hidden" name="picked" value="";
                p #scope { (language.count("bulk_all", all)) }
                label { (language.say("hand_over_to")) " " input name="to" maxlength="100" list="people"; }
                (layout::people(app))
                button name="action" value="hand_over" { (language.word("action", "hand_over")) }
                label { (language.say("snooze_until")) " " input type="datetime-local" name="until" min=(field); }
                button name="action" value="snooze" { (language.word("action", "snooze")) }
                button name="action" value="release" { (language.word("action", "release")) }
            }
        }
    }
}
