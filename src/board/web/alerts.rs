//! How alerts stand: receivers, and what could not be delivered.

use super::answer::{App, Problem};
use super::forms::{Sent, field, fields_of};
use super::layout;
use super::layout::{csrf, encoded};
use super::visitor::Visitor;
use crate::board::alerts::ReceiverFigures;
use crate::board::store::FailedAlert;
use crate::board::when::When;
use crate::board::words::Language;
use crate::config::BoardRole;
use crate::runtime::clock;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Failed alerts shown at most.
const SHOWN: u32 = 200;

/// `GET /alerts`
pub(super) async fn page(State(app): State<App>, visitor: Visitor) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        if !visitor.person.leads() {
            return Err(Problem::Forbidden);
        }
        let (failed, count) = app.store.failed_alerts(&visitor.person.scope, SHOWN)?;
        let when = When::new(&app.config, app.now(), visitor.language);
        let receivers = app.alerts.all();
        let say = |name| visitor.language.say(name);
        let content = html! {
            h1 { (say("alerts")) }
            section { h2 { (say("receivers")) }
                @if receivers.is_empty() { p.hint { (say("no_receivers")) } }
                @else { (table(visitor, &receivers, &when)) }
            }
            section { h2 { (say("failed_alerts")) @if count > 0 { " (" (count) ")" } }
                @if failed.is_empty() { p.hint { (say("none_found")) } }
                @else { (all_again(visitor, &receivers, &failed)) (list(visitor, &receivers, &failed, &when)) }
            }
        };
        Ok(layout::page(app, visitor, say("alerts"), &content))
    })
    .await
}

fn table(visitor: &Visitor, receivers: &[ReceiverFigures], when: &When) -> Markup {
    let language = visitor.language;
    let say = |name| language.say(name);
    let sum = |counts: &std::collections::BTreeMap<&str, u64>| counts.values().sum::<u64>();
    html! {
        div.wide { table {
            thead { tr {
                @for name in ["receiver", "kind", "alerts_sent", "alerts_waiting", "alerts_failed", "state"] { th scope="col" { (say(name)) } }
            } }
            tbody { @for receiver in receivers { tr {
                td { (receiver.name) }
                td { (language.word("receiver", receiver.kind.name())) }
                td { (sum(&receiver.sent)) } td { (receiver.waiting) } td { (sum(&receiver.failed)) }
                td {
                    @if let Some(since) = receiver.gone_since {
                        span.warning { (language.fill("receiver_gone", &[&when.minute(since)])) } " "
                        @if visitor.person.role == BoardRole::Admin {
                            form method="post" action={ "/alerts/" (encoded(&receiver.name)) "/ask" } {
                                (csrf(visitor))
                                button { (say("ask_again")) }
                            }
                        }
                    } @else if let (Some(trouble), Some(at)) = (&receiver.trouble, receiver.trouble_at) {
                        span.warning { (language.fill("receiver_trouble", &[&why(language, trouble), &when.minute(at)])) }
                    } @else { (say("receiver_fine")) }
                }
            } } }
        } }
    }
}

/// Whether somebody may have alerts of a receiver sent again.
fn may_resend(visitor: &Visitor, receivers: &[ReceiverFigures], name: &str) -> bool {
    let is_admin = visitor.person.role == BoardRole::Admin;
    is_admin && receivers.iter().any(|receiver| receiver.name == name)
}

/// Asks for one alert to be sent again, or with an empty name for all of a receiver.
fn again(visitor: &Visitor, receiver: &str, alert_id: &str, text: &str) -> Markup {
    html! {
        form method="post" action="/alerts/resend" {
            (csrf(visitor))
            input type="hidden" name="receiver" value=(receiver);
            input type="hidden" name="alert_id" value=(alert_id);
            button { (text) }
        }
    }
}

fn all_again(visitor: &Visitor, receivers: &[ReceiverFigures], failed: &[FailedAlert]) -> Markup {
    let names: BTreeSet<&str> = failed.iter().map(|alert| &*alert.receiver).collect();
    html! {
        @for name in names.into_iter().filter(|name| may_resend(visitor, receivers, name)) {
            (again(visitor, name, "", &visitor.language.fill("resend_all", &[name])))
        }
    }
}

/// What went wrong, in the reader's words. Numbers in it stand for themselves.
fn why(language: Language, reason: &str) -> String {
    let parts = reason.split("; ").map(|part| {
        let (mut name, mut numbers) = (String::new(), Vec::<String>::new());
        for c in part.chars() {
            match numbers.last_mut() {
                Some(number) if c.is_ascii_digit() && name.ends_with("{}") => number.push(c),
                _ if c.is_ascii_digit() => {
                    numbers.push(c.to_string());
                    name += "{}";
                }
                _ => name.push(c),
            }
        }
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        language.fill_of("trouble", &name, &numbers)
    });
    let parts: Vec<String> = parts.collect();
    parts.join(language.say("and_also"))
}

