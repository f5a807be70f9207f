//! Records whose schema is in a registry: they begin with a zero byte and the schema's id, and what follows is Avro, Protobuf or
//! JSON (docs/layouts.md, Avro and Protobuf).
//!
//! [`Registry::json`] makes JSON of one, and from there on it is read like any other. A schema is asked for once. While the
//! registry cannot be asked, the caller waits and nothing is lost: that is not the record's fault.
//!
//! Whoever writes such records calls [`Registry::register`] once and puts [`frame`] in front of each. Calls wait for the
//! registry, so they are not for asynchronous code.

mod avro;
mod client;
mod protobuf;
mod schema;
mod text;

pub use avro::Avro;
pub use client::{SchemaType, Trouble};
pub use protobuf::{Entry, Protobuf};
pub use schema::{Room, Schema, Source, Sources};
pub use text::Fault;

use crate::config::RegistrySettings;
use crate::model::Reject;
use client::{Client, brief};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The first byte of a record that has its schema's id.
const MAGIC: u8 = 0;
/// Pauses between two attempts to ask a registry that is away, in milliseconds: the first, doubled up to the last.
const PAUSE_FIRST_MS: u64 = 1_000;
const PAUSE_LAST_MS: u64 = 30_000;
/// A registry that does not have an id is asked again after this time: it may have it by then.
const ABSENT_MS: u64 = 60_000;
/// Ids that are remembered as absent. Broken records may bring any number of them.
const ABSENT_MAX: usize = 10_000;

/// A schema registry, and the schemas that it has sent so far. Threads may share it.
pub struct Registry {
    known: RwLock<BTreeMap<u32, Known>>,
    /// Who holds it asks; the others wait for what comes of it.
    asking: Mutex<Asking>,
    address: String,
    /// Requests for schemas, by their [`Answer`].
    figures: [AtomicU64; 3],
}

/// What is known of an id.
#[derive(Clone)]
enum Known {
    Schema(Arc<Schema>),
    /// There is a schema that cannot be used, and why.
    Unusable(Arc<str>),
    /// The registry had none, and is not asked again before this moment.
    Absent(u64),
}

struct Asking {
    client: Client,
    /// The registry was away the last time.
    away: Option<Away>,
}

/// A registry that cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// Why, with the address and what may help.
    pub reason: String,
    /// When it is asked again, in milliseconds of the caller's clock.
    pub until_ms: u64,
    pause_ms: u64,
    /// The schema that it was asked for.
    id: u32,
}

/// Why a record is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It cannot be.
    Rejected(Reject),
    /// Not now: the registry is away.
    Waits(Away),
}

/// How a request for a schema ended: with the schema, without because there is none, or not at all.
#[derive(Clone, Copy)]
enum Answer {
    Sent,
    Unknown,
    Failed,
}

