//! `[board.alerts]`: who is told of tasks, of which, and how.

use crate::layers::{Key, Layers};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A text that nothing prints.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "none" } else { "***" })
    }
}

/// `[board.alerts]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSettings {
    /// The consumer group; empty for the detector's group with `-alerts` behind it.
    pub group: String,
    /// A task is soon due so many hours before its time is over.
    pub due_soon_hours: u16,
    /// What has been overdue for longer is not said any more.
    pub late_hours: u16,
    /// Pauses between attempts; the last one again and again.
    pub retry_seconds: Vec<u32>,
    /// A delivery that did not succeed for so long has failed.
    pub give_up_hours: u16,
    /// For one attempt.
    pub timeout_seconds: u16,
    /// Alerts that may wait for a receiver that does not take any.
    pub waiting_max: u32,
    /// Local hour of daily mails.
    pub daily_hour: u8,
    /// How mail is sent.
    pub mail: MailSettings,
    /// Who is told, by name.
    pub receivers: BTreeMap<String, ReceiverSettings>,
    /// Who is told of which tasks.
    pub rules: Vec<AlertRule>,
}

/// `[board.alerts.mail]`: the server that takes mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Name or address; empty for none.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: MailEncryption,
    /// File of certificates, in PEM, that the server's may rest on besides the system's; empty for none.
    pub ca_file: String,
    /// Who signs in; empty for nobody.
    pub user: String,
    /// With which password.
    pub password: Secret,
    /// File of the password.
    pub password_file: String,
    /// The sender's address.
    pub from: String,
}

/// How a connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailEncryption {
    /// TLS from the beginning.
    Tls,
    /// TLS after a greeting, or nothing is sent.
    Starttls,
    /// Not at all.
    None,
}

/// What a receiver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiverKind {
    /// A program that takes webhooks.
    Webhook,
    /// A group bot of WeCom.
    Wecom,
    /// A group bot of DingTalk.
    Dingtalk,
    /// A group bot of Feishu or Lark.
    Feishu,
    /// An incoming webhook of Slack.
    Slack,
    /// Mailboxes.
    Mail,
}

impl ReceiverKind {
    /// As the configuration names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Wecom => "wecom",
            Self::Dingtalk => "dingtalk",
            Self::Feishu => "feishu",
            Self::Slack => "slack",
            Self::Mail => "mail",
        }
    }
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSettings {
    /// What it is.
    pub kind: ReceiverKind,
    /// Where it is. Of bots it is a secret too.
    #[serde(default)]
    pub url: Secret,
    /// File of the URL.
    #[serde(default)]
    pub url_file: String,
    /// What messages are signed with.
    #[serde(default)]
    pub secret: Secret,
    /// File of the secret.
    #[serde(default)]
    pub secret_file: String,
    /// Mailboxes.
    #[serde(default)]
    pub to: Vec<String>,
    /// One mail a day with all that came, rather than mails at once.
    #[serde(default)]
    pub daily: bool,
    /// Language of its messages; empty for the board's.
    #[serde(default)]
    pub language: String,
    /// Whether it may have a private or loopback address, and be reached without TLS.
    #[serde(default)]
    pub allow_private: bool,
    /// Messages in any minute, at most; nothing for what its kind takes, 0 for any number.
    pub per_minute: Option<u32>,
}

/// Who is told of which tasks. An empty list is any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertRule {
    /// `new`, `escalated`, `due_soon`, `overdue`.
    pub alerts: Vec<String>,
    /// Tiers.
    pub tiers: Vec<String>,
    /// Purposes.
    pub purposes: Vec<String>,
    /// Severities.
    pub severities: Vec<String>,
    /// Account managers.
    pub managers: Vec<String>,
    /// Work queues.
    pub queues: Vec<String>,
    /// Regions with all below them.
    pub regions: Vec<String>,
    /// Names of receivers.
    pub receivers: Vec<String>,
}

/// What may be said of a task.
pub const ALERTS: [&str; 4] = ["new", "escalated", "due_soon", "overdue"];

/// Fewest and most bytes of a webhook's key, as its specification has it.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The key of a webhook's secret.
pub fn webhook_key(secret: &str) -> Option<Vec<u8>> {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_")?);
    key.ok().filter(|key| KEY_BYTES.contains(&key.len()))
}

const HERE: &str = "board.alerts";

