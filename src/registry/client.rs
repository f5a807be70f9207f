//! Speaking to a registry by HTTP, as Confluent's has it and others do too.

use super::schema::{Source, Sources};
use crate::config::RegistrySettings;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client as Http, Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::runtime::Runtime;

/// What is read of an answer: far more than any schema has.
const ANSWER_MAX: usize = 4 << 20;
/// Schemas that one schema may refer to, those that these refer to among them.
const REFERENCES_MAX: usize = 256;

/// Why a registry did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It cannot be asked now. It may be later, so what depends on it must wait.
    #[error("{0}")]
    Away(String),
    /// It does not have what it was asked for.
    #[error("{0}")]
    Unknown(String),
    /// It does not take what it was given, and will not.
    #[error("{0}")]
    Refused(String),
}

/// What a schema is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaType {
    /// Avro.
    Avro,
    /// Protobuf.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl SchemaType {
    /// As registries name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }
}

/// Asks a registry, one request after the other, and waits for the answers.
pub struct Client {
    http: Http,
    runtime: Runtime,
    base: Url,
    username: String,
    password: String,
    timeout: Duration,
}

/// A schema as a registry sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    schema: String,
    /// Avro, where it is not said.
    #[serde(default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
}

/// A schema that another one names.
#[derive(Deserialize)]
struct Reference {
    name: String,
    subject: String,
    version: i64,
}

/// What is left to do for the references of a schema.
enum Step {
    Ask(Reference),
    /// All that it refers to was added.
    Add(Source),
}

#[derive(Deserialize)]
struct Registered {
    id: u32,
}

/// What a registry says of a request that it does not fulfil.
#[derive(Deserialize, Default)]
struct Said {
    #[serde(default)]
    error_code: u32,
    #[serde(default)]
    message: String,
}

impl Client {
    /// A client of the registry that the configuration names.
    ///
    /// # Errors
    /// The client cannot be made; why.
    pub fn new(settings: &RegistrySettings) -> Result<Self, String> {
        let timeout = Duration::from_millis(settings.timeout_ms.into());
        let mut http = Http::builder()
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("churnwatch/", env!("CARGO_PKG_VERSION")));
        let of_file = |what: String| format!("registry.ca_file: `{}`: {what}", settings.ca_file);
        if !settings.ca_file.is_empty() {
            let text = std::fs::read(&settings.ca_file);
            let text = text.map_err(|error| of_file(error.to_string()))?;
            let certificates = Certificate::from_pem_bundle(&text);
            let certificates = certificates.map_err(|error| of_file(error.to_string()))?;
            http = http.tls_certs_merge(certificates);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let base = Url::parse(&settings.url);
        Ok(Self {
            http: http.build().map_err(|error| error.to_string())?,
            runtime: runtime.map_err(|error| error.to_string())?,
            base: base.map_err(|error| format!("registry.url: {error}"))?,
            username: settings.username.clone(),
            password: settings.password.reveal().to_owned(),
            timeout,
        })
    }

    /// The schema with an id, and those that it refers to.
    ///
    /// # Errors
    /// [`Trouble::Away`], or [`Trouble::Unknown`] if there is none with this id.
    pub fn schema(&self, id: u32) -> Result<Sources, Trouble> {
        let fetch = async {
            let sent = self.get(&["schemas", "ids", &id.to_string()]).await?;
            let kind = sent.schema_type.unwrap_or_else(|| "AVRO".to_owned());
            let (mut references, mut known) = (Vec::new(), BTreeSet::new());
            let ask = |references: Vec<Reference>| references.into_iter().rev().map(Step::Ask);
            let mut steps: Vec<Step> = ask(sent.references).collect();
            while let Some(step) = steps.pop() {
                let reference = match step {
                    Step::Add(source) => {
                        references.push(source);
                        continue;
                    }
                    Step::Ask(reference) if known.contains(&reference.name) => continue,
                    Step::Ask(reference) => reference,
                };
                known.insert(reference.name.clone());
                if known.len() > REFERENCES_MAX {
                    let text = format!("refers to more than {REFERENCES_MAX} others");
                    return Err(Trouble::Refused(text));
                }
                let version = reference.version.to_string();
                let path = ["subjects", &reference.subject, "versions", &version];
                let sent = self.get(&path).await?;
                steps.push(Step::Add(Source {
                    name: reference.name,
                    text: sent.schema,
                }));
                steps.extend(ask(sent.references));
            }
            Ok(Sources {
                kind,
                text: sent.schema,
                references,
            })
        };
        self.within_time(fetch)
    }

