//! Posting to a receiver that is reached by HTTP.

use super::alert::Alert;
use super::forms;
use super::guard::{Private, PublicOnly, states_private};
use super::lane::Answer;
use super::note::Note;
use super::sign;
use super::webhook;
use crate::config::{ReceiverKind, ReceiverSettings, webhook_key};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// What is read of an answer: bots say whether they took a message in far less.
const ANSWER_MAX: usize = 16 * 1024;
/// The longest that a receiver may say it wants to wait, in milliseconds.
const RETRY_AFTER_MAX: i64 = 24 * 3_600_000;

/// Posts to a receiver.
pub struct Post {
    client: Client,
    kind: ReceiverKind,
    url: Url,
    secret: String,
    allow_private: bool,
}

impl Post {
    /// For a receiver of the configuration.
    ///
    /// # Errors
    /// The client cannot be made, or the URL is none.
    pub fn new(settings: &ReceiverSettings, timeout: Duration) -> Result<Self, String> {
        let client = Client::builder()
            .redirect(Policy::none())
            // What the environment says of proxies would hide the addresses from us.
            .no_proxy()
            .timeout(timeout)
            .user_agent(concat!("churnwatch/", env!("CARGO_PKG_VERSION")));
        let client = match settings.allow_private {
            true => client,
            false => client.dns_resolver(Arc::new(PublicOnly)).https_only(true),
        };
        let told = |error: reqwest::Error| error.without_url().to_string();
        Ok(Self {
            client: client.build().map_err(told)?,
            kind: settings.kind,
            url: Url::parse(settings.url.reveal()).map_err(|_| "its address is none".to_owned())?,
            secret: settings.secret.reveal().to_owned(),
            allow_private: settings.allow_private,
        })
    }

    /// Posts one alert to a program. `now` in milliseconds since 1970.
    pub async fn webhook(&self, alert: &Alert, task_url: &str, now: i64) -> Answer {
        let Some(key) = webhook_key(&self.secret) else {
            return Answer::Busy("it has no secret".to_owned(), None);
        };
        let id = alert.id();
        let body = webhook::payload(alert, task_url).to_string();
        let seconds = now / 1000;
        let request = self
            .client
            .post(self.url.clone())
            .header("webhook-timestamp", seconds)
            .header(
                "webhook-signature",
                sign::webhook(&key, &id, seconds, body.as_bytes()),
            )
            .header("webhook-id", id);
        self.send(request, body, now).await
    }

    /// Posts a message to a bot. `now` in milliseconds since 1970.
    pub async fn message(&self, note: &Note, now: i64) -> Answer {
        let mut body = forms::body(self.kind, note);
        let mut url = self.url.clone();
        let parameters = forms::sign(self.kind, &self.secret, now, &mut body);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        self.send(self.client.post(url), body.to_string(), now)
            .await
    }

    async fn send(&self, request: RequestBuilder, body: String, now: i64) -> Answer {
        if !self.allow_private && states_private(&self.url) {
            return Answer::Busy(PRIVATE.to_owned(), None);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        match request.send().await {
            Ok(response) => self.judge(response, now).await,
            Err(error) => Answer::Busy(said(&error).to_owned(), None),
        }
    }

    async fn judge(&self, response: Response, now: i64) -> Answer {
        let status = response.status();
        let reason = format!("status {}", status.as_u16());
        match status {
            status if status.is_success() && self.kind == ReceiverKind::Webhook => Answer::Taken,
            StatusCode::OK => match read(response).await {
                Ok(body) => forms::judged(self.kind, &body),
                Err(reason) => Answer::Busy(reason, None),
            },
            StatusCode::GONE => Answer::Gone,
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused(reason),
            status if status.is_redirection() => Answer::Busy(
                format!("{reason}: it redirects, which is not followed"),
                None,
            ),
            _ => Answer::Busy(reason, retry_after(response.headers(), now)),
        }
    }
}

const PRIVATE: &str = "it has a private address, and allow_private is not set";

/// The body of an answer, if it is no longer than such answers are.
async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_MAX => {
                body.extend_from_slice(&chunk)
            }
            Ok(Some(_)) => return Err("its answer is too long".to_owned()),
            Ok(None) => return Ok(body),
            Err(error) => return Err(said(&error).to_owned()),
        }
    }
}

/// Why there is no answer. The client's own words may hold the address, which is a secret.
fn said(error: &reqwest::Error) -> &'static str {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<Private>() {
            return PRIVATE;
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        return "it does not answer in time";
    }
    if error.is_connect() {
        return "it cannot be connected to";
    }
    "the connection broke"
}

/// How long a receiver wants to wait, in milliseconds, said in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: i64) -> Option<i64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u32>() {
        Ok(seconds) => i64::from(seconds) * 1000,
        Err(_) => {
            let at: Timestamp = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            at.as_millisecond().saturating_sub(now)
        }
    };
    Some(wait.clamp(0, RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn a_wait_is_read_in_seconds_and_as_a_date() {
        let wait = |text: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            retry_after(&headers, 784_111_777_000)
        };
        assert_eq!(wait("120"), Some(120_000));
        assert_eq!(wait("Sun, 06 Nov 1994 08:59:37 GMT"), Some(600_000));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(wait("999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-5"), None);
    }
}
