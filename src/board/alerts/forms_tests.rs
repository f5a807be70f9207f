//! Messages as their receivers get them, in both languages.

use super::alert::tests::{alert, task};
use super::alert::{Alert, Kind};
use super::forms::{body, judged, mail, sign};
use super::lane::Answer;
use super::note::{Note, Writer};
use super::webhook;
use crate::board::words::Language;
use crate::config::{Config, ReceiverKind};
use serde_json::{Value, json};

/// What a message says of some alerts.
fn note(language: Language, alerts: &[Alert]) -> Note {
    let text = "board.public_url = \"https://board.example.com/\"";
    let config = Config::from_toml_str(text, "test.toml").unwrap();
    let alerts: Vec<&Alert> = alerts.iter().collect();
    let writer = Writer {
        config: &config,
        now: alerts[0].at,
        language,
    };
    writer.note(&alerts)
}

fn several() -> Vec<Alert> {
    let mut alerts: Vec<Alert> = (1..=3).map(alert).collect();
    alerts[1] = Alert::of_record(&task(2, "escalated")).unwrap();
    alerts[2].kind = Kind::Overdue;
    alerts
}

/// Every form of one message, as its receiver gets it.
fn forms(note: &Note) -> String {
    use ReceiverKind::{Dingtalk, Feishu, Slack, Wecom};
    let mut text = String::new();
    for kind in [Wecom, Dingtalk, Feishu, Slack] {
        text += &format!("{}: {:#}\n", kind.name(), body(kind, note));
    }
    text + &format!("mail: {}\n{}", note.title, mail(note))
}

#[test]
fn one_task_in_english() {
    insta::assert_snapshot!(forms(&note(Language::English, &[alert(1)])));
}

#[test]
fn one_task_in_chinese() {
    insta::assert_snapshot!(forms(&note(Language::Chinese, &[alert(1)])));
}

#[test]
fn a_digest_in_english() {
    insta::assert_snapshot!(forms(&note(Language::English, &several())));
}

#[test]
fn a_digest_in_chinese() {
    insta::assert_snapshot!(forms(&note(Language::Chinese, &several())));
}

#[test]
fn a_webhook() {
    let payload = webhook::payload(&alert(1), "https://board.example.com/tasks/task-1");
    insta::assert_snapshot!(format!("{payload:#}"));
}

/// A task whose names want to be markup.
fn hostile() -> Alert {
    let mut task = task(1, "open");
    task.task_id = "a/b?c=(d)&e".to_owned();
    task.assignee.account_manager =
        "<!channel> [x](http://evil.example) *b* <at id=all></at>\n# @all".to_owned();
    task.assignee.queue = "`|~_\\&<font color=\"red\">".to_owned();
    Alert::of_record(&task).unwrap()
}

#[test]
fn names_of_a_task_are_no_markup() {
    use ReceiverKind::{Dingtalk, Feishu, Slack, Wecom};
    for alerts in [vec![hostile()], vec![hostile(), alert(2)]] {
        let note = note(Language::English, &alerts);
        for kind in [Wecom, Dingtalk, Feishu, Slack] {
            let body = body(kind, &note).to_string();
            for bad in [
                "<!",
                "<at",
                "<font",
                "](http://evil",
                "://evil",
                "*b*",
                "@all",
                "# ",
                "`",
            ] {
                assert!(!body.contains(bad), "{bad} in {body}");
            }
            assert!(body.contains("/tasks/a%2Fb%3Fc%3D%28d%29%26e"), "{body}");
        }
    }
}

#[test]
fn a_large_digest_fits_and_counts_what_it_leaves_out() {
    use ReceiverKind::{Dingtalk, Feishu, Slack, Wecom};
    let mut alerts: Vec<Alert> = (1..=500).map(alert).collect();
    for alert in &mut alerts {
        alert.manager = "经理".repeat(60);
    }
    let note = note(Language::Chinese, &alerts);
    for kind in [Wecom, Dingtalk, Feishu, Slack] {
        let body = body(kind, &note);
        let (size, most) = match kind {
            Wecom => (body["markdown"]["content"].as_str().unwrap().len(), 4_096),
            Slack => (
                body["blocks"][0]["text"]["text"]
                    .as_str()
                    .unwrap()
                    .chars()
                    .count(),
                3_000,
            ),
            _ => (body.to_string().len(), 20_000),
        };
        assert!(size <= most && size > most / 3, "{kind:?} {size}");
        let text = body.to_string();
        let listed = text
            .matches("经理经理经理")
            .count()
            .min(text.matches("/tasks/task-").count());
        assert!(
            text.contains("500条提醒") && text.contains(&format!("另有{}条", 500 - listed)),
            "{text}"
        );
        assert!(text.contains("sort=opened"), "{text}");
    }
}

#[test]
fn a_signature_goes_where_its_kind_wants_it() {
    let mut signed = json!({ "msg_type": "post" });
    assert!(sign(ReceiverKind::Feishu, "demo", 1_599_360_473_000, &mut signed).is_empty());
    assert_eq!(signed["timestamp"], "1599360473");
    assert_eq!(
        signed["sign"],
        "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="
    );
    let parameters = sign(
        ReceiverKind::Dingtalk,
        "this is secret",
        1_583_892_000_000,
        &mut Value::Null,
    );
    assert_eq!(parameters[0], ("timestamp", "1583892000000".to_owned()));
    assert!(
        sign(ReceiverKind::Dingtalk, "", 1, &mut Value::Null).is_empty(),
        "a bot may have none"
    );
}

#[test]
fn an_answer_counts_by_its_code() {
    use ReceiverKind::{Dingtalk, Feishu, Slack, Wecom};
    let is = |kind, body: &str| judged(kind, body.as_bytes());
    for (kind, body) in [
        (Wecom, r#"{"errcode":0,"errmsg":"ok"}"#),
        (Dingtalk, r#"{"errcode":0,"errmsg":"ok"}"#),
        (Feishu, r#"{"code":0,"msg":"success","data":{}}"#),
        (Slack, "ok\n"),
    ] {
        assert_eq!(is(kind, body), Answer::Taken, "{body}");
    }
    let busy = |answer, ms| matches!(answer, Answer::Busy(_, wait) if wait == ms);
    assert!(busy(is(Wecom, r#"{"errcode":45009}"#), Some(60_000)));
    assert!(busy(is(Dingtalk, r#"{"errcode":130101}"#), Some(60_000)));
    assert!(busy(is(Feishu, r#"{"code":11232}"#), Some(10_000)));
    for (kind, body) in [
        (Wecom, r#"{"errcode":93000,"errmsg":"key=secret"}"#),
        (Dingtalk, r#"{"errcode":310000}"#),
        (Feishu, r#"{"code":19021}"#),
        (Slack, "invalid_token"),
        (Wecom, "secret"),
        (Feishu, r#"{"StatusCode":0}"#),
    ] {
        let answer = is(kind, body);
        assert!(busy(answer.clone(), None), "{answer:?}");
        assert!(!format!("{answer:?}").contains("secret"), "{answer:?}");
    }
    assert!(matches!(
        is(Wecom, r#"{"errcode":40058}"#),
        Answer::Refused(_)
    ));
}