/// Reads secrets from their files, and checks all that the ranges do not.
pub(super) fn check(layers: &mut Layers, public_url: &str, settings: &mut AlertSettings) {
    let key = Key::of(HERE);
    let mail = key.child("mail");
    load(
        layers,
        &mail,
        "password",
        &mut settings.mail.password,
        &settings.mail.password_file,
    );
    if let Some(problem) = ca_problem(&settings.mail.ca_file) {
        let remedy = "name a file that the board may read, with certificates in PEM";
        layers.problem(&mail.child("ca_file"), problem, remedy);
    }
    let receivers = key.child("receivers");
    for (name, receiver) in &mut settings.receivers {
        let key = receivers.child(name);
        load(layers, &key, "url", &mut receiver.url, &receiver.url_file);
        load(
            layers,
            &key,
            "secret",
            &mut receiver.secret,
            &receiver.secret_file,
        );
        if let Some((what, remedy)) = problem(name, receiver, &settings.mail) {
            layers.problem(&key, what, remedy);
        }
        if !receiver.language.is_empty() {
            let key = key.child("language");
            layers.expect_name(&key, "a language", &receiver.language, &["zh-CN", "en"]);
        }
    }
    let is_base = Url::parse(public_url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
    });
    if !public_url.is_empty() && !is_base {
        let remedy = "write it such as https://board.example.com";
        layers.problem(&Key::of("board.public_url"), "is not an address", remedy);
    }
    if public_url.is_empty() && !settings.receivers.is_empty() {
        let remedy = "write the address by which people reach the board; alerts link to its tasks";
        layers.problem(&Key::of("board.public_url"), "is empty", remedy);
    }
    if settings.retry_seconds.is_empty() {
        let remedy = "write at least one pause, in seconds";
        layers.problem(&key.child("retry_seconds"), "is empty", remedy);
    }
    rules(layers, &key.child("rules"), settings);
}

fn rules(layers: &mut Layers, key: &Key, settings: &AlertSettings) {
    let names: Vec<&str> = settings.receivers.keys().map(String::as_str).collect();
    for (rule, place) in settings.rules.iter().zip(1..) {
        let lists: [(&str, &[String], &[&str]); 5] = [
            ("an alert", &rule.alerts, &ALERTS),
            ("a tier", &rule.tiers, &["key", "ordinary", "small"]),
            ("a purpose", &rule.purposes, &["churn", "care", "grow"]),
            (
                "a severity",
                &rule.severities,
                &["early", "at_risk", "critical", "lost"],
            ),
            ("a receiver", &rule.receivers, &names),
        ];
        for (what, stated, known) in lists {
            for name in stated {
                let what = format!("{what}, in the rule with number {place}");
                layers.expect_name(key, &what, name, known);
            }
        }
        if rule.receivers.is_empty() {
            let what = format!("tells nobody, in the rule with number {place}");
            layers.problem(key, what, "name receivers of [board.alerts.receivers]");
        }
    }
}

/// Reads a secret from its file, if one is named.
pub(super) fn load(layers: &mut Layers, table: &Key, name: &str, secret: &mut Secret, file: &str) {
    if file.is_empty() {
        return;
    }
    let key = table.child(&format!("{name}_file"));
    if !secret.is_empty() {
        let what = format!("is stated beside `{name}`");
        layers.problem(&key, what, "state one of the two");
        return;
    }
    match std::fs::read_to_string(file) {
        Ok(text) => *secret = Secret::from(&*text),
        Err(error) => {
            let what = format!("names `{file}`, which cannot be read: {error}");
            layers.problem(&key, what, "name a file that the board may read");
        }
    }
}

/// Why a file is none of certificates.
pub(super) fn ca_problem(file: &str) -> Option<String> {
    if file.is_empty() {
        return None;
    }
    match std::fs::read_to_string(file) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => None,
        Ok(_) => Some(format!("names `{file}`, which has no certificate")),
        Err(error) => Some(format!("names `{file}`, which cannot be read: {error}")),
    }
}

/// Whether a receiver is written as it should be. What is said quotes nothing that may be secret.
fn problem(
    name: &str,
    receiver: &ReceiverSettings,
    mail: &MailSettings,
) -> Option<(&'static str, &'static str)> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        return Some((
            "has a name that is none",
            "use 1 to 64 of the characters a-z A-Z 0-9 - _",
        ));
    }
    if receiver.kind == ReceiverKind::Mail {
        return mail_problem(receiver, mail);
    }
    let Ok(url) = Url::parse(receiver.url.reveal()) else {
        return Some((
            "has no address",
            "set `url`, or name a file with it in `url_file`",
        ));
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && receiver.allow_private) {
        return Some((
            "is not reached by https",
            "use https; http is for receivers in the own network, with allow_private = true",
        ));
    }
    if !receiver.to.is_empty() || receiver.daily {
        return Some((
            "has mailboxes, or a daily mail, and is no mail",
            "leave `to` and `daily` out, or write kind = \"mail\"",
        ));
    }
    match receiver.kind {
        ReceiverKind::Webhook if webhook_key(receiver.secret.reveal()).is_none() => Some((
            "has no secret as webhooks need it",
            "write `whsec_` and 24 to 64 random bytes in base64: `echo whsec_$(openssl rand -base64 32)`",
        )),
        ReceiverKind::Wecom | ReceiverKind::Slack if !receiver.secret.is_empty() => Some((
            "has a secret, which messages of this kind are not signed with",
            "leave it out; the address itself is the secret",
        )),
        _ => None,
    }
}

