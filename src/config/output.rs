//! `[output]`: in which form records leave for other systems.

use super::registry::RegistrySettings;
use crate::layers::{Key, Layers};
use serde::Deserialize;

/// `[output]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSettings {
    /// How values are written.
    pub format: OutputFormat,
    /// What is put around them.
    pub envelope: Envelope,
    /// CloudEvents' `source`, a URI reference; empty for one that names the group.
    pub source: String,
    /// Whether schemas that the registry lacks are registered.
    pub register: bool,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// JSON.
    Json,
    /// Apache Avro, by a registry's schemas.
    Avro,
    /// Protocol Buffers, by a registry's schemas.
    Protobuf,
}

/// What is put around values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Envelope {
    /// Nothing.
    None,
    /// CloudEvents' structured mode.
    CloudEvents,
}

/// Reads and checks `[output]`.
pub(super) fn output(
    layers: &mut Layers,
    registry: Option<&RegistrySettings>,
) -> Option<OutputSettings> {
    let settings: OutputSettings = layers.read("output")?;
    if settings.envelope == Envelope::CloudEvents && settings.format != OutputFormat::Json {
        layers.problem(
            &Key::of("output.envelope"),
            "goes with JSON only",
            "set output.format to \"json\", or leave the envelope out: the attributes of CloudEvents are headers in every format",
        );
    }
    let registered = settings.format != OutputFormat::Json;
    if registered && registry.is_some_and(|registry| registry.url.is_empty()) {
        layers.problem(
            &Key::of("output.format"),
            "needs a schema registry",
            "name it in registry.url, or set output.format to \"json\"",
        );
    }
    if settings
        .source
        .contains(|c: char| c.is_whitespace() || c.is_control())
    {
        layers.problem(
            &Key::of("output.source"),
            "is not a URI reference",
            "write one without blanks, such as /churnwatch/south or https://example.com/churnwatch",
        );
    }
    Some(settings)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn what_does_not_go_together_is_said() {
        for (lines, said) in [
            (
                "format = \"avro\"\n[registry]\nurl = \"http://localhost:8081\"",
                "",
            ),
            ("envelope = \"cloudevents\"\nsource = \"/south\"", ""),
            (
                "format = \"protobuf\"",
                "output.format: needs a schema registry",
            ),
            (
                "format = \"avro\"\nenvelope = \"cloudevents\"",
                "output.envelope: goes with JSON only",
            ),
            (
                "format = \"xml\"",
                "write \"json\", \"avro\" or \"protobuf\"",
            ),
            ("envelope = \"soap\"", "write \"none\" or \"cloudevents\""),
            (
                "source = \"the south\"",
                "output.source: is not a URI reference",
            ),
            ("register = 1", "register"),
        ] {
            let read = Config::from_toml_str(&format!("[output]\n{lines}"), "test.toml");
            let problems = read.map_or_else(|problems| problems.to_string(), |_| String::new());
            assert!(problems.contains(said), "{lines}: {problems}");
            assert_eq!(said.is_empty(), problems.is_empty(), "{lines}: {problems}");
        }
    }
}