impl Registry {
    /// The registry of a configuration, which is not asked anything yet; none if the configuration names none.
    ///
    /// # Errors
    /// Its client cannot be made; why.
    pub fn new(settings: &RegistrySettings) -> Result<Option<Self>, String> {
        if settings.url.is_empty() {
            return Ok(None);
        }
        let client = Client::new(settings)?;
        Ok(Some(Self {
            known: RwLock::default(),
            address: client.address().to_owned(),
            asking: Mutex::new(Asking { client, away: None }),
            figures: Default::default(),
        }))
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks whether the registry is there and lets us in.
    ///
    /// # Errors
    /// Why not, and what may help.
    pub fn look(&self) -> Result<(), Trouble> {
        self.client(|asking| asking.client.look())
    }

    /// Registers a schema under a subject, such as `TOPIC-value`, and returns its id. A schema that is registered already keeps
    /// its id. Waits for the registry, up to `registry.timeout_ms`.
    ///
    /// # Errors
    /// [`Trouble::Away`], or [`Trouble::Refused`] if the registry will not take it.
    pub fn register(&self, subject: &str, kind: SchemaType, text: &str) -> Result<u32, Trouble> {
        self.client(|asking| asking.client.register(subject, kind, text))
    }

    /// The id of a schema that is registered under a subject. Waits for the registry, up to `registry.timeout_ms`.
    ///
    /// # Errors
    /// [`Trouble::Away`], or [`Trouble::Unknown`] if it is not registered there.
    pub fn lookup(&self, subject: &str, kind: SchemaType, text: &str) -> Result<u32, Trouble> {
        self.client(|asking| asking.client.lookup(subject, kind, text))
    }

    /// The JSON text of a record that begins with a zero byte and an id. `now_ms` is a clock's that never goes back. A schema
    /// that is not known yet is waited for, up to `registry.timeout_ms`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn json<'a>(
        &self,
        bytes: &'a [u8],
        now_ms: u64,
        room: &'a mut Room,
    ) -> Result<&'a [u8], Unread> {
        let Some((id, body)) = unframe(bytes) else {
            let problem = "it ends before the id of its schema".to_owned();
            return Err(Unread::Rejected(Reject::NotOfSchema(problem)));
        };
        let schema = self.schema(id, now_ms)?;
        schema.json(body, room).map_err(|fault| {
            let problem = format!("{fault} (schema {id})");
            Unread::Rejected(Reject::NotOfSchema(problem))
        })
    }

    /// Asks again for a schema that the registry could not be asked for. Afterwards it is known what becomes of its records.
    ///
    /// # Errors
    /// The registry is still away.
    pub fn ask_again(&self, away: &Away, now_ms: u64) -> Result<(), Away> {
        match self.schema(away.id, now_ms) {
            Err(Unread::Waits(away)) => Err(away),
            _ => Ok(()),
        }
    }

    /// How many requests for schemas brought one, found that there is none, and failed, since this was last called.
    pub fn take_figures(&self) -> [u64; 3] {
        self.figures
            .each_ref()
            .map(|figure| figure.swap(0, Ordering::Relaxed))
    }

    fn schema(&self, id: u32, now_ms: u64) -> Result<Arc<Schema>, Unread> {
        if let Some(known) = self.known(id, now_ms) {
            return known;
        }
        self.client(|asking| {
            // Somebody else may have asked in the meantime.
            if let Some(known) = self.known(id, now_ms) {
                return known;
            }
            let waits = asking.away.as_ref().filter(|away| now_ms < away.until_ms);
            if let Some(away) = waits {
                let away = away.clone();
                return Err(Unread::Waits(Away { id, ..away }));
            }
            let answer = asking.client.schema(id);
            let (answer, known) = match answer {
                Ok(sources) => (Answer::Sent, learnt(&sources)),
                Err(Trouble::Refused(problem)) => {
                    (Answer::Sent, Known::Unusable(brief(&problem).into()))
                }
                Err(Trouble::Unknown(_)) => (Answer::Unknown, Known::Absent(now_ms + ABSENT_MS)),
                Err(Trouble::Away(reason)) => {
                    self.count(Answer::Failed);
                    let before = asking.away.as_ref().map(|away| away.pause_ms * 2);
                    let pause_ms = before.unwrap_or(PAUSE_FIRST_MS).min(PAUSE_LAST_MS);
                    let away = Away {
                        reason,
                        until_ms: now_ms + pause_ms,
                        pause_ms,
                        id,
                    };
                    asking.away = Some(away.clone());
                    return Err(Unread::Waits(away));
                }
            };
            asking.away = None;
            self.count(answer);
            self.learn(id, known.clone());
            outcome(id, known)
        })
    }

    /// What is known of an id, if that still holds.
    fn known(&self, id: u32, now_ms: u64) -> Option<Result<Arc<Schema>, Unread>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match known.get(&id)? {
            Known::Absent(until_ms) if now_ms >= *until_ms => None,
            known => Some(outcome(id, known.clone())),
        }
    }

    fn learn(&self, id: u32, new: Known) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let is_absent = |known: &Known| matches!(known, Known::Absent(_));
        if known.values().filter(|known| is_absent(known)).count() >= ABSENT_MAX {
            known.retain(|_, known| !is_absent(known));
        }
        known.insert(id, new);
    }

    fn count(&self, answer: Answer) {
        self.figures[answer as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn client<T>(&self, work: impl FnOnce(&mut Asking) -> T) -> T {
        let asking = self.asking.lock();
        work(&mut asking.unwrap_or_else(PoisonError::into_inner))
    }
}

fn learnt(sources: &Sources) -> Known {
    match Schema::new(sources) {
        Ok(schema) => Known::Schema(Arc::new(schema)),
        Err(problem) => Known::Unusable(brief(&problem).into()),
    }
}

fn outcome(id: u32, known: Known) -> Result<Arc<Schema>, Unread> {
    Err(Unread::Rejected(match known {
        Known::Schema(schema) => return Ok(schema),
        Known::Absent(_) => Reject::UnknownSchema(id),
        Known::Unusable(problem) => Reject::UnusableSchema {
            id,
            problem: (*problem).to_owned(),
        },
    }))
}

/// The bytes that stand in front of a record of a schema. In Protobuf the place of the message follows: a zero byte for the
/// schema's first one.
pub fn frame(id: u32) -> [u8; 5] {
    let [a, b, c, d] = id.to_be_bytes();
    [MAGIC, a, b, c, d]
}

/// The id of a record's schema, and what follows it.
fn unframe(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (id, body) = bytes.strip_prefix(&[MAGIC])?.split_first_chunk()?;
    Some((u32::from_be_bytes(*id), body))
}
