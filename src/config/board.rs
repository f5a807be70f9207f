//! `[board]`: the pages on which people see and answer tasks.

use super::alerts::{self, AlertSettings};
use crate::layers::{Key, Layers};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// `[board]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardSettings {
    /// Address and port; port 0 for any free one.
    pub listen: SocketAddr,
    /// Address and port of the board's `/metrics`; port 0 for any free one.
    pub metrics_listen: SocketAddr,
    /// Names by which the board may be asked for.
    pub hosts: Vec<String>,
    /// Folder of the store; empty for none, and everything is read again at each start.
    pub store: String,
    /// Days that closed tasks, signals and the audit are kept.
    pub keep_days: u16,
    /// Language for those whose browser asks for none of ours.
    pub language: String,
    /// A session ends after so long.
    pub session_hours: u16,
    /// Connections at a time.
    pub connections_max: u16,
    /// Header in which a proxy says who asks; empty for none.
    pub proxy_header: String,
    /// Addresses of the proxies that are believed.
    pub proxies: Vec<IpAddr>,
    /// The address by which people reach the board, without a slash at its end; empty where nothing links to it.
    pub public_url: String,
    /// Who is told of tasks.
    pub alerts: AlertSettings,
    /// Whoever may use the board, by name.
    pub users: BTreeMap<String, BoardUser>,
}

/// A person who may use the board.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardUser {
    /// What the person may see and do.
    pub role: BoardRole,
    /// SHA-256 of the person's token, in hexadecimal; empty for those who come by a proxy.
    #[serde(default)]
    pub token_sha256: String,
    /// Names of account managers whose tasks these are.
    #[serde(default)]
    pub managers: Vec<String>,
    /// Queues whose tasks these are.
    #[serde(default)]
    pub queues: Vec<String>,
    /// A lead's region, such as `HQ/Guangdong`.
    #[serde(default)]
    pub region: String,
    /// Whether the person may see numbers in full.
    #[serde(default)]
    pub may_call: bool,
}

/// What a person may see and do on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BoardRole {
    /// Sees and answers tasks of their own.
    Manager,
    /// Sees and hands over the tasks of a region.
    Lead,
    /// Sees everything, the audit too.
    Admin,
}

impl BoardUser {
    /// Whether it is written as it should be.
    fn problem(&self) -> Option<(&'static str, &'static str)> {
        let hexadecimal = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        let token = &self.token_sha256;
        if !token.is_empty() && (token.len() != 64 || !hexadecimal(token)) {
            return Some((
                "has a token_sha256 that is not 64 hexadecimal digits",
                "write the hash that `churnwatch board --new-token` prints, not the token itself",
            ));
        }
        match self.role {
            BoardRole::Manager if self.managers.is_empty() && self.queues.is_empty() => Some((
                "is a manager of nothing",
                "name the account managers or queues of the tasks that the person answers",
            )),
            BoardRole::Lead if self.region.is_empty() => Some((
                "is a lead without a region",
                "write a region such as HQ/Guangdong",
            )),
            _ => None,
        }
    }
}

/// Reads and checks `[board]`.
pub(super) fn board(layers: &mut Layers) -> Option<BoardSettings> {
    let mut settings: BoardSettings = layers.read("board")?;
    let bare = settings.public_url.trim_end_matches('/').to_owned();
    settings.public_url = bare;
    alerts::check(layers, &settings.public_url, &mut settings.alerts);
    for (name, user) in &settings.users {
        if let Some((what, remedy)) = user.problem() {
            layers.problem(&Key::of("board.users").child(name), what, remedy);
        }
    }
    if settings.users.is_empty() && !settings.listen.ip().is_loopback() {
        layers.problem(
            &Key::of("board.listen"),
            "lets everybody in: [board.users] names nobody",
            "listen on a loopback address, or name who may use the board",
        );
    }
    if !settings.proxy_header.is_empty() && settings.proxies.is_empty() {
        layers.problem(
            &Key::of("board.proxies"),
            "names no proxy, so anybody could say who asks",
            "list the addresses of the proxies that set the header",
        );
    }
    let languages = ["zh-CN", "en"];
    layers.expect_name(
        &Key::of("board.language"),
        "language",
        &settings.language,
        &languages,
    );
    Some(settings)
}
