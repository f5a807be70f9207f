//! Alerts: receivers that take them, and receivers that hang, lie, redirect, vanish or want none.

use crate::caller::Caller;
use crate::records::{self, closed, hours, id, msisdn, revised, task, with};
use crate::site::Site;
use crate::support::receiver::{Asked, Receiver, Reply};
use crate::support::wait_for;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A board that tells receivers of everything.
pub fn site(receivers: &[(&str, &str, SocketAddr)]) -> Site {
    site_with(receivers, "")
}

/// A board with one receiver that wants nothing any more, whose alerts fail, and one that cannot be reached.
pub fn site_of_failures() -> Site {
    let gone = Receiver::start(|_, _| Reply::status(410));
    let vanished = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = vanished.local_addr().unwrap();
    drop(vanished);
    site(&[("crm", "webhook", gone.address), ("bot", "wecom", address)])
}

/// Waits until the page of alerts has something of everything.
pub fn await_failures(site: &Site) {
    wait_for("alerts have failed and wait", || {
        let all = receiver(site, "crm")["gone_since"].is_i64()
            && receiver(site, "bot")["trouble"].is_string()
            && status(site)["failed"].as_u64() > Some(0);
        all.then_some(())
    });
}

fn site_with(receivers: &[(&str, &str, SocketAddr)], lines: &str) -> Site {
    let mut text = format!(
        "public_url = \"https://board.example.com\"\nlanguage = \"en\"\n\
         [board.alerts]\nretry_seconds = [1]\ntimeout_seconds = 2\n{lines}\n"
    );
    let mut names = Vec::new();
    for (name, kind, address) in receivers {
        let secret = match *kind {
            "webhook" => format!("secret = \"{SECRET}\""),
            "dingtalk" | "feishu" => "secret = \"SEC-of-the-bot\"".to_owned(),
            _ => String::new(),
        };
        text += &format!(
            "[board.alerts.receivers.{name}]\nkind = \"{kind}\"\nallow_private = true\n\
             url = \"http://{address}/hook/key-of-{name}\"\n{secret}\n"
        );
        names.push(format!("\"{name}\""));
    }
    text += &format!(
        "[[board.alerts.rules]]\nreceivers = [{}]\n",
        names.join(", ")
    );
    let site = Site::with(&text);
    await_group(&site);
    site
}

/// Waits until the board has its partitions: what was published before its first start is not said.
pub fn await_group(site: &Site) {
    let group = format!("{}-alerts", site.config.kafka.group);
    let topic = &site.config.topics.tasks;
    wait_for("the group stands somewhere in every partition", || {
        let offsets = site.client.committed_offsets(&group, topic);
        (!offsets.is_empty() && offsets.values().all(Option::is_some)).then_some(())
    });
}

fn status(site: &Site) -> Value {
    site.program("chen").get("/api/status").json()["alerts"].clone()
}

fn receiver(site: &Site, name: &str) -> Value {
    let receivers = status(site)["receivers"].as_array().unwrap().clone();
    receivers
        .into_iter()
        .find(|receiver| receiver["name"] == name)
        .unwrap()
}

/// Waits until nothing waits for a receiver.
fn await_empty(site: &Site, name: &str) {
    wait_for("nothing waits for a receiver", || {
        (receiver(site, name)["waiting"] == 0).then_some(())
    });
}