fn mail_problem(
    receiver: &ReceiverSettings,
    mail: &MailSettings,
) -> Option<(&'static str, &'static str)> {
    let is_mailbox = |text: &String| text.parse::<lettre::message::Mailbox>().is_ok();
    if receiver.to.is_empty() || !receiver.to.iter().all(is_mailbox) {
        return Some((
            "has no mailboxes, or one that is none",
            "write them in `to`, such as [\"Li Na <li.na@example.com>\"]",
        ));
    }
    if mail.host.is_empty() || !is_mailbox(&mail.from) {
        return Some((
            "is a mail, and [board.alerts.mail] does not say how mail is sent",
            "set host and from of [board.alerts.mail]",
        ));
    }
    (!receiver.url.is_empty() || !receiver.secret.is_empty()).then_some((
        "is a mail with a URL or a secret",
        "leave them out; [board.alerts.mail] says how mail is sent",
    ))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn problems(text: &str) -> String {
        let text = format!("board.public_url = \"https://board.example.com\"\n{text}");
        match Config::from_toml_str(&text, "test.toml") {
            Ok(_) => String::new(),
            Err(problems) => problems.to_string(),
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_no_secret_with_it() {
        let receiver = |lines: &str| problems(&format!("[board.alerts.receivers.bot]\n{lines}"));
        let good = "kind = \"webhook\"\nurl = \"https://example.com/hook\"\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";
        assert_eq!(receiver(good), "");
        for (lines, said) in [
            (good.replace("whsec_", "secret-"), "no secret as webhooks"),
            (good.replace("https:", "http:"), "not reached by https"),
            (good.replace("webhook", "slack"), "has a secret, which"),
            (
                good.replace("https://example.com/hook", "hidden"),
                "has no address",
            ),
            (format!("{good}\nlanguage = \"de\""), "language"),
            (
                format!("{good}\nsecret_file = \"/tmp/none\""),
                "beside `secret`",
            ),
            (format!("{good}\ndaily = true"), "daily mail"),
            (format!("{good}\ncolour = \"red\""), "colour"),
            (
                "kind = \"mail\"\nto = [\"li.na@example.com\"]".to_owned(),
                "does not say how mail",
            ),
            (
                "kind = \"mail\"\nto = [\"nobody\"]".to_owned(),
                "has no mailboxes",
            ),
            ("kind = \"pigeon\"".to_owned(), "pigeon"),
            (
                "kind = \"slack\"\nurl_file = \"/nowhere/url\"".to_owned(),
                "/nowhere/url",
            ),
        ] {
            let found = receiver(&lines);
            assert!(found.contains(said), "{lines}\n{found}");
            assert!(!found.contains("MfKQ9r8GKY"), "{found}");
            assert!(!found.contains("hidden"), "{found}");
        }
    }

    #[test]
    fn a_rule_names_what_there_is() {
        let rule = |lines: &str| problems(&format!("[[board.alerts.rules]]\n{lines}"));
        for (lines, said) in [
            (
                "receivers = [\"nobody\"]",
                "a receiver, in the rule with number 1",
            ),
            ("alerts = [\"late\"]", "`late` is not an alert"),
            ("tiers = [\"vip\"]", "`vip` is not a tier"),
            ("tiers = [\"key\"]", "tells nobody"),
        ] {
            let found = rule(lines);
            assert!(found.contains(said), "{lines}\n{found}");
        }
    }

    #[test]
    fn a_secret_may_come_from_the_environment_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (file, secret) = (
            folder.path().join("board.toml"),
            folder.path().join("secret"),
        );
        std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let text = format!(
            "board.public_url = \"https://board.example.com\"\n[board.alerts.receivers.crm]\nkind = \"webhook\"\n\
             secret_file = \"{}\"\n",
            secret.display()
        );
        std::fs::write(&file, text).unwrap();
        let url = "https://example.com/42".to_owned();
        let name = "CHURNWATCH_BOARD__ALERTS__RECEIVERS__CRM__URL".to_owned();
        let config =
            Config::load_with(Some(&file), [(name.into(), url.clone().into())].into_iter());
        let receiver = config.unwrap().board.alerts.receivers["crm"].clone();
        assert_eq!(receiver.url.reveal(), url);
        assert_eq!(
            receiver.secret.reveal(),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        );
        let shown = format!("{receiver:?}");
        assert!(
            !shown.contains("example.com") && !shown.contains("MfKQ"),
            "{shown}"
        );
    }
}
