//! What every page has around it.

use super::answer::{App, Problem, blocking};
use super::visitor::{CSRF_FIELD, Visitor};
use crate::board::actions::Refusal;
use crate::board::when::When;
use crate::board::words::Language;
use crate::config::BoardRole;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

/// A page of somebody who is signed in.
pub(super) fn page(app: &App, visitor: &Visitor, title: &str, content: &Markup) -> Html<String> {
    let language = visitor.language;
    let say = |name| language.say(name);
    let links = [
        ("/lead", "lead", visitor.person.leads()),
        ("/tasks", "tasks", true),
        (
            "/alerts",
            "alerts",
            visitor.person.leads() && !app.config.board.alerts.receivers.is_empty(),
        ),
        ("/audit", "audit", visitor.person.role == BoardRole::Admin),
    ];
    let here = |to: &str| visitor.path == to || visitor.path.starts_with(&format!("{to}?"));
    let body = html! {
        a.skip href="#main" { (say("skip")) }
        header.top {
            a.brand href="/" { "churnwatch" }
            nav aria-label=(say("pages")) {
                @for (to, name, _) in links.iter().filter(|link| link.2) {
                    a href=(to) aria-current=[here(to).then_some("page")] { (say(name)) }
                }
            }
            div.who {
                span.zone title=(say("zone")) {
                    (When::new(&app.config, app.now(), language).minute(app.now())) " " (app.config.rules.calendar.zone())
                }
                button #keys type="button" hidden { (say("keys")) }
                (languages(visitor))
                @if visitor.person.name == crate::board::people::LOCAL {
                    span { (language.word("role", "local")) }
                } @else {
                    span.name { (visitor.person.name) }
                    form method="post" action="/sign-out" {
                        (csrf(visitor))
                        button { (say("sign_out")) }
                    }
                }
            }
        }
        div #stale role="status" { (stale(app, language)) }
        main #main tabindex="-1" { (content) }
        (help(language))
    };
    Html(document(language, title, &body).into_string())
}

/// A whole document.
pub(super) fn document(language: Language, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · churnwatch" }
                link rel="stylesheet" href="/assets/board.css";
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                script type="module" src="/assets/board.js" {}
            }
            body { (body) }
        }
    }
}

fn languages(visitor: &Visitor) -> Markup {
    html! {
        @for language in Language::ALL.into_iter().filter(|language| *language != visitor.language) {
            a.language lang=(language.tag()) hreflang=(language.tag())
                href={ "/language/" (language.tag()) "?to=" (encoded(&visitor.path)) } { (language.own_name()) }
        }
    }
}

/// A text as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    serde_urlencoded::to_string([("", text)])
        .unwrap_or_default()
        .trim_start_matches('=')
        .to_owned()
}

/// What proves that a form is ours.
pub(super) fn csrf(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name=(CSRF_FIELD) value=(visitor.csrf); }
}

/// Who may be handed a task, with the names that lists have for them.
pub(super) fn people(app: &App) -> Markup {
    html! {
        datalist #people {
            @for (name, user) in &app.config.board.users { option value=(name) label={ (name) " " (user.managers.join(" ")) } {} }
        }
    }
}

/// What is not as it should be between the board and the brokers.
pub(super) fn stale(app: &App, language: Language) -> Markup {
    let when = When::new(&app.config, app.now(), language);
    let waiting = app.store.waiting().unwrap_or_default();
    html! {
        @if let Some(since) = app.status.away_since() {
            p.warning { (language.fill("away", &[&when.minute(since)])) }
            @if waiting.letters > 0 {
                p.warning { (language.count("waiting", waiting.letters)) }
            }
        } @else if !app.status.caught_up() {
            p.note { (language.say("catching_up")) }
        }
    }
}

/// Why something cannot be done with a task, in the reader's words.
pub(super) fn refused(language: Language, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Taken(by) => language.fill("taken_by", &[by]),
        Refusal::Closed => language.say("is_closed").to_owned(),
        Refusal::Free => language.say("is_free").to_owned(),
        Refusal::Field(field, what) => {
            let field = language.word("field", field);
            format!("{field}: {}", language.word("mistake", what))
        }
        Refusal::Unknown => language.say("missing").to_owned(),
        Refusal::Store(_) => language.say("failed").to_owned(),
    }
}

/// What `work` makes on a thread of its own, or a page that says why there is nothing.
pub(super) async fn answer<T: IntoResponse>(
    app: App,
    visitor: Visitor,
    work: impl FnOnce(&App, &Visitor) -> Result<T, Problem> + Send + 'static,
) -> Response {
    let done = blocking(move || {
        let done = work(&app, &visitor);
        Ok(done.map_or_else(
            |problem| sorry(&app, &visitor, &problem),
            IntoResponse::into_response,
        ))
    });
    done.await.unwrap_or_else(IntoResponse::into_response)
}

/// Why there is no page as asked.
fn sorry(app: &App, visitor: &Visitor, problem: &Problem) -> Response {
    let language = visitor.language;
    // For the log too: people can do nothing about what failed here.
    let english = problem.text();
    let text = match problem {
        Problem::Refused(Refusal::Store(_)) | Problem::Failed(_) => {
            language.say("failed").to_owned()
        }
        Problem::Refused(refusal) => refused(language, refusal),
        Problem::Forbidden => language.say("forbidden").to_owned(),
        Problem::Old => language.say("old_page").to_owned(),
        Problem::Missing => language.say("missing").to_owned(),
        Problem::Bad(_) | Problem::Long => language.fill("bad_address", &[&english]),
    };
    let content = html! {
        h1 { (language.say("sorry")) }
        p { (text) }
        p { a href="/tasks" { (language.say("back")) } }
    };
    let page = page(app, visitor, language.say("sorry"), &content);
    (problem.status(), page).into_response()
}

/// The keys; a script shows it.
fn help(language: Language) -> Markup {
    let keys = [
        ("j", "key_down"),
        ("k", "key_up"),
        ("Enter", "key_open"),
        ("n", "key_next"),
        ("t", "key_take"),
        ("1 … 5", "key_answer"),
        ("s", "key_snooze"),
        ("m", "key_note"),
        ("c", "key_call"),
        ("/", "key_search"),
        (".", "key_new"),
        ("?", "key_help"),
        ("Esc", "key_back"),
    ];
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { (language.say("keys")) }
            dl {
                @for (key, name) in keys {
                    dt { kbd { (key) } }
                    dd { (language.say(name)) }
                }
            }
            form method="dialog" { button { (language.say("close")) } }
        }
    }
}
