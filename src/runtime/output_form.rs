//! The form in which records leave: the schemas that it needs are registered, or found, before the first record.

use crate::config::{Config, Envelope, OutputFormat, TopicSettings};
use crate::encode::{Form, Kind, Language, Registered};
use crate::kafka::Refusal;
use crate::registry::{Registry, SchemaType, Trouble};
use std::collections::BTreeMap;
use tracing::info;

/// The form that a configuration asks for. For Avro and Protobuf the registry is asked; nobody asks it afterwards.
///
/// # Errors
/// The registry is away, or does not take the schemas.
pub fn output_form(config: &Config) -> Result<Form, Refusal> {
    let (language, schema_type) = match (config.output.format, config.output.envelope) {
        (OutputFormat::Json, Envelope::None) => return Ok(Form::Json),
        (OutputFormat::Json, Envelope::CloudEvents) => return Ok(Form::CloudEvents),
        (OutputFormat::Avro, _) => (Language::Avro, SchemaType::Avro),
        (OutputFormat::Protobuf, _) => (Language::Protobuf, SchemaType::Protobuf),
    };
    let registry = Registry::new(&config.registry).map_err(|why| refusal(why, false))?;
    let registry =
        registry.ok_or_else(|| refusal("registry.url names no registry".to_owned(), false))?;
    let url = registry.address();
    info!(url, "asking the schema registry for the schemas");
    let mut ids = BTreeMap::new();
    for kind in Kind::ALL {
        let subject = format!("{}-value", topic(&config.topics, kind));
        let text = kind.schema(language);
        let id = match config.output.register {
            true => registry.register(&subject, schema_type, text),
            false => registry.lookup(&subject, schema_type, text),
        };
        let id = id.map_err(|trouble| explained(kind, &subject, trouble))?;
        ids.insert(kind, id);
    }
    let registered = Registered::new(language, &ids).map_err(|why| refusal(why, false))?;
    Ok(Form::Registered(registered))
}

/// Where records of a kind go.
fn topic(topics: &TopicSettings, kind: Kind) -> &str {
    match kind {
        Kind::Task => &topics.tasks,
        Kind::Signal => &topics.signals,
        Kind::ShadowSignal => &topics.shadow_signals,
        Kind::Erasure => &topics.erasures,
        Kind::Uplift => &topics.uplift,
    }
}

fn explained(kind: Kind, subject: &str, trouble: Trouble) -> Refusal {
    let name = kind.name();
    match trouble {
        Trouble::Away(why) => refusal(why, true),
        Trouble::Unknown(why) => refusal(
            format!(
                "subject `{subject}` of the schema registry does not have the schema `{name}`: {why}; register it, or set \
                 output.register to true"
            ),
            false,
        ),
        Trouble::Refused(why) => refusal(
            format!(
                "the schema registry does not take the schema `{name}` under the subject `{subject}`: {why}; name another \
                 topic in [topics], or remove from the subject what the schema does not go with"
            ),
            false,
        ),
    }
}

fn refusal(problem: String, away: bool) -> Refusal {
    Refusal {
        problems: vec![problem],
        away,
    }
}