    /// Registers a schema, or finds that it is registered, and returns its id.
    ///
    /// # Errors
    /// [`Trouble::Away`], or [`Trouble::Refused`] if the schema is wrong, or does not go with the subject's earlier ones.
    pub fn register(&self, subject: &str, kind: SchemaType, text: &str) -> Result<u32, Trouble> {
        self.send(&["subjects", subject, "versions"], kind, text)
    }

    /// Finds the id of a schema that is registered under a subject.
    ///
    /// # Errors
    /// [`Trouble::Away`], or [`Trouble::Unknown`] if it is not registered there.
    pub fn lookup(&self, subject: &str, kind: SchemaType, text: &str) -> Result<u32, Trouble> {
        self.send(&["subjects", subject], kind, text)
    }

    fn send(&self, path: &[&str], kind: SchemaType, text: &str) -> Result<u32, Trouble> {
        let body = json!({ "schema": text, "schemaType": kind.name() }).to_string();
        let url = self.at(path);
        let request = self.request(Method::POST, &url);
        let request = request
            .header(CONTENT_TYPE, "application/vnd.schemaregistry.v1+json")
            .body(body);
        let registered: Registered = self.within_time(self.answer(request, &url))?;
        Ok(registered.id)
    }

    /// Asks for something small: whether the registry is there and lets us in.
    ///
    /// # Errors
    /// [`Trouble::Away`].
    pub fn look(&self) -> Result<(), Trouble> {
        let url = self.at(&["schemas", "types"]);
        let request = self.request(Method::GET, &url);
        self.within_time(self.answer::<Vec<String>>(request, &url))
            .map(drop)
    }

    /// The address as a message names it. It has no password.
    pub fn address(&self) -> &str {
        self.base.as_str()
    }

    async fn get(&self, path: &[&str]) -> Result<Sent, Trouble> {
        let mut url = self.at(path);
        // What was deleted for writers is still what was written.
        url.set_query(Some("deleted=true"));
        let answer = self.answer(self.request(Method::GET, &url), &url).await;
        // Whoever only asks has nothing that could be refused for good.
        answer.map_err(|trouble| match trouble {
            Trouble::Refused(reason) => Trouble::Away(reason),
            other => other,
        })
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // An address with a host, as the configuration has it, has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        let request = self.http.request(method, url.clone());
        match self.username.is_empty() {
            true => request,
            false => request.basic_auth(&self.username, Some(&self.password)),
        }
    }

    fn within_time<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        self.runtime.block_on(async {
            let late = || {
                let seconds = self.timeout.as_secs_f64();
                Trouble::Away(format!("{} has not answered in {seconds} s", self.base))
            };
            let done = tokio::time::timeout(self.timeout, work).await;
            done.unwrap_or_else(|_| Err(late()))
        })
    }

    async fn answer<T: for<'d> Deserialize<'d>>(
        &self,
        request: RequestBuilder,
        url: &Url,
    ) -> Result<T, Trouble> {
        let away = |what: String| Trouble::Away(format!("{url} {what}"));
        let broken = |error: reqwest::Error| {
            away(match error {
                error if error.is_connect() => {
                    let remedy = "is registry.url right, and does the registry run?";
                    format!("cannot be connected to ({}); {remedy}", root(&error))
                }
                error => format!("broke off: {}", root(&error)),
            })
        };
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(away(format!("answers with more than {ANSWER_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if status == StatusCode::OK {
            let read = serde_json::from_slice(&body);
            let remedy = "is registry.url the address of a schema registry?";
            return read.map_err(|_| away(format!("does not answer as a registry does; {remedy}")));
        }
        let said: Said = serde_json::from_slice(&body).unwrap_or_default();
        let what = match said.message.as_str() {
            "" => format!("answers with status {}", status.as_u16()),
            message => format!(
                "answers with status {} ({})",
                status.as_u16(),
                brief(message)
            ),
        };
        Err(match status {
            // Other addresses answer with 404 too, but not with these numbers.
            StatusCode::NOT_FOUND if (40_401..=40_403).contains(&said.error_code) => {
                Trouble::Unknown(format!("{url} {what}"))
            }
            StatusCode::NOT_FOUND => away(format!(
                "{what}; is registry.url the address of a schema registry?"
            )),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => away(format!(
                "{what}; are registry.username and registry.password right, and may it read?"
            )),
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
                Trouble::Refused(format!("{url} {what}"))
            }
            _ => away(what),
        })
    }
}

/// The innermost cause: the outer ones repeat the address.
fn root(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(inner) => root(inner),
        None => brief(&error.to_string()),
    }
}

/// So much of a text as a line of the log may have.
pub fn brief(text: &str) -> String {
    const CHARACTERS_MAX: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
