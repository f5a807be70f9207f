//! Who asks, by cookie, token or proxy; and what every answer says to browsers.

use super::answer::App;
use crate::board::people::{self, Person};
use crate::board::words::Language;
use crate::http::Peer;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::convert::Infallible;

/// The cookie of a session.
pub(super) const SESSION: &str = "churnwatch_session";
/// The cookie of a language.
pub(super) const LANGUAGE: &str = "churnwatch_language";
/// The header with which scripts prove that they are ours.
const CSRF_HEADER: &str = "x-csrf";
/// The field with which forms do.
pub(super) const CSRF_FIELD: &str = "csrf";

/// Somebody who asks.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// Who.
    pub person: Person,
    /// What every change must bring along; empty for programs with a token, which no other site can send.
    pub csrf: String,
    /// In which language.
    pub language: Language,
    /// The address asked for, with its query.
    pub path: String,
}

impl Visitor {
    /// Whether a form brought along what proves that it is ours.
    pub fn is_ours(&self, csrf: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        self.csrf.is_empty() || bool::from(csrf.as_bytes().ct_eq(self.csrf.as_bytes()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // `admit` has put it there.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// The language that somebody reads.
pub(super) fn language(headers: &HeaderMap, default: &str) -> Language {
    let chosen = cookie(headers, LANGUAGE).and_then(|tag| Language::of(&tag));
    let asked = || {
        let header = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        Language::accepted(header)
    };
    let default = || Language::of(default).unwrap_or(Language::Chinese);
    chosen.or_else(asked).unwrap_or_else(default)
}

/// The value of a cookie.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let mut pairs = cookies
        .filter_map(|header| header.to_str().ok())
        .flat_map(|h| h.split(';'));
    pairs.find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then(|| value.to_owned())
    })
}

/// A cookie that scripts cannot read and other sites cannot send.
pub(super) fn set_cookie(name: &str, value: &str, seconds: u64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Whether somebody reaches us by TLS, as a proxy says; a lie only makes a cookie stricter.
pub(super) fn by_tls(headers: &HeaderMap) -> bool {
    headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto == "https")
}

/// How somebody was known.
enum Known {
    Session(Person, String),
    Token(Person),
    Nobody,
}

fn known(app: &App, request: &Request) -> Known {
    let settings = &app.config.board;
    let headers = request.headers();
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|header| header.to_str().ok());
    if let Some(token) = bearer.and_then(|header| header.strip_prefix("Bearer ")) {
        let now = app.uptime_ms();
        // Whoever has a token is let in, however many others guess.
        return match people::by_token(settings, token) {
            Some(person) => Known::Token(person),
            None => {
                app.sessions.failed(now);
                Known::Nobody
            }
        };
    }
    let session = cookie(headers, SESSION).and_then(|key| app.sessions.get(&key, app.uptime_ms()));
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    if !settings.proxy_header.is_empty() && peer.is_some_and(|ip| settings.proxies.contains(&ip)) {
        // A proxy that adds its own to what a client sent would let the client say who it is.
        let mut names = headers.get_all(&settings.proxy_header).into_iter();
        let name = match (names.next(), names.next()) {
            (Some(name), None) => name.to_str().ok(),
            _ => None,
        };
        let person = name.and_then(|name| people::by_name(settings, name));
        return match (person, session) {
            (Some(person), Some(session)) if session.person == person => {
                Known::Session(person, session.csrf)
            }
            (Some(person), _) => Known::Session(person, String::new()),
            (None, _) => Known::Nobody,
        };
    }
    match session {
        Some(session) => Known::Session(session.person, session.csrf),
        None if settings.users.is_empty() => Known::Session(Person::local(), String::new()),
        None => Known::Nobody,
    }
}

/// Lets in whoever is known, and only what our own pages ask to change.
pub(super) async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let language = language(headers, &app.config.board.language);
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let program = path.starts_with("/api/") || path.starts_with("/changes");
    let tls = by_tls(headers);
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let (person, csrf, token) = match known(&app, &request) {
        Known::Token(person) => (person, String::new(), true),
        Known::Session(person, csrf) => (person, csrf, false),
        Known::Nobody if program || changes => {
            return (StatusCode::UNAUTHORIZED, "sign in, or send a token\n").into_response();
        }
        Known::Nobody => return Redirect::to("/sign-in").into_response(),
    };
    if !app.sessions.may_ask(&person.name, app.uptime_ms()) {
        return (
            StatusCode::TOO_MANY_REQUESTS,
            "too many requests; wait a second\n",
        )
            .into_response();
    }
    if changes && !token && is_foreign(request.headers()) {
        return (StatusCode::FORBIDDEN, "asked for by another site\n").into_response();
    }
    let from_browser = request.headers().contains_key("sec-fetch-site")
        || request.headers().contains_key(header::ORIGIN);
    let mut fresh = None;
    let csrf = match (csrf.is_empty(), token) {
        // Nobody signs in where a proxy or the address vouches: the session begins by itself.
        (true, false) if !changes => {
            let hours = app.config.board.session_hours;
            let Ok(key) = app.sessions.begin(person.clone(), app.uptime_ms(), hours) else {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            let csrf = app
                .sessions
                .get(&key, app.uptime_ms())
                .map(|session| session.csrf);
            fresh = Some(set_cookie(SESSION, &key, u64::from(hours) * 3600, tls));
            csrf.unwrap_or_default()
        }
        // A change without a session: only programs on this machine do that, and no browser.
        (true, false) if from_browser => {
            return (
                StatusCode::FORBIDDEN,
                "your session has ended; open the page again\n",
            )
                .into_response();
        }
        _ => csrf,
    };
    let visitor = Visitor {
        person,
        csrf,
        language,
        path,
    };
    let header = request
        .headers()
        .get(CSRF_HEADER)
        .and_then(|header| header.to_str().ok());
    // Forms bring it along in a field, which their handlers look at.
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| {
            kind.as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
    let proven = header.is_some_and(|header| visitor.is_ours(header));
    if changes && !visitor.csrf.is_empty() && !proven && (program || !form) {
        return (
            StatusCode::FORBIDDEN,
            "the header x-csrf is missing or wrong\n",
        )
            .into_response();
    }
    request.extensions_mut().insert(visitor);
    let mut response = next.run(request).await;
    if let Some(cookie) = fresh {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether a browser says that another site asks.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    match (headers.get(header::ORIGIN), headers.get(header::HOST)) {
        (Some(origin), Some(host)) => {
            let origin = origin.to_str().unwrap_or_default();
            let behind = origin.split_once("://").map(|(_, host)| host);
            behind != host.to_str().ok()
        }
        _ => false,
    }
}

/// What every answer says to browsers: nothing from elsewhere, nothing inline, nothing kept.
pub(super) async fn protect(mut response: Response) -> Result<Response, Infallible> {
    let headers = response.headers_mut();
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
        form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    for (name, value) in [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    Ok(response)
}