fn list(
    visitor: &Visitor,
    receivers: &[ReceiverFigures],
    failed: &[FailedAlert],
    when: &When,
) -> Markup {
    let language = visitor.language;
    html! {
        div.wide { table {
            thead { tr { @for name in ["at", "receiver", "what", "task", "detail"] { th scope="col" { (language.say(name)) } } } }
            tbody { @for alert in failed { tr {
                td { time datetime=(when.machine(alert.at)) { (when.minute(alert.at)) } }
                td { (alert.receiver) } td { (language.word("alert", &alert.kind)) }
                td { a href={ "/tasks/" (encoded(&alert.task_id)) } { code { (alert.task_id) } } }
                td {
                    (why(language, &alert.reason)) " "
                    @if may_resend(visitor, receivers, &alert.receiver) {
                        (again(visitor, &alert.receiver, &alert.alert_id, language.say("resend")))
                    }
                }
            } } }
        } }
    }
}

/// `POST /alerts/{name}/ask`: a receiver that wanted nothing any more is asked again.
pub(super) async fn ask(
    State(app): State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    sent: Sent,
) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        fields_of(visitor, sent)?;
        if visitor.person.role != BoardRole::Admin {
            return Err(Problem::Forbidden);
        }
        if app.store.gone_receivers()?.contains_key(&name) {
            app.witness(&visitor.person, "ask_again", "", name.clone())?;
            let now = app.now();
            app.store.note_gone(&app.topics, &name, None, now)?;
        }
        Ok(Redirect::to("/alerts"))
    })
    .await
}

/// Which alerts that were given up are to be sent again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resend {
    pub receiver: String,
    /// Empty for all of the receiver.
    #[serde(default)]
    pub alert_id: String,
}

/// `POST /alerts/resend`: alerts that were given up are sent again.
pub(super) async fn resend_form(State(app): State<App>, visitor: Visitor, sent: Sent) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        let fields = fields_of(visitor, sent)?;
        let asked = Resend {
            receiver: field(&fields, "receiver").to_owned(),
            alert_id: field(&fields, "alert_id").to_owned(),
        };
        resend(app, visitor, &asked)?;
        Ok(Redirect::to("/alerts"))
    })
    .await
}

/// Has alerts sent again. Returns how many; one that is on its way already, or was never given up, does not count.
pub(super) fn resend(app: &App, visitor: &Visitor, asked: &Resend) -> Result<usize, Problem> {
    if visitor.person.role != BoardRole::Admin {
        return Err(Problem::Forbidden);
    }
    let Resend { receiver, alert_id } = asked;
    if !app.config.board.alerts.receivers.contains_key(receiver) {
        let text = format!("board.alerts.receivers has no receiver {receiver:?}");
        return Err(Problem::Bad(text));
    }
    if app.store.gone_receivers()?.contains_key(receiver) {
        let text = format!("{receiver:?} has answered 410: have it asked again first");
        return Err(Problem::Bad(text));
    }
    let failed = app.store.resendable(receiver, alert_id)?;
    let count = failed.len();
    let (task, detail) = match &failed[..] {
        [] => return Ok(0),
        [alert] => (&*alert.task_id, receiver.clone()),
        _ => ("", format!("{receiver}: {count}")),
    };
    app.witness(&visitor.person, "resend", task, detail)?;
    app.store.resend(&app.topics, failed, clock::now().0)?;
    Ok(count)
}

/// How alerts stand, for programs.
pub(super) fn status(app: &App, visitor: &Visitor) -> Result<Value, Problem> {
    let (failed, count) = app.store.failed_alerts(&visitor.person.scope, SHOWN)?;
    Ok(json!({ "receivers": app.alerts.all(), "failed": count, "latest_failed": failed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is noted as the reason of a failure has words in each language.
    #[test]
    fn every_reason_is_said_in_the_readers_language() {
        for reason in [
            "status 503",
            "status 307: it redirects, which is not followed",
            "too many alerts wait; status 503",
            "too many alerts wait",
            "it has a private address, and allow_private is not set",
            "it does not answer in time",
            "it cannot be connected to",
            "the connection broke",
            "its answer is too long",
            "it has no secret",
            "the receiver wants nothing any more (status 410)",
            "status 200 without `ok`",
            "status 200 without `code`",
            "status 200 without `errcode`",
            "code 19021",
            "code 9499: too many messages",
            "errcode 93000",
            "errcode 45009: too many messages",
            "the mail cannot be written",
            "the mail server says 550",
            "the mail server does not answer in time",
            "the mail server cannot be reached",
            "the mail server's certificate is not trusted, or is not for its name",
            "the mail server offers no STARTTLS, or no way to sign in",
        ] {
            assert_eq!(why(Language::English, reason), reason);
            let chinese = why(Language::Chinese, reason);
            let words = chinese.split(|c: char| !c.is_ascii_alphabetic());
            let names = ["ok", "code", "errcode", "allow", "private", "STARTTLS"];
            let foreign: Vec<&str> = words
                .filter(|word| word.len() > 1 && !names.contains(word))
                .collect();
            assert_eq!(foreign, [""; 0], "{reason}: {chinese}");
        }
        assert_eq!(why(Language::Chinese, "status 503"), "状态码 503");
    }
}