fn names(numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers
        .map(|number| format!("{}-new-1", id(number)))
        .collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn a_webhook_is_signed_and_says_what_has_happened_once() {
    let hook = Receiver::willing();
    let site = site(&[("crm", "webhook", hook.address)]);
    let first = task(1);
    site.publish(std::slice::from_ref(&first));
    hook.wait_taken(1);
    let updated = revised(&first, json!({}));
    let escalated = revised(&updated, json!({ "status": "escalated" }));
    site.publish(&[updated, escalated.clone()]);
    hook.wait_taken(2);
    site.publish(&[closed(&escalated, "saved"), task(2)]);
    hook.wait_taken(3);
    let expected = [
        "task-0001-new-1",
        "task-0001-escalated-3",
        "task-0002-new-1",
    ];
    assert_eq!(hook.taken(), expected);
    for asked in hook.asked() {
        assert_eq!(asked.headers["webhook-signature"], signature(&asked));
        assert_eq!(asked.headers["content-type"], "application/json");
        assert!(
            !asked.body.contains(&msisdn(1)) && !asked.body.contains(&msisdn(2)),
            "{asked:?}"
        );
        let said = asked.json();
        let task = said["data"]["task_id"].as_str().unwrap();
        assert_eq!(
            said["data"]["url"],
            format!("https://board.example.com/tasks/{task}")
        );
    }
    let page = Caller::stranger(site.address())
        .signed_in(&crate::site::token("wang"))
        .get("/alerts");
    assert!(page.status == 200 && page.body.contains("crm"), "{page:?}");
    assert!(
        !page.body.contains("key-of-crm"),
        "the address of a receiver is a secret"
    );
    assert_eq!(site.person("zhao").get("/alerts").status, 403);
    assert_eq!(receiver(&site, "crm")["sent"]["new"], 2);
}

fn signature(asked: &Asked) -> String {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use hmac::{KeyInit as _, Mac as _};
    let key = BASE64_STANDARD
        .decode(SECRET.trim_start_matches("whsec_"))
        .unwrap();
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    let head = format!(
        "{}.{}.",
        asked.headers["webhook-id"], asked.headers["webhook-timestamp"]
    );
    mac.update(head.as_bytes());
    mac.update(asked.body.as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

/// Answers the first requests in some way, and takes all others.
fn at_first(count: usize, reply: Reply) -> Receiver {
    Receiver::start(move |number, _| match number < count {
        true => reply.clone(),
        false => Reply::status(200),
    })
}

#[test]
fn no_failure_of_a_program_loses_an_alert_or_sends_one_again_that_was_taken() {
    let elsewhere = Receiver::willing();
    let location: &'static str = format!("Location: http://{}/\r\n", elsewhere.address).leak();
    let vanished = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = vanished.local_addr().unwrap();
    drop(vanished);
    let hooks = [
        ("fails", at_first(3, Reply::status(500))),
        ("refuses", at_first(2, Reply::status(422))),
        ("hangs", at_first(2, Reply::Hangs(Duration::from_secs(20)))),
        ("breaks", at_first(3, Reply::Breaks)),
        ("redirects", at_first(2, Reply::Says(307, location, ""))),
        (
            "waits",
            at_first(2, Reply::Says(429, "Retry-After: 3\r\n", "")),
        ),
        ("floods", at_first(1, Reply::Floods(200))),
    ];
    let mut receivers: Vec<_> = hooks
        .iter()
        .map(|(name, hook)| (*name, "webhook", hook.address))
        .collect();
    receivers.push(("vanished", "webhook", address));
    let site = site(&receivers);
    site.publish_some(5);
    for (name, hook) in &hooks {
        let taken = hook.wait_taken(5);
        await_empty(&site, name);
        assert_eq!(sorted(taken), names(1..=5), "{name}");
        assert_eq!(
            hook.taken().len(),
            5,
            "{name} got an alert again that it had taken"
        );
    }
    let waits = hooks[5].1.asked();
    let first = &waits[0];
    let again = waits[1..]
        .iter()
        .find(|asked| asked.headers["webhook-id"] == first.headers["webhook-id"]);
    let pause = again.unwrap().at - first.at;
    assert!(
        pause >= Duration::from_millis(2_900),
        "Retry-After is not heeded: {pause:?}"
    );
    assert!(elsewhere.asked().is_empty(), "a redirect was followed");
    let gone = receiver(&site, "vanished");
    assert_eq!(gone["waiting"], 5);
    assert_eq!(gone["trouble"], "it cannot be connected to");
    let back = Receiver::on(TcpListener::bind(address).unwrap(), |_, _| {
        Reply::status(200)
    });
    assert_eq!(sorted(back.wait_taken(5)), names(1..=5));
}

#[test]
fn bots_are_judged_by_what_they_say_and_not_by_the_status_alone() {
    let bot = |good: &'static str, lies: [&'static str; 3]| {
        Receiver::start(move |number, _| match number {
            0..3 => Reply::Says(200, "", lies[number]),
            3 => Reply::Floods(200),
            _ => Reply::Says(200, "", good),
        })
    };
    let bots = [
        (
            "wecom",
            bot(
                r#"{"errcode":0,"errmsg":"ok"}"#,
                [r#"{"errcode":93000,"errmsg":"invalid"}"#, "{}", ""],
            ),
        ),
        (
            "dingtalk",
            bot(
                r#"{"errcode":0,"errmsg":"ok"}"#,
                [r#"{"errcode":310000}"#, "<html>", r#"{"errcode":"0"}"#],
            ),
        ),
        (
            "feishu",
            bot(
                r#"{"code":0,"msg":"success"}"#,
                [r#"{"code":19021}"#, r#"{"errcode":0}"#, "null"],
            ),
        ),
        ("slack", bot("ok", ["no_text", "{}", ""])),
    ];
    let receivers: Vec<_> = bots
        .iter()
        .map(|(kind, bot)| (*kind, *kind, bot.address))
        .collect();
    // A burst takes one attempt; the limit is not what is tried here.
    let site = site(&receivers);
    site.publish_some(1);
    for (kind, bot) in &bots {
        let asked = bot.wait_asked(5);
        wait_for("the board knows that the bot took it", || {
            (receiver(&site, kind)["sent"]["new"] == 1).then_some(())
        });
        assert_eq!(asked.len(), 5, "{kind}");
        assert_eq!(receiver(&site, kind)["retried"], 4, "{kind}");
        for asked in asked {
            let path = format!("/hook/key-of-{kind}");
            assert_eq!(asked.path.split('?').next(), Some(&*path));
            assert!(!asked.body.contains(&msisdn(1)), "{asked:?}");
            assert!(
                asked
                    .body
                    .contains("https://board.example.com/tasks/task-0001"),
                "{asked:?}"
            );
        }
    }
    let dingtalk = &bots[1].1.asked()[0];
    assert!(
        dingtalk.path.contains("timestamp=") && dingtalk.path.contains("&sign="),
        "{dingtalk:?}"
    );
    assert!(bots[2].1.asked()[0].json()["sign"].is_string());
}

#[test]
fn a_receiver_that_says_410_is_asked_no_more_until_an_admin_says_so() {
    let hook = at_first(1, Reply::status(410));
    let other = Receiver::willing();
    let mut site = site(&[
        ("crm", "webhook", hook.address),
        ("other", "webhook", other.address),
    ]);
    site.publish_some(1);
    other.wait_taken(1);
    wait_for("the board says that the receiver is gone", || {
        (receiver(&site, "crm")["gone_since"].is_i64() && status(&site)["failed"] == 1)
            .then_some(())
    });
    assert_eq!(status(&site)["latest_failed"][0]["task_id"], id(1));
    site.restart();
    site.put(&[task(2)]);
    other.wait_taken(2);
    assert_eq!(hook.asked().len(), 1, "it was asked again");
    let page = site.person("chen").get("/alerts");
    assert!(
        page.body.contains(&id(1)) && page.body.contains("/alerts/crm/ask"),
        "{}",
        page.body
    );
    let lead = site.person("wang");
    assert_eq!(lead.post("/alerts/crm/ask", &[]).status, 403);
    assert_eq!(site.person("chen").post("/alerts/crm/ask", &[]).status, 303);
    wait_for("the receiver is asked again", || {
        receiver(&site, "crm")["gone_since"].is_null().then_some(())
    });
    // The carrier hears of it within a second.
    site.put(&[task(3)]);
    assert_eq!(hook.wait_taken(1), names(3..=3));
}

#[test]
fn an_admin_has_failed_alerts_sent_again_under_the_same_name_and_once() {
    let is_gone = Arc::new(AtomicBool::new(true));
    let gone = Arc::clone(&is_gone);
    let hook = Receiver::start(move |_, _| match gone.load(Ordering::Relaxed) {
        true => Reply::status(410),
        false => Reply::status(200),
    });
    let mut site = site(&[("crm", "webhook", hook.address)]);
    site.publish_some(3);
    wait_for("all three have failed", || {
        (status(&site)["failed"] == 3).then_some(())
    });
    site.settle();
    // Another board, or this one without its store, has them from the topic.
    site.stop();
    std::fs::remove_dir_all(site.store()).unwrap();
    site.restart();
    wait_for("the failed ones are known again", || {
        (status(&site)["failed"] == 3).then_some(())
    });
    let (chen, lead) = (site.person("chen"), site.person("wang"));
    let first = format!("{}-new-1", id(1));
    let one = [("receiver", "crm"), ("alert_id", &*first)];
    assert_eq!(lead.post("/alerts/resend", &one).status, 403);
    assert!(!lead.get("/alerts").body.contains("/alerts/resend"));
    assert!(chen.get("/alerts").body.contains("/alerts/resend"));
    let program = site.program("robot");
    let call = |body: Value| program.call("/api/alerts/resend", &body);
    assert_eq!(call(json!({ "receiver": "nobody" })).status, 400);
    assert_eq!(call(json!({ "receiver": "crm", "alert": 1 })).status, 400);
    let refused = site
        .program("wang")
        .call("/api/alerts/resend", &json!({ "receiver": "crm" }));
    assert_eq!(refused.status, 403);
    // It would only fail again.
    assert_eq!(call(json!({ "receiver": "crm" })).status, 400);
    is_gone.store(false, Ordering::Relaxed);
    assert_eq!(chen.post("/alerts/crm/ask", &[]).status, 303);
    wait_for("the receiver is asked again", || {
        receiver(&site, "crm")["gone_since"].is_null().then_some(())
    });
    assert_eq!(chen.post("/alerts/resend", &one).status, 303);
    assert_eq!(hook.wait_taken(1), names(1..=1));
    assert_eq!(status(&site)["failed"], 2);
    assert_eq!(
        call(json!({ "receiver": "crm", "alert_id": first })).json()["resent"],
        0
    );
    assert_eq!(call(json!({ "receiver": "crm" })).json()["resent"], 2);
    assert_eq!(sorted(hook.wait_taken(3)), names(1..=3));
    await_empty(&site, "crm");
    assert_eq!(status(&site)["failed"], 0);
    // What is written down of them is read back, and nothing is sent a second time, nor after a restart.
    site.settle();
    site.restart();
    site.put(&[task(4)]);
    hook.wait_taken(4);
    assert_eq!(sorted(hook.taken()), names(1..=4));
    let audit = site.program("chen").get("/api/audit?what=resend").json();
    let entries = audit["entries"].as_array().unwrap();
    let said: BTreeSet<(&str, &str, &str)> = entries
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap();
            (text("who"), text("task_id"), text("detail"))
        })
        .collect();
    let first = id(1);
    assert_eq!(
        said,
        BTreeSet::from([("chen", &*first, "crm"), ("robot", "", "crm: 2")])
    );
}

#[test]
fn private_addresses_are_refused_unless_they_are_allowed() {
    let hook = Receiver::willing();
    let port = hook.address.port();
    let hosts = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"];
    let mut text =
        "public_url = \"https://board.example.com\"\n[board.alerts]\nretry_seconds = [1]\n"
            .to_owned();
    for (number, host) in hosts.iter().enumerate() {
        text += &format!(
            "[board.alerts.receivers.r{number}]\nkind = \"webhook\"\nurl = \"https://{host}:{port}/\"\nsecret = \"{SECRET}\"\n"
        );
    }
    text += "[[board.alerts.rules]]\nreceivers = [\"r0\", \"r1\", \"r2\", \"r3\"]\n";
    let site = Site::with(&text);
    await_group(&site);
    site.publish_some(1);
    for (number, host) in hosts.iter().enumerate() {
        wait_for(
            &format!("the board says why it does not ask {}", host),
            || {
                let trouble = receiver(&site, &format!("r{number}"))["trouble"].clone();
                trouble.as_str()?.contains("private address").then_some(())
            },
        );
    }
    assert!(hook.asked().is_empty());
}

#[test]
fn time_that_passes_is_said_once_over_restarts_and_without_the_store() {
    let hook = Receiver::willing();
    let mut site = site(&[("crm", "webhook", hook.address)]);
    let due = |number, due: i64| {
        with(
            task(number),
            json!({ "status": "updated", "opened_at": hours(-30), "due_at": hours(due) }),
        )
    };
    let contacted = with(due(4, -1), json!({ "contacted_at": hours(-2) }));
    let campaign = with(
        due(5, -1),
        json!({ "recommended_action": { "channel": "bulk_campaign" } }),
    );
    let tasks = [
        due(1, -1),
        due(2, 1),
        due(3, 40),
        contacted,
        campaign,
        due(6, -29),
    ];
    site.publish(&tasks);
    let said = ["task-0001-overdue", "task-0002-due_soon"].map(str::to_owned);
    assert_eq!(sorted(hook.wait_taken(2)), said);
    site.settle();
    site.restart();
    await_caught_up(&site);
    site.stop();
    std::fs::remove_dir_all(site.store()).unwrap();
    site.restart();
    await_caught_up(&site);
    // What would be said again is said before this.
    site.put(&[due(7, -1)]);
    hook.wait_taken(3);
    assert_eq!(
        sorted(hook.taken()),
        sorted([said.to_vec(), vec!["task-0007-overdue".to_owned()]].concat())
    );
}

fn await_caught_up(site: &Site) {
    wait_for("the board has read what there is", || {
        let status = site.program("chen").get("/api/status").json();
        (status["caught_up"] == true).then_some(())
    });
}

#[test]
fn an_alert_that_waits_survives_restarts_and_the_loss_of_the_store() {
    let (hook, other) = (
        at_first(usize::MAX, Reply::status(503)),
        Receiver::willing(),
    );
    let mut site = site(&[
        ("crm", "webhook", hook.address),
        ("other", "webhook", other.address),
    ]);
    site.publish_some(3);
    other.wait_taken(3);
    hook.wait_asked(1);
    site.stop();
    std::fs::remove_dir_all(site.store()).unwrap();
    let asked = hook.asked().len();
    site.restart();
    wait_for("all three wait again", || {
        (receiver(&site, "crm")["waiting"] == 3).then_some(())
    });
    hook.wait_asked(asked + 1);
    site.put(&[task(4)]);
    other.wait_taken(4);
    assert_eq!(
        sorted(other.taken()),
        names(1..=4),
        "one that takes alerts gets none twice"
    );
}

#[test]
fn a_digest_of_five_hundred_holds_all_within_the_limit_of_a_bot() {
    let bot = Receiver::start(|_, _| Reply::Says(200, "", r#"{"errcode":0}"#));
    let site = site(&[("bot", "wecom", bot.address)]);
    site.publish_some(500);
    wait_for("the bot has all", || {
        (receiver(&site, "bot")["sent"]["new"] == 500).then_some(())
    });
    let asked = bot.asked();
    assert!(asked.len() <= 20, "{} messages", asked.len());
    for asked in &asked {
        let content = asked.json()["markdown"]["content"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(content.len() <= 4_096, "{} bytes", content.len());
    }
    let listed: BTreeSet<String> = asked.iter().map(|asked| asked.body.clone()).collect();
    assert!(
        listed.iter().any(|body| body.contains("Open the list")),
        "{listed:?}"
    );
}

#[test]
fn records_of_a_failed_alert_are_as_their_schema_says() {
    let hook = at_first(1, Reply::status(410));
    let site = site(&[("crm", "webhook", hook.address)]);
    site.publish_some(1);
    let record = wait_for("the record of a failed alert", || {
        let records = site.client.read_committed(&site.config.topics.board);
        let mut failed = records.into_iter();
        failed.find(|record| record.key.as_deref() == Some(b"alert/failed/crm/task-0001-new-1"))
    });
    let record: Value = serde_json::from_str(record.text()).unwrap();
    let hooks = hook.asked();
    for (schema, value) in [("failed-alert", record), ("alert", hooks[0].json())] {
        let path = format!(
            "{}/schemas/{schema}.schema.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&value), "{value}");
    }
    let _ = records::id(1);
}
