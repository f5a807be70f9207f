//! A schema registry for tests: it has what a test gives it, takes what is registered, and is away when a test says so.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::receiver::{Asked, Receiver, Reply};

/// A registry. It listens as long as the test runs.
pub struct StandIn {
    receiver: Receiver,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// What `GET /schemas/ids/ID` answers.
    schemas: BTreeMap<u32, Value>,
    /// The ids under each subject, by version from 1.
    subjects: BTreeMap<String, Vec<u32>>,
    /// What every request gets instead.
    away: Option<Reply>,
    /// Why nothing is registered under a subject.
    refused: BTreeMap<String, String>,
}

impl StandIn {
    /// A registry without schemas.
    pub fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The same at an address that a test has chosen.
    pub fn at(address: SocketAddr) -> Self {
        Self::on(TcpListener::bind(address).unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let shared: Arc<Mutex<Shared>> = Arc::default();
        let state = Arc::clone(&shared);
        let answer = move |_, asked: &Asked| state.lock().unwrap().answer(asked);
        Self {
            receiver: Receiver::on(listener, answer),
            shared,
        }
    }

    /// Its address, as `registry.url` names it.
    pub fn url(&self) -> String {
        format!("http://{}", self.receiver.address)
    }

    /// Puts a schema under an id, and as the next version under a subject of the same number. `references` are names, subjects
    /// and versions.
    pub fn put(&self, id: u32, kind: &str, schema: &str, references: &[(&str, &str, u32)]) {
        let references = references.iter().map(|(name, subject, version)| {
            json!({ "name": name, "subject": subject, "version": version })
        });
        let references: Vec<_> = references.collect();
        let mut answer = json!({ "schema": schema, "references": references });
        // Registries leave the type of Avro out.
        if kind != "AVRO" {
            answer["schemaType"] = json!(kind);
        }
        let mut shared = self.shared.lock().unwrap();
        shared.schemas.insert(id, answer);
        let subject = shared.subjects.entry(id.to_string()).or_default();
        subject.push(id);
    }

    /// Takes nothing more under a subject, because it does not go with what is there.
    pub fn refuse(&self, subject: &str, why: &str) {
        let mut shared = self.shared.lock().unwrap();
        shared.refused.insert(subject.to_owned(), why.to_owned());
    }

    /// The type of a schema and its text, as a consumer gets them.
    pub fn schema(&self, id: u32) -> (String, String) {
        let shared = self.shared.lock().unwrap();
        let schema = &shared.schemas[&id];
        let kind = schema["schemaType"].as_str().unwrap_or("AVRO");
        (
            kind.to_owned(),
            schema["schema"].as_str().unwrap().to_owned(),
        )
    }

    /// The subjects under which something is registered.
    pub fn subjects(&self) -> Vec<String> {
        self.shared
            .lock()
            .unwrap()
            .subjects
            .keys()
            .cloned()
            .collect()
    }

    /// From now on every request gets this; with none, the registry is back.
    pub fn away(&self, reply: Option<Reply>) {
        self.shared.lock().unwrap().away = reply;
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.receiver.asked()
    }

    /// How often a schema was asked for by its id.
    pub fn asked_for(&self, id: u32) -> usize {
        let path = format!("/schemas/ids/{id}");
        let asked = self.asked().into_iter();
        asked
            .filter(|asked| asked.path.split('?').next() == Some(&*path))
            .count()
    }
}

impl Shared {
    fn answer(&mut self, asked: &Asked) -> Reply {
        if let Some(away) = &self.away {
            return away.clone();
        }
        let path = asked.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let found = match (asked.method.as_str(), &parts[..]) {
            ("GET", ["schemas", "types"]) => Some(json!(["JSON", "PROTOBUF", "AVRO"])),
            ("GET", ["schemas", "ids", id]) => {
                let found = id.parse().ok().and_then(|id| self.schemas.get(&id));
                return match found {
                    Some(schema) => Reply::Json(200, schema.to_string()),
                    None => refusal(40403, "Schema not found"),
                };
            }
            ("GET", ["subjects", subject, "versions", version]) => {
                let place = version.parse::<usize>().ok().map(|version| version - 1);
                let ids = self.subjects.get(*subject);
                let id = ids.zip(place).and_then(|(ids, place)| ids.get(place));
                id.and_then(|id| self.schemas.get(id)).cloned()
            }
            ("POST", ["subjects", subject]) => {
                let Some(ids) = self.subjects.get(*subject) else {
                    return refusal(40401, "Subject not found");
                };
                let schema = &asked.json()["schema"];
                let found = ids.iter().find(|id| self.schemas[*id]["schema"] == *schema);
                return match found {
                    Some(id) => Reply::Json(200, json!({ "id": id }).to_string()),
                    None => refusal(40403, "Schema not found"),
                };
            }
            ("POST", ["subjects", subject, "versions"]) if self.refused.contains_key(*subject) => {
                let body = json!({ "error_code": 409, "message": self.refused[*subject] });
                return Reply::Json(409, body.to_string());
            }
            ("POST", ["subjects", subject, "versions"]) => {
                Some(json!({ "id": self.register(subject, asked.json()) }))
            }
            _ => return Reply::Json(404, "{\"error_code\":404}".to_owned()),
        };
        match found {
            Some(answer) => Reply::Json(200, answer.to_string()),
            None => refusal(40402, "Version not found"),
        }
    }

    /// The id of a schema, which is a new one only if nobody has registered it before.
    fn register(&mut self, subject: &str, schema: Value) -> u32 {
        let same = |known: &&u32| self.schemas[*known]["schema"] == schema["schema"];
        let known = self.schemas.keys().find(same).copied();
        let last = self.schemas.keys().next_back().copied();
        let id = known.unwrap_or(last.unwrap_or(0) + 1);
        self.schemas.entry(id).or_insert(schema);
        let ids = self.subjects.entry(subject.to_owned()).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
        id
    }
}

fn refusal(code: u32, message: &str) -> Reply {
    let body = json!({ "error_code": code, "message": message });
    Reply::Json(404, body.to_string())
}
