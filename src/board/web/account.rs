//! Signing in and out, and choosing a language.

use super::answer::App;
use super::forms::{Sent, fields_of};
use super::layout::{self, document};
use super::visitor::{
    LANGUAGE, SESSION, Visitor, by_tls, cookie, is_foreign, language, set_cookie,
};
use crate::board::people;
use crate::board::words::Language;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::html;
use std::collections::BTreeMap;

const YEAR: u64 = 365 * 86_400;

/// `GET /sign-in`
pub(super) async fn page(State(app): State<App>, headers: HeaderMap) -> Html<String> {
    let language = language(&headers, &app.config.board.language);
    Html(form(language, None))
}

fn form(language: Language, problem: Option<&str>) -> String {
    let say = |name| language.say(name);
    let body = html! {
        main #main.sign-in {
            h1 { "churnwatch" }
            @if let Some(problem) = problem { p.warning role="alert" { (say(problem)) } }
            form method="post" action="/sign-in" {
                label { (say("token")) " " input type="password" name="token" required autocomplete="current-password" autofocus; }
                button.primary { (say("sign_in")) }
            }
        }
    };
    document(language, say("sign_in"), &body).into_string()
}

/// `POST /sign-in`
pub(super) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    sent: Result<Form<BTreeMap<String, String>>, FormRejection>,
) -> Response {
    let settings = &app.config.board;
    let language = language(&headers, &settings.language);
    let now = app.uptime_ms();
    if is_foreign(&headers) {
        return (StatusCode::FORBIDDEN, "asked for by another site\n").into_response();
    }
    let token = sent
        .ok()
        .and_then(|Form(mut fields)| fields.remove("token"));
    let Some(person) = token.and_then(|token| people::by_token(settings, &token)) else {
        // Guessing is slowed down; whoever has a token is let in, however many others guess.
        let (status, word) = match app.sessions.may_try(now) {
            true => (StatusCode::UNAUTHORIZED, "wrong_token"),
            false => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
        };
        app.sessions.failed(now);
        return (status, Html(form(language, Some(word)))).into_response();
    };
    let hours = settings.session_hours;
    let noted = person.clone();
    match app.sessions.begin(person, now, hours) {
        Ok(key) => {
            if let Err(refusal) = app.witness(&noted, "sign_in", "", String::new()) {
                tracing::error!("{refusal}");
            }
            let cookie = set_cookie(SESSION, &key, u64::from(hours) * 3600, by_tls(&headers));
            ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        Err(error) => {
            tracing::error!("{error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// `POST /sign-out`
pub(super) async fn sign_out(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        fields_of(visitor, sent)?;
        if let Some(key) = cookie(&headers, SESSION) {
            app.sessions.end(&key);
        }
        let cookie = set_cookie(SESSION, "", 0, by_tls(&headers));
        Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")))
    })
    .await
}

/// `GET /language/{tag}?to=`: changes nothing but how pages read.
pub(super) async fn language_chosen(
    headers: HeaderMap,
    Path(tag): Path<String>,
    Query(fields): Query<BTreeMap<String, String>>,
) -> Response {
    let Some(language) = Language::of(&tag) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let to = fields.get("to").map_or("/", String::as_str);
    // Only pages of ours: not //elsewhere.example, nor what a browser reads as that.
    let odd = |letter: char| letter == '\\' || letter.is_control();
    let ours = to.starts_with('/') && !to.starts_with("//") && !to.contains(odd);
    let cookie = set_cookie(LANGUAGE, language.tag(), YEAR, by_tls(&headers));
    let to = if ours { to } else { "/" };
    ([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}
