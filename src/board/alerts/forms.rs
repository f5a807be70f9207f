//! The forms in which receivers take messages: their fields, their markup, how much fits, and what they say of success.

use super::lane::Answer;
use super::note::{Line, Note};
use super::sign;
use crate::board::words::Language;
use crate::config::ReceiverKind;
use serde_json::{Value, json};

/// What fits into a message of WeCom, in bytes of its content.
const WECOM_BYTES: usize = 4_096;
/// What fits into a message of DingTalk, in bytes of the whole body.
const DINGTALK_BYTES: usize = 20_000;
/// The same of Feishu.
const FEISHU_BYTES: usize = 20_000;
/// What fits into a section of Slack, in characters.
const SLACK_CHARS: usize = 3_000;

/// The body of a message to a bot, without its signature. Only [`ReceiverKind::Webhook`] and mail have others.
pub fn body(kind: ReceiverKind, note: &Note) -> Value {
    match kind {
        ReceiverKind::Wecom => {
            let note = note.fitted(WECOM_BYTES, |note| markdown(note, "\n").len());
            json!({ "msgtype": "markdown", "markdown": { "content": markdown(&note, "\n") } })
        }
        ReceiverKind::Dingtalk => {
            let note = note.fitted(DINGTALK_BYTES, |note| dingtalk(note).to_string().len());
            dingtalk(&note)
        }
        ReceiverKind::Feishu => {
            // The signature takes some bytes more.
            let note = note.fitted(FEISHU_BYTES - 200, |note| feishu(note).to_string().len());
            feishu(&note)
        }
        _ => {
            let note = note.fitted(SLACK_CHARS, |note| slack(note).chars().count());
            let section =
                json!({ "type": "section", "text": { "type": "mrkdwn", "text": slack(&note) } });
            json!({ "text": inert(&note.title), "blocks": [section] })
        }
    }
}

/// A text that no markup is read into. The dialects of bots have no common way to escape, so what they may read as markup
/// is written with its wide form, which looks nearly the same.
fn inert(text: &str) -> String {
    let wide = |c| match c {
        '!' | '#' | '*' | '<' | '>' | '@' | '[' | ']' | '_' | '`' | '|' | '~' | '\\' | '&' => {
            char::from_u32(u32::from(c) + 0xfee0).unwrap_or(' ')
        }
        c => c,
    };
    text.replace("://", "：//").chars().map(wide).collect()
}

fn markdown(note: &Note, newline: &str) -> String {
    let line = |line: &Line| match line.url.as_str() {
        "" => inert(&line.text),
        // Brackets would end the address.
        url => format!("[{}]({url})", inert(&line.text)),
    };
    let title = format!("**{}**", inert(&note.title));
    let lines = note.lines.iter().map(line);
    let link = format!("[{}]({})", note.link.0, note.link.1);
    let all = [title]
        .into_iter()
        .chain(lines)
        .chain(note.rest())
        .chain([link]);
    all.collect::<Vec<_>>().join(newline)
}

fn dingtalk(note: &Note) -> Value {
    // One line break is none there.
    let text = markdown(note, "\n\n");
    json!({ "msgtype": "markdown", "markdown": { "title": inert(&note.title), "text": text } })
}

fn feishu(note: &Note) -> Value {
    let text = |text: &str| json!({ "tag": "text", "text": inert(text) });
    let link = |text: &str, url: &str| json!({ "tag": "a", "text": inert(text), "href": url });
    let line = |line: &Line| match line.url.as_str() {
        "" => json!([text(&line.text)]),
        url => json!([link(&line.text, url)]),
    };
    let lines = note.lines.iter().map(line);
    let rest = note.rest().map(|rest| json!([text(&rest)]));
    let end = json!([link(&note.link.0, &note.link.1)]);
    let content: Vec<Value> = lines.chain(rest).chain([end]).collect();
    let language = match note.language {
        Language::Chinese => "zh_cn",
        Language::English => "en_us",
    };
    json!({
        "msg_type": "post",
        "content": { "post": { language: { "title": inert(&note.title), "content": content } } },
    })
}

fn slack(note: &Note) -> String {
    let link = |text: &str, url: &str| format!("<{url}|{}>", inert(text));
    let line = |line: &Line| match line.url.as_str() {
        "" => inert(&line.text),
        url => link(&line.text, url),
    };
    let title = format!("*{}*", inert(&note.title));
    let lines = note.lines.iter().map(line);
    let end = link(&note.link.0, &note.link.1);
    let all = [title]
        .into_iter()
        .chain(lines)
        .chain(note.rest())
        .chain([end]);
    all.collect::<Vec<_>>().join("\n")
}

/// The text of a mail.
pub fn mail(note: &Note) -> String {
    let line = |line: &Line| match line.url.as_str() {
        "" => line.text.clone(),
        url => format!("{}\n  {url}", line.text),
    };
    let lines = note.lines.iter().map(line);
    let end = format!("\n{}: {}", note.link.0, note.link.1);
    let all = lines.chain(note.rest()).chain([end]);
    all.collect::<Vec<_>>().join("\n") + "\n"
}

/// Adds the signature that a kind asks for: to the body, or to the address. `now` in milliseconds since 1970.
pub fn sign(
    kind: ReceiverKind,
    secret: &str,
    now: i64,
    body: &mut Value,
) -> Vec<(&'static str, String)> {
    match kind {
        _ if secret.is_empty() => Vec::new(),
        ReceiverKind::Dingtalk => vec![
            ("timestamp", now.to_string()),
            ("sign", sign::dingtalk(secret, now)),
        ],
        ReceiverKind::Feishu => {
            let seconds = now / 1000;
            body["timestamp"] = json!(seconds.to_string());
            body["sign"] = json!(sign::feishu(secret, seconds));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// What a bot says of a message in the body of an answer with status 200.
pub fn judged(kind: ReceiverKind, body: &[u8]) -> Answer {
    if kind == ReceiverKind::Slack {
        return match body.trim_ascii() {
            b"ok" => Answer::Taken,
            _ => Answer::Busy("status 200 without `ok`".to_owned(), None),
        };
    }
    let field = match kind {
        ReceiverKind::Feishu => "code",
        _ => "errcode",
    };
    let said: Option<Value> = serde_json::from_slice(body).ok();
    // What a bot adds in words may repeat the address, which is a secret.
    let Some(code) = said.and_then(|said| said.get(field)?.as_i64()) else {
        return Answer::Busy(format!("status 200 without `{field}`"), None);
    };
    let reason = format!("{field} {code}");
    match (kind, code) {
        (_, 0) => Answer::Taken,
        // Too many messages: these bots take some again after a minute.
        (ReceiverKind::Wecom, 45_009) | (ReceiverKind::Dingtalk, 130_101) => {
            Answer::Busy(format!("{reason}: too many messages"), Some(60_000))
        }
        (ReceiverKind::Feishu, 9_499 | 11_232) => {
            Answer::Busy(format!("{reason}: too many messages"), Some(10_000))
        }
        // What the message says is not as it should be.
        (ReceiverKind::Wecom, 40_008 | 40_058 | 44_004 | 45_002)
        | (ReceiverKind::Dingtalk, 40_035 | 460_101)
        | (ReceiverKind::Feishu, 9_497 | 19_001 | 19_002) => Answer::Refused(reason),
        _ => Answer::Busy(reason, None),
    }
}
