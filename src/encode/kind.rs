//! The kinds of records that are written for others, and their schemas.

/// A kind of record that is written for others. Dead letters are none: they leave as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A retention task.
    Task,
    /// A signal.
    Signal,
    /// A signal of the shadow rules.
    ShadowSignal,
    /// The confirmation of an erasure.
    Erasure,
    /// A count of what tasks achieve.
    Uplift,
}

/// A language of schemas, and how bytes are laid out by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Apache Avro.
    Avro,
    /// Protocol Buffers.
    Protobuf,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Task,
        Self::Signal,
        Self::ShadowSignal,
        Self::Erasure,
        Self::Uplift,
    ];

    /// What its schemas are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "retention-task",
            Self::Signal => "churn-signal",
            Self::ShadowSignal => "shadow-signal",
            Self::Erasure => "erasure",
            Self::Uplift => "uplift",
        }
    }

    /// CloudEvents' `type`.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Task => "churnwatch.retention-task.v1",
            Self::Signal => "churnwatch.churn-signal.v1",
            Self::ShadowSignal => "churnwatch.shadow-signal.v1",
            Self::Erasure => "churnwatch.erasure.v1",
            Self::Uplift => "churnwatch.uplift.v1",
        }
    }

    /// The text of its schema.
    pub fn schema(self, language: Language) -> &'static str {
        macro_rules! text {
            ($name:literal) => {
                match language {
                    Language::Avro => include_str!(concat!("../../schemas/avro/", $name, ".avsc")),
                    Language::Protobuf => {
                        include_str!(concat!("../../schemas/protobuf/", $name, ".proto"))
                    }
                }
            };
        }
        match self {
            Self::Task => text!("retention-task"),
            Self::Signal => text!("churn-signal"),
            Self::ShadowSignal => text!("shadow-signal"),
            Self::Erasure => text!("erasure"),
            Self::Uplift => text!("uplift"),
        }
    }
}
